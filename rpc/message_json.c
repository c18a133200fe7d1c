#include "rpc/message_json.h"

#include <math.h>

#include "base/arena.h"
#include "base/base64.h"
#include "rpc/message_field.h"
#include "rpc/message_text.h"

enum { SHOWN_BYTES = 60 }; /* of a name in an error */

static int shown(struct str text)
{
    return text.len > SHOWN_BYTES ? SHOWN_BYTES : (int)text.len;
}

/* Writing. */

static void write_value(const ProtobufCFieldDescriptor *field, const void *value,
                        struct json_out *out);

static void write_text(const ProtobufCMessage *message, struct json_out *out)
{
    struct buf text = {0};

    if (message_text_append(message, &text))
        json_out_string(out, buf_get(&text));
    else
        json_out_null(out);
    buf_deinit(&text);
}

static void write_real(double value, struct json_out *out)
{
    if (isnan(value))
        json_out_text(out, "NaN");
    else if (isinf(value))
        json_out_text(out, value > 0 ? "Infinity" : "-Infinity");
    else
        json_out_real(out, value);
}

static void write_enum(const ProtobufCFieldDescriptor *field, int value, struct json_out *out)
{
    const ProtobufCEnumValue *known =
        protobuf_c_enum_descriptor_get_value(field->descriptor, value);

    if (known)
        json_out_text(out, known->name);
    else
        json_out_int(out, value);
}

/* 64 bits are more than a JavaScript number holds, so they go as text. */
static void write_long(bool is_signed, const void *value, struct json_out *out)
{
    struct buf text = {0};
    struct json_out digits = json_out_make(&text);

    if (is_signed)
        json_out_int(&digits, *(const int64_t *)value);
    else
        json_out_uint(&digits, *(const uint64_t *)value);
    json_out_string(out, buf_get(&text));
    buf_deinit(&text);
}

static void write_bytes(const ProtobufCBinaryData *value, struct json_out *out)
{
    struct buf text = {0};

    base64_write(&text, BASE64_STANDARD, str_from_bytes(value->data, value->len));
    json_out_string(out, buf_get(&text));
    buf_deinit(&text);
}

static void write_value(const ProtobufCFieldDescriptor *field, const void *value,
                        struct json_out *out)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_SFIXED32:
        json_out_int(out, *(const int32_t *)value);
        return;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_FIXED32:
        json_out_uint(out, *(const uint32_t *)value);
        return;
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_SFIXED64:
        write_long(true, value, out);
        return;
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_FIXED64:
        write_long(false, value, out);
        return;
    case PROTOBUF_C_TYPE_FLOAT:
        write_real((double)*(const float *)value, out);
        return;
    case PROTOBUF_C_TYPE_DOUBLE:
        write_real(*(const double *)value, out);
        return;
    case PROTOBUF_C_TYPE_BOOL:
        json_out_bool(out, *(const protobuf_c_boolean *)value != 0);
        return;
    case PROTOBUF_C_TYPE_ENUM:
        write_enum(field, *(const int *)value, out);
        return;
    case PROTOBUF_C_TYPE_STRING:
        json_out_text(out, *(const char *const *)value);
        return;
    case PROTOBUF_C_TYPE_BYTES:
        write_bytes(value, out);
        return;
    case PROTOBUF_C_TYPE_MESSAGE:
        message_json_write(*(const ProtobufCMessage *const *)value, out);
        return;
    }
}

/* A key is a string, or a number in quotes. */
static void write_key(const ProtobufCFieldDescriptor *field, const void *value,
                      struct json_out *out)
{
    struct buf text = {0};
    struct json_out key = json_out_make(&text);

    if (field->type == PROTOBUF_C_TYPE_STRING) {
        json_out_key(out, *(const char *const *)value);
        return;
    }
    write_value(field, value, &key);
    json_out_key_str(out, buf_get(&text));
    buf_deinit(&text);
}

static void write_map(ProtobufCMessage *const *entries, size_t nentries, struct json_out *out)
{
    json_out_begin_object(out);
    for (size_t i = 0; i < nentries; i++) {
        const ProtobufCFieldDescriptor *fields = entries[i]->descriptor->fields;
        write_key(&fields[0], message_field_get(entries[i], &fields[0]), out);
        write_value(&fields[1], message_field_get(entries[i], &fields[1]), out);
    }
    json_out_end_object(out);
}

static void write_elements(const ProtobufCFieldDescriptor *field, const char *elements,
                           size_t nelements, struct json_out *out)
{
    json_out_begin_array(out);
    for (size_t i = 0; i < nelements; i++)
        write_value(field, elements + i * message_field_get_size(field), out);
    json_out_end_array(out);
}

