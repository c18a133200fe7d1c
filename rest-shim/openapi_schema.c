#include "rest-shim/openapi_schema.h"

#include <assert.h>
#include <string.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "rest-shim/proto_comments.h"
#include "rpc/message_field.h"

/* Comments. */

static const char *get_comment(const struct openapi_schemas *schemas, const char *owner,
                               const char *part)
{
    struct buf name = {0};

    buf_printf(&name, "%s.%s", owner, part);
    const char *comment = proto_comments_get(schemas->comments, buf_get_text(&name));
    buf_deinit(&name);
    return comment;
}

const char *openapi_field_get_comment(const struct openapi_schemas *schemas,
                                      struct openapi_field field)
{
    return get_comment(schemas, field.owner->name, field.field->name);
}

static void write_description(const char *text, struct json_out *out)
{
    if (text[0] == '\0')
        return;
    json_out_key(out, "description");
    json_out_text(out, text);
}

struct openapi_field openapi_field_find(const ProtobufCMessageDescriptor *type, struct str path)
{
    struct openapi_field found = {.owner = type};

    for (;;) {
        found.field = message_field_find(found.owner, str_cut(&path, '.'));
        if (!found.field || !path.data)
            return found;
        if (found.field->type != PROTOBUF_C_TYPE_MESSAGE)
            return (struct openapi_field){0};
        found.owner = found.field->descriptor;
    }
}

/* References. */

static void note_message(struct openapi_schemas *schemas, const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < schemas->nmessages; i++) {
        if (schemas->messages[i] == type)
            return;
    }
    assert(schemas->nmessages < OPENAPI_MAX_TYPES);
    schemas->messages[schemas->nmessages++] = type;
}

static void note_enum(struct openapi_schemas *schemas, const ProtobufCEnumDescriptor *type)
{
    for (size_t i = 0; i < schemas->nenums; i++) {
        if (schemas->enums[i] == type)
            return;
    }
    assert(schemas->nenums < OPENAPI_MAX_TYPES);
    schemas->enums[schemas->nenums++] = type;
}

static void write_ref(const char *short_name, struct json_out *out)
{
    struct buf ref = {0};

    buf_printf(&ref, "#/components/schemas/%s", short_name);
    json_out_key(out, "$ref");
    json_out_string(out, buf_get(&ref));
    buf_deinit(&ref);
}

void openapi_schema_write_ref(struct openapi_schemas *schemas,
                              const ProtobufCMessageDescriptor *type, struct json_out *out)
{
    note_message(schemas, type);
    json_out_begin_object(out);
    write_ref(type->short_name, out);
    json_out_end_object(out);
}

/* Values. */

struct value_schema {
    const char *type;
    const char *format;  /* or NULL */
    const char *pattern; /* or NULL */
};

static const char whole_number[] = "^-?[0-9]{1,19}$";

/* Numbers of 64 bits are texts, since readers of JSON cut them. */
static const struct value_schema values[] = {
    [PROTOBUF_C_TYPE_INT32] = {"integer", "int32", NULL},
    [PROTOBUF_C_TYPE_SINT32] = {"integer", "int32", NULL},
    [PROTOBUF_C_TYPE_SFIXED32] = {"integer", "int32", NULL},
    [PROTOBUF_C_TYPE_INT64] = {"string", "int64", whole_number},
    [PROTOBUF_C_TYPE_SINT64] = {"string", "int64", whole_number},
    [PROTOBUF_C_TYPE_SFIXED64] = {"string", "int64", whole_number},
    [PROTOBUF_C_TYPE_UINT32] = {"integer", NULL, NULL},
    [PROTOBUF_C_TYPE_FIXED32] = {"integer", NULL, NULL},
    [PROTOBUF_C_TYPE_UINT64] = {"string", "uint64", "^[0-9]{1,20}$"},
    [PROTOBUF_C_TYPE_FIXED64] = {"string", "uint64", "^[0-9]{1,20}$"},
    [PROTOBUF_C_TYPE_FLOAT] = {"number", "float", NULL},
    [PROTOBUF_C_TYPE_DOUBLE] = {"number", "double", NULL},
    [PROTOBUF_C_TYPE_BOOL] = {"boolean", NULL, NULL},
    [PROTOBUF_C_TYPE_STRING] = {"string", NULL, NULL},
    [PROTOBUF_C_TYPE_BYTES] = {"string", "byte", NULL},
};

static const struct {
    const char *name;
    struct value_schema schema;
} texts[] = {
    {"google.protobuf.Timestamp", {"string", "date-time", NULL}},
    {"google.protobuf.Duration", {"string", NULL, "^-?[0-9]+([.][0-9]+)?s$"}},
    {"google.protobuf.FieldMask", {"string", NULL, NULL}},
};

static void write_schema(const struct value_schema *schema, struct json_out *out)
{
    json_out_key(out, "type");
    json_out_text(out, schema->type);
    if (schema->format) {
        json_out_key(out, "format");
        json_out_text(out, schema->format);
    }
    if (schema->pattern) {
        json_out_key(out, "pattern");
        json_out_text(out, schema->pattern);
    }
}

