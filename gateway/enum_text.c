#include "gateway/enum_text.h"

#include <assert.h>

static size_t get_prefix_len(const ProtobufCEnumDescriptor *type)
{
    static const char unspecified[] = "UNSPECIFIED";
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(type, 0);
    size_t len = strlen(zero->name);

    assert(len > sizeof(unspecified) &&
           strcmp(zero->name + len + 1 - sizeof(unspecified), unspecified) == 0);
    return len + 1 - sizeof(unspecified);
}

const char *enum_text_find(const ProtobufCEnumDescriptor *type, int value)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);

    return found ? found->name + get_prefix_len(type) : NULL;
}

const char *enum_text_get(const ProtobufCEnumDescriptor *type, int value, const char *field,
                          struct violations *violations)
{
    const char *name = enum_text_find(type, value);

    if (value == 0)
        return NULL;
    if (!name)
        violations_add(violations, field, "%s: %d is no value of %s", field, value, type->name);
    return name;
}

bool enum_text_read(const ProtobufCEnumDescriptor *type, struct str text, int *ret)
{
    size_t prefix_len = get_prefix_len(type);

    for (unsigned i = 0; i < type->n_values; i++)
        if (str_is(text, type->values[i].name + prefix_len)) {
            *ret = type->values[i].value;
            return true;
        }
    return false;
}