static void write_field(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                        struct json_out *out)
{
    const void *member = message_field_get(message, field);
    struct buf name = {0};

    message_append_camel(field->name, &name);
    json_out_key_str(out, buf_get(&name));
    buf_deinit(&name);
    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        write_value(field, member, out);
        return;
    }
    size_t count = *(const size_t *)message_field_get_quantifier(message, field);
    if (message_field_is_map(field))
        write_map(*(ProtobufCMessage *const *const *)member, count, out);
    else
        write_elements(field, *(const char *const *)member, count, out);
}

void message_json_write_fields(const ProtobufCMessage *message, struct json_out *out)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;

    for (unsigned i = 0; i < type->n_fields; i++) {
        if (message_field_is_set(message, &type->fields[i]))
            write_field(message, &type->fields[i], out);
    }
}

void message_json_write(const ProtobufCMessage *message, struct json_out *out)
{
    const ProtobufCFieldDescriptor *fields = message->descriptor->fields;

    switch (message_get_form(message->descriptor)) {
    case MESSAGE_TEXT:
        write_text(message, out);
        return;
    case MESSAGE_WRAPPER:
        write_value(&fields[0], message_field_get(message, &fields[0]), out);
        return;
    case MESSAGE_FIELDS:
        json_out_begin_object(out);
        message_json_write_fields(message, out);
        json_out_end_object(out);
        return;
    }
}

/* Reading. An error begins with the field's name; each level on the way out puts its own before it. */

static struct status read_fields(const struct json *json, ProtobufCMessage *message,
                                 struct arena *arena);
static struct status read_value(const ProtobufCFieldDescriptor *field, const struct json *json,
                                struct arena *arena, void *ret);

static struct status refuse_kind(const ProtobufCFieldDescriptor *field, const struct json *json,
                                 const char *expected)
{
    return status_error(STATUS_INVALID_ARGUMENT, "%s: is %s, must be %s", field->name,
                        json_get_kind_name(json), expected);
}

static const char *get_expected(const ProtobufCFieldDescriptor *field)
{
    switch (field->type) {
    case PROTOBUF_C_TYPE_BOOL:
        return "true or false";
    case PROTOBUF_C_TYPE_ENUM:
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
        return "a string";
    case PROTOBUF_C_TYPE_MESSAGE:
        return message_get_form(field->descriptor) == MESSAGE_TEXT ? "a string" : "an object";
    default:
        return "a number";
    }
}

static struct status read_message(const ProtobufCFieldDescriptor *field, const struct json *json,
                                  struct arena *arena, ProtobufCMessage **ret)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    struct status st;

    if (message_get_form(type) == MESSAGE_FIELDS && json_get_kind(json) != JSON_KIND_OBJECT)
        return refuse_kind(field, json, get_expected(field));

    ProtobufCMessage *message = message_try_create(type, arena);
    if (!message)
        return message_field_refuse_size(field);
    if (message_get_form(type) == MESSAGE_FIELDS)
        st = read_fields(json, message, arena);
    else
        st = read_value(&type->fields[0], json, arena, message_field_get(message, type->fields));
    if (st.code != STATUS_OK)
        return status_error(st.code, "%s.%s", field->name, st.text);
    *ret = message;
    return status_ok();
}

static struct status read_number(const ProtobufCFieldDescriptor *field, const struct json *json,
                                 void *ret)
{
    /* Beyond these a double does not tell one whole number from the next. */
    const double max_exact = 9007199254740992.0;
    double real = json_get_real(json);

    if (message_field_set_real(field, real, ret))
        return status_ok();
    if (json_get_kind(json) == JSON_KIND_INT &&
        message_field_set_int(field, json_get_int(json), ret))
        return status_ok();
    if (json_get_kind(json) == JSON_KIND_REAL && real >= -max_exact && real <= max_exact &&
        !(real < floor(real)) && !(real > floor(real)) &&
        message_field_set_int(field, (int64_t)real, ret))
        return status_ok();
    if (field->type == PROTOBUF_C_TYPE_BOOL || field->type == PROTOBUF_C_TYPE_STRING ||
        field->type == PROTOBUF_C_TYPE_BYTES || field->type == PROTOBUF_C_TYPE_MESSAGE)
        return refuse_kind(field, json, get_expected(field));
    return status_error(STATUS_INVALID_ARGUMENT, "%s: %.17g is out of range", field->name, real);
}

static bool is_message(const ProtobufCFieldDescriptor *field, enum message_form form)
{
    return field->type == PROTOBUF_C_TYPE_MESSAGE && message_get_form(field->descriptor) == form;
}