static const struct value_schema *find_text(const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        if (strcmp(texts[i].name, type->name) == 0)
            return &texts[i].schema;
    }
    return NULL;
}

/* The members of the schema of one value. */
static void write_one(struct openapi_schemas *schemas, const ProtobufCFieldDescriptor *field,
                      struct json_out *out)
{
    if (field->type == PROTOBUF_C_TYPE_ENUM) {
        const ProtobufCEnumDescriptor *type = field->descriptor;
        note_enum(schemas, type);
        write_ref(type->short_name, out);
        return;
    }
    if (field->type != PROTOBUF_C_TYPE_MESSAGE) {
        write_schema(&values[field->type], out);
        return;
    }
    const ProtobufCMessageDescriptor *type = field->descriptor;
    const struct value_schema *text = find_text(type);
    assert(text || message_get_form(type) == MESSAGE_FIELDS); /* no wrappers in our contract */
    if (text) {
        write_schema(text, out);
        return;
    }
    note_message(schemas, type);
    write_ref(type->short_name, out);
}

static void write_members(struct openapi_schemas *schemas, const ProtobufCFieldDescriptor *field,
                          struct json_out *out)
{
    bool is_map = message_field_is_map(field);

    if (field->label != PROTOBUF_C_LABEL_REPEATED) {
        write_one(schemas, field, out);
        return;
    }
    json_out_key(out, "type");
    json_out_text(out, is_map ? "object" : "array");
    json_out_key(out, is_map ? "additionalProperties" : "items");
    json_out_begin_object(out);
    write_one(schemas,
              is_map ? &((const ProtobufCMessageDescriptor *)field->descriptor)->fields[1] : field,
              out);
    json_out_end_object(out);
}

void openapi_schema_write_value(struct openapi_schemas *schemas,
                                const ProtobufCFieldDescriptor *field, struct json_out *out)
{
    json_out_begin_object(out);
    write_members(schemas, field, out);
    json_out_end_object(out);
}

/* Types. */

/* In the words of our contracts. An etag is set by the server, too, but looked at when it is sent back. */
static bool is_read_only(const ProtobufCFieldDescriptor *field, const char *comment)
{
    return strstr(comment, "Set by the server") && strcmp(field->name, "etag") != 0;
}

static void write_property(struct openapi_schemas *schemas, const ProtobufCMessageDescriptor *type,
                           const ProtobufCFieldDescriptor *field, struct json_out *out)
{
    const char *comment = get_comment(schemas, type->name, field->name);
    struct buf name = {0};

    message_append_camel(field->name, &name);
    json_out_key_str(out, buf_get(&name));
    buf_deinit(&name);
    json_out_begin_object(out);
    write_members(schemas, field, out);
    write_description(comment, out);
    if (is_read_only(field, comment)) {
        json_out_key(out, "readOnly");
        json_out_bool(out, true);
    }
    json_out_end_object(out);
}

static void write_message(struct openapi_schemas *schemas, const ProtobufCMessageDescriptor *type,
                          struct json_out *out)
{
    json_out_key(out, type->short_name);
    json_out_begin_object(out);
    json_out_key(out, "type");
    json_out_text(out, "object");
    write_description(proto_comments_get(schemas->comments, type->name), out);
    json_out_key(out, "properties");
    json_out_begin_object(out);
    for (unsigned i = 0; i < type->n_fields; i++)
        write_property(schemas, type, &type->fields[i], out);
    json_out_end_object(out);
    json_out_end_object(out);
}

/* What each value means is told in the description, as a list: a schema has no place of its own for it. */
static void write_enum(const struct openapi_schemas *schemas, const ProtobufCEnumDescriptor *type,
                       struct json_out *out)
{
    struct buf text = {0};

    buf_append_text(&text, proto_comments_get(schemas->comments, type->name));
    buf_append_char(&text, '\n');
    json_out_key(out, type->short_name);
    json_out_begin_object(out);
    json_out_key(out, "type");
    json_out_text(out, "string");
    json_out_key(out, "enum");
    json_out_begin_array(out);
    for (unsigned i = 0; i < type->n_values; i++) {
        const char *name = type->values[i].name;
        json_out_text(out, name);
        buf_printf(&text, "\n- `%s`: %s", name, get_comment(schemas, type->name, name));
    }
    json_out_end_array(out);
    write_description(buf_get_text(&text), out);
    json_out_end_object(out);
    buf_deinit(&text);
}

void openapi_schemas_write(struct openapi_schemas *schemas, struct json_out *out)
{
    for (size_t i = 0; i < schemas->nmessages; i++) /* grows on the way */
        write_message(schemas, schemas->messages[i], out);
    for (size_t i = 0; i < schemas->nenums; i++)
        write_enum(schemas, schemas->enums[i], out);
}
