/*
 * spec/column_type.h - the types of columns that an import writes.
 */
#ifndef SPEC_COLUMN_TYPE_H
#define SPEC_COLUMN_TYPE_H

#include <stdbool.h>

#include "base/str.h"

enum column_type {
    COLUMN_BOOLEAN,
    COLUMN_BYTE,      /* -128 to 127 */
    COLUMN_SHORT,     /* 16 bits */
    COLUMN_INT,       /* 32 bits */
    COLUMN_LONG,      /* 64 bits */
    COLUMN_FLOAT,     /* IEEE 754 binary32 */
    COLUMN_DOUBLE,    /* IEEE 754 binary64 */
    COLUMN_DECIMAL,   /* at most 38 digits */
    COLUMN_STRING,    /* UTF-8 without NUL */
    COLUMN_VARBINARY, /* any bytes */
    /* From here on only as types of a destination's existing columns. */
    COLUMN_DATE,        /* a day */
    COLUMN_TIMESTAMP,   /* microseconds, no zone */
    COLUMN_TIMESTAMPTZ, /* microseconds, UTC */
    COLUMN_JSON,        /* text that is JSON */
    COLUMN_UUID,
    COLUMN_NTYPES,
};

/* "INT" and the like; never freed. */
const char *column_type_get_name(enum column_type type);

/* Finds one of the ten types that "name||Type" may give, without case. False: there is none. */
bool column_type_find(struct str name, enum column_type *ret);

/* What column_type_find takes, for errors: "BOOLEAN, BYTE, ...". */
const char *column_type_get_choices(void);

#endif