static struct status read_value(const ProtobufCFieldDescriptor *field, const struct json *json,
                                struct arena *arena, void *ret)
{
    if (is_message(field, MESSAGE_FIELDS) || is_message(field, MESSAGE_WRAPPER))
        return read_message(field, json, arena, ret);
    switch (json_get_kind(json)) {
    case JSON_KIND_STRING:
        if (field->type == PROTOBUF_C_TYPE_BOOL)
            break;
        return message_field_read_text(field, json_get_string(json), MESSAGE_NAMES_EXACT, arena,
                                       ret);
    case JSON_KIND_INT:
    case JSON_KIND_REAL:
        return read_number(field, json, ret);
    case JSON_KIND_BOOL:
        if (field->type != PROTOBUF_C_TYPE_BOOL)
            break;
        *(protobuf_c_boolean *)ret = json_get_bool(json);
        return status_ok();
    default:
        break;
    }
    return refuse_kind(field, json, get_expected(field));
}

static struct status read_elements(const ProtobufCFieldDescriptor *field, const struct json *json,
                                   struct arena *arena, ProtobufCMessage *message)
{
    size_t size = message_field_get_size(field);

    if (json_get_kind(json) != JSON_KIND_ARRAY)
        return refuse_kind(field, json, "an array");
    size_t count = json_get_count(json);
    if (count == 0)
        return status_ok();
    char *elements = arena_try_alloc(arena, count * size); /* the text had a byte for each */
    if (!elements)
        return message_field_refuse_size(field);
    for (size_t i = 0; i < count; i++) {
        struct status st = read_value(field, json_get_element(json, i), arena, elements + i * size);
        if (st.code != STATUS_OK)
            return status_error(st.code, "%s[%zu]%s", field->name, i,
                                st.text + strlen(field->name));
    }
    *(size_t *)message_field_get_quantifier(message, field) = count;
    *(char **)message_field_get(message, field) = elements;
    return status_ok();
}

static struct status read_entry(const ProtobufCFieldDescriptor *field, struct json_member member,
                                struct arena *arena, ProtobufCMessage **ret)
{
    const ProtobufCMessageDescriptor *type = field->descriptor;
    ProtobufCMessage *entry = message_try_create(type, arena);

    if (!entry)
        return message_field_refuse_size(field);
    struct status st = message_field_read_text(&type->fields[0], member.key, MESSAGE_NAMES_EXACT,
                                               arena, message_field_get(entry, &type->fields[0]));
    if (st.code == STATUS_OK)
        st = read_value(&type->fields[1], member.value, arena,
                        message_field_get(entry, &type->fields[1]));
    if (st.code != STATUS_OK)
        return status_error(st.code, "%s.%.*s: %s", field->name, shown(member.key), member.key.data,
                            st.text);
    *ret = entry;
    return status_ok();
}

static struct status read_map(const ProtobufCFieldDescriptor *field, const struct json *json,
                              struct arena *arena, ProtobufCMessage *message)
{
    if (json_get_kind(json) != JSON_KIND_OBJECT)
        return refuse_kind(field, json, "an object");
    size_t count = 0;
    ProtobufCMessage **entries =
        arena_try_alloc(arena, (json_get_count(json) + 1) * sizeof(*entries));
    if (!entries)
        return message_field_refuse_size(field);
    for (struct json_member m = json_first(json); m.value; m = json_next(json, m)) {
        struct status st = read_entry(field, m, arena, &entries[count]);
        if (st.code != STATUS_OK)
            return st;
        count++;
    }
    *(size_t *)message_field_get_quantifier(message, field) = count;
    *(ProtobufCMessage ***)message_field_get(message, field) = entries;
    return status_ok();
}

static struct status read_field(const ProtobufCFieldDescriptor *field, const struct json *json,
                                struct arena *arena, ProtobufCMessage *message)
{
    if (message_field_is_map(field))
        return read_map(field, json, arena, message);
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_elements(field, json, arena, message);
    if (message_field_is_taken(message, field))
        return status_error(STATUS_INVALID_ARGUMENT,
                            "%s: excludes another field that is also given", field->name);
    struct status st = read_value(field, json, arena, message_field_get(message, field));
    if (st.code == STATUS_OK)
        message_field_mark(message, field);
    return st;
}

static struct status read_fields(const struct json *json, ProtobufCMessage *message,
                                 struct arena *arena)
{
    const ProtobufCMessageDescriptor *type = message->descriptor;
    bool *is_given =
        arena_alloc(arena, type->n_fields + 1); /* "pageSize" may also be "page_size" */

