#include "rpc/message_field.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/json_in.h"
#include "base/number.h"
#include "base/utf8.h"
#include "rpc/message_text.h"

enum {
    SHOWN_BYTES = 40, /* of a value in an error */
    CHOICES_BYTES = 120,
};

static int shown(struct str text)
{
    return text.len > SHOWN_BYTES ? SHOWN_BYTES : (int)text.len;
}

static const char *data_of(struct str text)
{
    return text.data ? text.data : "";
}

/* Names. */

static char to_upper(char c)
{
    return c >= 'a' && c <= 'z' ? (char)(c - 'a' + 'A') : c;
}

/* Whether camel is the lowerCamelCase of the proto's own name. */
static bool is_camel_of(struct str camel, const char *name)
{
    size_t at = 0;

    for (const char *c = name; *c; c++, at++) {
        char expected = *c;
        if (*c == '_' && c[1] != '\0')
            expected = to_upper(*++c);
        if (at >= camel.len || camel.data[at] != expected)
            return false;
    }
    return at == camel.len;
}

const ProtobufCFieldDescriptor *message_field_find(const ProtobufCMessageDescriptor *type,
                                                   struct str name)
{
    for (unsigned i = 0; i < type->n_fields; i++) {
        const ProtobufCFieldDescriptor *field = &type->fields[i];
        if (name.len == 0 || name.data[0] != field->name[0]) /* both spellings begin alike */
            continue;
        if (str_is(name, field->name) || is_camel_of(name, field->name))
            return field;
    }
    return NULL;
}

void message_append_camel(const char *name, struct buf *ret)
{
    for (const char *c = name; *c; c++) {
        if (*c == '_' && c[1] != '\0')
            buf_append_char(ret, to_upper(*++c));
        else
            buf_append_char(ret, *c);
    }
}

/* Descriptors do not say so, but protoc gives the entries of map foo_bar the name FooBarEntry. */
bool message_field_is_map(const ProtobufCFieldDescriptor *field)
{
    if (field->label != PROTOBUF_C_LABEL_REPEATED || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return false;

    const ProtobufCMessageDescriptor *entry = field->descriptor;
    struct str name = str_from(entry->short_name);
    struct str suffix = str_from("Entry");

    if (entry->n_fields != 2 || strcmp(entry->fields[0].name, "key") != 0 ||
        strcmp(entry->fields[1].name, "value") != 0 || name.len <= suffix.len)
        return false;
    name.len -= suffix.len;
    return str_is(str_skip(str_from(entry->short_name), name.len), suffix.data) &&
           name.data[0] == to_upper(field->name[0]) &&
           is_camel_of(str_skip(name, 1), field->name + 1);
}

enum message_form message_get_form(const ProtobufCMessageDescriptor *type)
{
    if (message_text_is_form_of(type))
        return MESSAGE_TEXT;
    if (strcmp(type->package_name, "google.protobuf") == 0 && type->n_fields == 1 &&
        strcmp(type->fields[0].name, "value") == 0)
        return MESSAGE_WRAPPER;
    return MESSAGE_FIELDS;
}

ProtobufCMessage *message_try_create(const ProtobufCMessageDescriptor *type, struct arena *arena)
{
    ProtobufCMessage *message = arena_try_alloc(arena, type->sizeof_message);

    if (message)
        protobuf_c_message_init(type, message);
    return message;
}

/* Presence. */

static bool is_in_oneof(const ProtobufCFieldDescriptor *field)
{
    return (field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF) != 0;
}

/* The arm of a oneof is an enum of the fields' numbers; 0: none. */
static uint32_t *arm_of(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return message_field_get_quantifier(message, field);
}

bool message_field_is_taken(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    return is_in_oneof(field) && *arm_of(message, field) != 0 &&
           *arm_of(message, field) != field->id;
}

void message_field_mark(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    bool is_pointer =
        field->type == PROTOBUF_C_TYPE_STRING || field->type == PROTOBUF_C_TYPE_MESSAGE;

    if (is_in_oneof(field))
        *arm_of(message, field) = field->id;
    else if (field->label == PROTOBUF_C_LABEL_OPTIONAL && !is_pointer)
        *(protobuf_c_boolean *)message_field_get_quantifier(message, field) = 1;
}

static bool is_all_zero(const void *data, size_t size)
{
    const unsigned char *bytes = data;

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0)
            return false;
    }
    return true;
}

bool message_field_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field)
{
    const void *member = message_field_get(message, field);

    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return *(const size_t *)message_field_get_quantifier(message, field) > 0;
    if (is_in_oneof(field) && *arm_of(message, field) != field->id)
        return false;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return *(ProtobufCMessage *const *)member != NULL;
    if (is_in_oneof(field) || field->label == PROTOBUF_C_LABEL_REQUIRED)
        return true;
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        const char *text = *(const char *const *)member;
        return text && *text;
    }
    if (field->label == PROTOBUF_C_LABEL_OPTIONAL)
        return *(const protobuf_c_boolean *)message_field_get_quantifier(message, field) != 0;
    if (field->type == PROTOBUF_C_TYPE_BYTES)
        return ((const ProtobufCBinaryData *)member)->len > 0;
    return !is_all_zero(member, message_field_get_size(field));
}

