#include "spec/column_type.h"

#include <assert.h>
#include <stddef.h>

#include "base/compiler.h"

static const char *const names[] = {
    [COLUMN_BOOLEAN] = "BOOLEAN", [COLUMN_BYTE] = "BYTE",
    [COLUMN_SHORT] = "SHORT",     [COLUMN_INT] = "INT",
    [COLUMN_LONG] = "LONG",       [COLUMN_FLOAT] = "FLOAT",
    [COLUMN_DOUBLE] = "DOUBLE",   [COLUMN_DECIMAL] = "DECIMAL",
    [COLUMN_STRING] = "STRING",   [COLUMN_VARBINARY] = "VARBINARY",
    [COLUMN_DATE] = "DATE",       [COLUMN_TIMESTAMP] = "TIMESTAMP",
    [COLUMN_JSON] = "JSON",       [COLUMN_TIMESTAMPTZ] = "TIMESTAMP WITH TIME ZONE",
    [COLUMN_UUID] = "UUID",
};
static_assert(ARRAY_LEN(names) == COLUMN_NTYPES, "a name for each type");

const char *column_type_get_name(enum column_type type)
{
    return names[type];
}

bool column_type_find(struct str name, enum column_type *ret)
{
    for (size_t i = 0; i <= COLUMN_VARBINARY; i++) {
        if (str_is_ignoring_case(name, names[i])) {
            *ret = (enum column_type)i;
            return true;
        }
    }
    return false;
}

const char *column_type_get_choices(void)
{
    return "BOOLEAN, BYTE, SHORT, INT, LONG, FLOAT, DOUBLE, DECIMAL, STRING or VARBINARY";
}