    for (struct json_member m = json_first(json); m.value; m = json_next(json, m)) {
        const ProtobufCFieldDescriptor *field = message_field_find(type, m.key);
        if (!field)
            return status_error(STATUS_INVALID_ARGUMENT, "%.*s: there is no such field",
                                shown(m.key), m.key.data);
        if (is_given[field - type->fields])
            return status_error(STATUS_INVALID_ARGUMENT, "%s: is given twice", field->name);
        is_given[field - type->fields] = true;
        if (json_get_kind(m.value) == JSON_KIND_NULL)
            continue; /* the default, by the mapping */
        struct status st = read_field(field, m.value, arena, message);
        if (st.code != STATUS_OK)
            return st;
    }
    return status_ok();
}

struct status message_json_read(const struct json *json, const ProtobufCMessageDescriptor *type,
                                struct arena *arena, ProtobufCMessage **ret)
{
    if (json_get_kind(json) != JSON_KIND_OBJECT)
        return status_error(STATUS_INVALID_ARGUMENT, "the JSON is %s, must be an object",
                            json_get_kind_name(json));

    ProtobufCMessage *message = message_create(type, arena);
    struct status st = read_fields(json, message, arena);
    if (st.code == STATUS_OK)
        *ret = message;
    return st;
}

ProtobufCMessage *message_create(const ProtobufCMessageDescriptor *type, struct arena *arena)
{
    ProtobufCMessage *message = arena_alloc(arena, type->sizeof_message);

    protobuf_c_message_init(type, message);
    return message;
}

/* The sub-message that field of message has, made if there is none. */
static ProtobufCMessage *enter(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field,
                               struct arena *arena)
{
    ProtobufCMessage **member = message_field_get(message, field);

    if (!message_field_is_set(message, field))
        *member = message_create(field->descriptor, arena);
    message_field_mark(message, field);
    return *member;
}

/* All elements of a repeated field, between commas. Without a text there are none. */
static struct status read_list(const ProtobufCFieldDescriptor *field, struct str text,
                               struct arena *arena, ProtobufCMessage *message)
{
    size_t size = message_field_get_size(field);
    size_t count = text.len > 0;

    for (size_t i = 0; i < text.len; i++)
        count += text.data[i] == ',';
    char *elements = arena_try_alloc(arena, (count + 1) * size);
    if (!elements)
        return message_field_refuse_size(field);
    for (size_t i = 0; i < count; i++) {
        struct str element = str_trim(str_cut(&text, ','));
        struct status st = message_field_read_text(field, element, MESSAGE_NAMES_LENIENT, arena,
                                                   elements + i * size);
        if (st.code != STATUS_OK)
            return st;
    }
    *(size_t *)message_field_get_quantifier(message, field) = count;
    *(char **)message_field_get(message, field) = elements;
    return status_ok();
}

static struct status read_text(const ProtobufCFieldDescriptor *field, struct str text,
                               struct arena *arena, ProtobufCMessage *message)
{
    if (field->label == PROTOBUF_C_LABEL_REPEATED)
        return read_list(field, text, arena, message);
    struct status st = message_field_read_text(field, text, MESSAGE_NAMES_LENIENT, arena,
                                               message_field_get(message, field));
    if (st.code == STATUS_OK)
        message_field_mark(message, field);
    return st;
}

/* Whether a text can name the field: as the last of a path, or on the way to it. */
static bool has_place(const ProtobufCFieldDescriptor *field, bool is_last)
{
    bool is_plain = is_message(field, MESSAGE_FIELDS);
    bool is_list_of_messages =
        field->label == PROTOBUF_C_LABEL_REPEATED && field->type == PROTOBUF_C_TYPE_MESSAGE;

    return !is_list_of_messages && is_plain != is_last;
}

struct status message_set_text(ProtobufCMessage *message, struct str path, struct str text,
                               struct arena *arena)
{
    struct str rest = path;

    for (;;) {
        struct str name = str_cut(&rest, '.');
        const ProtobufCFieldDescriptor *field = message_field_find(message->descriptor, name);
        bool is_last = !rest.data;

        if (!field || !has_place(field, is_last))
            return status_error(STATUS_NOT_FOUND, "%.*s: there is no such field", shown(path),
                                path.data ? path.data : "");
        if (message_field_is_taken(message, field))
            return status_error(STATUS_INVALID_ARGUMENT,
                                "%.*s: excludes another field that is also given", shown(path),
                                path.data);
        if (!is_last) {
            message = enter(message, field, arena);
            continue;
        }
        struct status st = read_text(field, text, arena, message);
        if (st.code != STATUS_OK)
            return status_error(st.code, "%.*s%s", shown(path), path.data,
                                st.text + strlen(field->name));
        return status_ok();
    }
}