/* Values. */

static const struct {
    size_t size;
    bool is_int;
    int64_t min, max;
} types[] = {
    [PROTOBUF_C_TYPE_INT32] = {sizeof(int32_t), true, INT32_MIN, INT32_MAX},
    [PROTOBUF_C_TYPE_SINT32] = {sizeof(int32_t), true, INT32_MIN, INT32_MAX},
    [PROTOBUF_C_TYPE_SFIXED32] = {sizeof(int32_t), true, INT32_MIN, INT32_MAX},
    [PROTOBUF_C_TYPE_INT64] = {sizeof(int64_t), true, INT64_MIN, INT64_MAX},
    [PROTOBUF_C_TYPE_SINT64] = {sizeof(int64_t), true, INT64_MIN, INT64_MAX},
    [PROTOBUF_C_TYPE_SFIXED64] = {sizeof(int64_t), true, INT64_MIN, INT64_MAX},
    [PROTOBUF_C_TYPE_UINT32] = {sizeof(uint32_t), true, 0, UINT32_MAX},
    [PROTOBUF_C_TYPE_FIXED32] = {sizeof(uint32_t), true, 0, UINT32_MAX},
    [PROTOBUF_C_TYPE_UINT64] = {sizeof(uint64_t), true, 0, INT64_MAX},
    [PROTOBUF_C_TYPE_FIXED64] = {sizeof(uint64_t), true, 0, INT64_MAX},
    [PROTOBUF_C_TYPE_FLOAT] = {sizeof(float), false, 0, 0},
    [PROTOBUF_C_TYPE_DOUBLE] = {sizeof(double), false, 0, 0},
    [PROTOBUF_C_TYPE_BOOL] = {sizeof(protobuf_c_boolean), false, 0, 0},
    [PROTOBUF_C_TYPE_ENUM] = {sizeof(int), false, 0, 0},
    [PROTOBUF_C_TYPE_STRING] = {sizeof(char *), false, 0, 0},
    [PROTOBUF_C_TYPE_BYTES] = {sizeof(ProtobufCBinaryData), false, 0, 0},
    [PROTOBUF_C_TYPE_MESSAGE] = {sizeof(ProtobufCMessage *), false, 0, 0},
};

size_t message_field_get_size(const ProtobufCFieldDescriptor *field)
{
    return types[field->type].size;
}

bool message_field_set_int(const ProtobufCFieldDescriptor *field, int64_t value, void *ret)
{
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        if (value < INT32_MIN || value > INT32_MAX ||
            !protobuf_c_enum_descriptor_get_value(field->descriptor, (int)value))
            return false;
        *(int *)ret = (int)value;
        return true;
    }
    if (!types[field->type].is_int || value < types[field->type].min ||
        value > types[field->type].max)
        return false;
    /* Signed and unsigned numbers of one size that hold the same small value have the same bytes. */
    if (types[field->type].size == sizeof(int32_t))
        *(uint32_t *)ret = (uint32_t)value;
    else
        *(int64_t *)ret = value;
    return true;
}

bool message_field_set_real(const ProtobufCFieldDescriptor *field, double value, void *ret)
{
    if (field->type == PROTOBUF_C_TYPE_DOUBLE)
        *(double *)ret = value;
    else if (field->type == PROTOBUF_C_TYPE_FLOAT)
        *(float *)ret = (float)value;
    else
        return false;
    return true;
}

struct status message_field_refuse_size(const ProtobufCFieldDescriptor *field)
{
    return status_error(STATUS_RESOURCE_EXHAUSTED, "%s: the request takes too much memory",
                        field->name);
}

static struct status read_real(const ProtobufCFieldDescriptor *field, struct str text, void *ret)
{
    struct json *json = NULL;
    double value = 0;

    if (str_is(text, "NaN"))
        value = NAN;
    else if (str_is(text, "Infinity"))
        value = INFINITY;
    else if (str_is(text, "-Infinity"))
        value = -INFINITY;
    else if (json_read(field->name, text, &json).code == STATUS_OK &&
             (json_get_kind(json) == JSON_KIND_INT || json_get_kind(json) == JSON_KIND_REAL))
        value = json_get_real(json);
    else {
        json_destroy(json);
        return status_error(STATUS_INVALID_ARGUMENT, "%s: '%.*s' is not a number", field->name,
                            shown(text), data_of(text));
    }
    json_destroy(json);
    (void)message_field_set_real(field, value, ret);
    return status_ok();
}

static struct status read_bool(const ProtobufCFieldDescriptor *field, struct str text, void *ret)
{
    bool is_true = str_is_ignoring_case(text, "true");

    if (!is_true && !str_is_ignoring_case(text, "false"))
        return status_error(STATUS_INVALID_ARGUMENT, "%s: '%.*s' is not true or false", field->name,
                            shown(text), data_of(text));
    *(protobuf_c_boolean *)ret = is_true;
    return status_ok();
}

/* How many bytes the names of an enum's values have in common: those of "<ENUM>_UNSPECIFIED" before its last word. */
static size_t get_prefix(const ProtobufCEnumDescriptor *type)
{
    static const char last_word[] = "UNSPECIFIED";
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(type, 0);
    size_t len = zero ? strlen(zero->name) : 0;

    if (len < sizeof(last_word) || strcmp(zero->name + len - sizeof(last_word) + 1, last_word) != 0)
        return 0;
    return len - (sizeof(last_word) - 1);
}

static struct status refuse_name(const ProtobufCFieldDescriptor *field, struct str text,
                                 size_t prefix)
{
    const ProtobufCEnumDescriptor *type = field->descriptor;
    struct buf choices = {.max_bytes = CHOICES_BYTES};

    for (unsigned i = 0; i < type->n_values; i++) {
        if (type->values[i].value != 0 || get_prefix(type) == 0)
            buf_printf(&choices, "%s%s", choices.len > 0 ? ", " : "",
                       type->values[i].name + prefix);
    }
    struct status st = status_error(STATUS_INVALID_ARGUMENT, "%s: '%.*s' is not one of %s%s",
                                    field->name, shown(text), data_of(text), buf_get_text(&choices),
                                    buf_is_full(&choices) ? ", ..." : "");
    buf_deinit(&choices);
    return st;
}

static struct status read_enum(const ProtobufCFieldDescriptor *field, struct str text,
                               enum message_names names, void *ret)
{
    const ProtobufCEnumDescriptor *type = field->descriptor;
    size_t prefix = names == MESSAGE_NAMES_LENIENT ? get_prefix(type) : 0;

    for (unsigned i = 0; i < type->n_values; i++) {
        const char *name = type->values[i].name;
        bool is_it = str_is(text, name);
        if (names == MESSAGE_NAMES_LENIENT)
            is_it = str_is_ignoring_case(text, name) || str_is_ignoring_case(text, name + prefix);
        if (is_it) {
            *(int *)ret = type->values[i].value;
            return status_ok();
        }
    }
    return refuse_name(field, text, prefix);
}

static struct status read_string(const ProtobufCFieldDescriptor *field, struct str text,
                                 struct arena *arena, char **ret)
{
    if (!utf8_is_valid(text))
        return status_error(STATUS_INVALID_ARGUMENT, "%s: not UTF-8", field->name);
    if (str_find_byte(text, '\0') < text.len)
        return status_error(STATUS_INVALID_ARGUMENT, "%s: a zero byte in the text", field->name);

    char *copy = arena_try_alloc(arena, text.len + 1);
    if (!copy)
        return message_field_refuse_size(field);
    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    *ret = copy;
    return status_ok();
}

static struct status read_bytes(const ProtobufCFieldDescriptor *field, struct str text,
                                struct arena *arena, ProtobufCBinaryData *ret)
{
    struct buf bytes = {0};
    struct status st = status_ok();
    uint8_t *copy = NULL;

    if (!base64_read(text, &bytes))
        st = status_error(STATUS_INVALID_ARGUMENT, "%s: not base64", field->name);
    else if (!(copy = arena_try_alloc(arena, bytes.len + 1)))
        st = message_field_refuse_size(field);
    else if (bytes.len > 0)
        memcpy(copy, bytes.data, bytes.len);
    if (st.code == STATUS_OK)
        *ret = (ProtobufCBinaryData){.len = bytes.len, .data = copy};
    buf_deinit(&bytes);
    return st;
}

static struct status read_message(const ProtobufCFieldDescriptor *field, struct str text,
                                  struct arena *arena, ProtobufCMessage **ret)
{
    ProtobufCMessage *message = message_try_create(field->descriptor, arena);

    if (!message)
        return message_field_refuse_size(field);
    struct status st = message_text_read(message, text, arena);
    if (st.code != STATUS_OK)
        return status_error(st.code, "%s: %s", field->name, st.text);
    *ret = message;
    return status_ok();
}

struct status message_field_read_text(const ProtobufCFieldDescriptor *field, struct str text,
                                      enum message_names names, struct arena *arena, void *ret)
{
    int64_t number = 0;
    struct status st;

    switch (field->type) {
    case PROTOBUF_C_TYPE_FLOAT:
    case PROTOBUF_C_TYPE_DOUBLE:
        return read_real(field, text, ret);
    case PROTOBUF_C_TYPE_BOOL:
        return read_bool(field, text, ret);
    case PROTOBUF_C_TYPE_ENUM:
        return read_enum(field, text, names, ret);
    case PROTOBUF_C_TYPE_STRING:
        return read_string(field, text, arena, ret);
    case PROTOBUF_C_TYPE_BYTES:
        return read_bytes(field, text, arena, ret);
    case PROTOBUF_C_TYPE_MESSAGE:
        return read_message(field, text, arena, ret);
    default:
        st =
            number_read(field->name, text, types[field->type].min, types[field->type].max, &number);
        if (st.code == STATUS_OK)
            (void)message_field_set_int(field, number, ret);
        return st;
    }
}
