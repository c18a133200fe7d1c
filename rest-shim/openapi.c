#include "rest-shim/openapi.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "rest-shim/lts.h"
#include "rest-shim/openapi_schema.h"
#include "rest-shim/proto_comments.h"
#include "rest-shim/request_map.h"
#include "rest-shim/routes.h"
#include "rpc/message_field.h"

/* Of the embedded file; see the CMake function sluice_embed. */
extern const char sluice_openapi_shapes_start[], sluice_openapi_shapes_end[];

struct document {
    struct openapi_schemas schemas;
    struct json_out out;
};

static void write_text(struct document *doc, const char *key, const char *text)
{
    json_out_key(&doc->out, key);
    json_out_text(&doc->out, text);
}

/* Writes a text that is put together, and frees it. */
static void write_made(struct document *doc, const char *key, struct buf *text)
{
    json_out_key(&doc->out, key);
    json_out_string(&doc->out, buf_get(text));
    buf_deinit(text);
}

static void begin_object(struct document *doc, const char *key)
{
    json_out_key(&doc->out, key);
    json_out_begin_object(&doc->out);
}

static void end_object(struct document *doc)
{
    json_out_end_object(&doc->out);
}

/* Groups of operations. */

struct tag {
    const char *name;
    enum route_style style;
    const char *service; /* of gRPC; NULL: any */
    const char *description;
};

static const struct tag tags[] = {
    {"Tasks", ROUTE_V1, "/sluice.v1.TaskService/", "Tasks, as JSON."},
    {"Data sources", ROUTE_V1, "/sluice.v1.DataSourceService/",
     "The named connections that tasks read from and write to, as JSON."},
    {"Lindorm Tunnel Service", ROUTE_LTS, NULL,
     "The calls of the Lindorm Tunnel Service, as scripts know them: forms in, JSON out."},
    {"Health", ROUTE_HEALTH, NULL, "Whether this server and its gateway work."},
};

static const char *get_tag(const struct route *route)
{
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        if (tags[i].style == route->style &&
            (!tags[i].service || str_has_prefix(str_from(route->method), tags[i].service)))
            return tags[i].name;
    }
    assert(false && "a route has a tag");
    return "";
}

/* Names. */

/* The path as the document has it: of {task.id} only {id}, since all verbs of a path share its parameters. */
static void append_path(const struct route *route, struct buf *ret)
{
    struct str rest = str_from(route->path);
    struct str field = route_get_part_field(route);

    buf_append_str(ret, str_cut(&rest, '{'));
    if (!rest.data)
        return;
    while (str_find_byte(field, '.') < field.len)
        (void)str_cut(&field, '.');
    (void)str_cut(&rest, '}');
    buf_append_char(ret, '{');
    buf_append_str(ret, field);
    buf_append_char(ret, '}');
    buf_append_str(ret, rest);
}

static bool has_same_path(const struct route *a, const struct route *b)
{
    struct buf texts[2] = {{0}, {0}};

    append_path(a, &texts[0]);
    append_path(b, &texts[1]);
    bool is_same = str_is_equal(buf_get(&texts[0]), buf_get(&texts[1]));
    buf_deinit(&texts[0]);
    buf_deinit(&texts[1]);
    return is_same;
}

/* "getProProcAbort" of GET /pro/proc/{id}/abort. */
static void append_name_of_path(const char *verb, const char *path, struct buf *ret)
{
    bool is_start = true;
    bool is_field = false;

    for (; *verb; verb++)
        buf_append_char(ret, (char)tolower((unsigned char)*verb));
    for (const char *c = path; *c; c++) {
        is_field = *c == '{' || (is_field && *c != '}');
        if (!isalnum((unsigned char)*c))
            is_start = true;
        if (is_field || !isalnum((unsigned char)*c))
            continue;
        buf_append_char(ret, is_start ? (char)toupper((unsigned char)*c) : *c);
        is_start = false;
    }
}

/* A method of gRPC has one route of /v1, so its name will do there. */
static void append_operation_id(const struct route *route, const char *verb, struct buf *ret)
{
    if (route->style == ROUTE_V1) {
        const char *name = strrchr(route->method, '/') + 1;
        buf_append_char(ret, (char)tolower((unsigned char)name[0]));
        buf_append_text(ret, name + 1);
        return;
    }
    append_name_of_path(verb, route->path, ret);
}

/* Parameters. */

enum place { IN_PATH, IN_QUERY, IN_HEADER };

static const char *const places[] = {
    [IN_PATH] = "path",
    [IN_QUERY] = "query",
    [IN_HEADER] = "header",
};

static void write_parameter(struct document *doc, enum place place, struct str name,
                            const char *description, struct openapi_field field)
{
    json_out_begin_object(&doc->out);
    write_text(doc, "in", places[place]);
    json_out_key(&doc->out, "name");
    json_out_string(&doc->out, name);
    if (place == IN_PATH) {
        json_out_key(&doc->out, "required");
        json_out_bool(&doc->out, true);
    }
    write_text(doc, "description", description);
    json_out_key(&doc->out, "schema");
    openapi_schema_write_value(&doc->schemas, field.field, &doc->out);
    end_object(doc);
}

static void write_path_parameter(struct document *doc, const struct route *route,
                                 const ProtobufCMessageDescriptor *input)
{
    struct str path = route_get_part_field(route);

    if (path.len > 0) {
        struct openapi_field field = openapi_field_find(input, path);
        write_parameter(doc, IN_PATH, str_from(field.field->name),
                        openapi_field_get_comment(&doc->schemas, field), field);
    }
}

static void write_query_parameters(struct document *doc, const struct route *route,
                                   const ProtobufCMessageDescriptor *input)
{
    for (unsigned i = 0; i < input->n_fields; i++) {
        struct openapi_field field = {input, &input->fields[i]};
        struct buf name = {0};
        if (!request_map_is_parameter(route, field.field))
            continue;
        message_append_camel(field.field->name, &name);
        write_parameter(doc, IN_QUERY, buf_get(&name),
                        openapi_field_get_comment(&doc->schemas, field), field);
        buf_deinit(&name);
    }
}

static void write_header_parameters(struct document *doc, const ProtobufCMessageDescriptor *input)
{
    static const struct {
        const char *header;
        const char *field;
        const char *description;
    } headers[] = {
        {"Idempotency-Key", "request_id",
         "Names this request, so that sending it again makes no second task: any text of 1 to 128 "
         "bytes. The same as requestId, which it stands for."},
        {"Last-Event-ID", "cursor",
         "The id of the last event of an earlier stream, to go on from there. Wins over cursor."},
    };

    for (size_t i = 0; i < ARRAY_LEN(headers); i++) {
        struct openapi_field field = openapi_field_find(input, str_from(headers[i].field));
        if (field.field)
            write_parameter(doc, IN_HEADER, str_from(headers[i].header), headers[i].description,
                            field);
    }
}

static void write_parameters(struct document *doc, const struct route *route)
{
    const ProtobufCMessageDescriptor *input = route_get_method(route)->input;

    json_out_key(&doc->out, "parameters");
    json_out_begin_array(&doc->out);
    write_path_parameter(doc, route, input);
    write_query_parameters(doc, route, input);
    write_header_parameters(doc, input);
    json_out_end_array(&doc->out);
}

/* Bodies. */

static void write_form_field(struct document *doc, const struct lts_field *row,
                             struct openapi_field field)
{
    bool is_text = field.field->label == PROTOBUF_C_LABEL_REPEATED ||
                   field.field->type == PROTOBUF_C_TYPE_ENUM;
    struct buf text = {0};

    begin_object(doc, row->name);
    write_text(doc, "type",
               is_text || field.field->type == PROTOBUF_C_TYPE_STRING ? "string"
               : field.field->type == PROTOBUF_C_TYPE_BOOL            ? "boolean"
                                                                      : "integer");
    buf_append_text(&text, openapi_field_get_comment(&doc->schemas, field));
    if (row->expected)
        buf_printf(&text, " Here: %s.", row->expected);
    write_made(doc, "description", &text);
    end_object(doc);
}

static void write_form(struct document *doc, const struct route *route)
{
    const ProtobufCMessageDescriptor *input = route_get_method(route)->input;
    const struct lts_form *form = route->form;

    begin_object(doc, "schema");
    write_text(doc, "type", "object");
    begin_object(doc, "properties");
    for (size_t i = 0; i < form->nfields; i++)
        write_form_field(doc, &form->fields[i],
                         openapi_field_find(input, str_from(form->fields[i].path)));
    end_object(doc);
    json_out_key(&doc->out, "required");
    json_out_begin_array(&doc->out);
    for (size_t i = 0; i < form->nfields; i++) {
        if (form->fields[i].is_required)
            json_out_text(&doc->out, form->fields[i].name);
    }
    json_out_end_array(&doc->out);
    end_object(doc);
}

static void write_json_body(struct document *doc, const struct route *route)
{
    const ProtobufCMessageDescriptor *type = route_get_method(route)->input;

    if (route->body_field)
        type = openapi_field_find(type, str_from(route->body_field)).field->descriptor;
    json_out_key(&doc->out, "schema");
    openapi_schema_write_ref(&doc->schemas, type, &doc->out);
}

static void write_body(struct document *doc, const struct route *route)
{
    if (route->body == ROUTE_NO_BODY)
        return;
    begin_object(doc, "requestBody");
    json_out_key(&doc->out, "required");
    json_out_bool(&doc->out, route->body != ROUTE_JSON_MAYBE);
    begin_object(doc, "content");
    if (route->body == ROUTE_FORM) {
        begin_object(doc, "application/x-www-form-urlencoded");
        write_form(doc, route);
    } else {
        begin_object(doc, "application/json");
        write_json_body(doc, route);
    }
    end_object(doc);
    end_object(doc);
    end_object(doc);
}

/* Replies. */

struct shape {
    int (*write)(const ProtobufCMessage *reply, const struct lts_settings *settings,
                 struct json_out *out);
    const struct lts_list *list;
    const char *name; /* in openapi_shapes.json */
};

static const struct shape shapes[] = {
    {lts_write_created, NULL, "LtsReply"},
    {lts_write_ok, NULL, "LtsReply"},
    {lts_write_info, NULL, "LtsBulkImport"},
    {lts_write_full_detail, NULL, "LtsFullMigration"},
    {lts_write_incr_detail, NULL, "LtsIncrementalSync"},
    {NULL, &lts_full_list, "LtsFullMigrations"},
    {NULL, &lts_incr_list, "LtsIncrementalSyncs"},
};

struct failure {
    const char *response; /* in components */
    const char *schema;   /* in openapi_shapes.json */
    const char *description;
};

static const struct failure failures[] = {
    [ROUTE_LTS] = {"LtsError", "LtsReply", "It did not work; the message says why."},
    [ROUTE_V1] = {"Error", "Error", "It did not work."},
    [ROUTE_HEALTH] = {"Unhealthy", "Health", "It does not work."},
};

static void write_shape_ref(struct document *doc, const char *kind, const char *name)
{
    struct buf ref = {0};

    json_out_begin_object(&doc->out);
    buf_printf(&ref, "#/components/%s/%s", kind, name);
    write_made(doc, "$ref", &ref);
    end_object(doc);
}

static void write_reply_schema(struct document *doc, const struct route *route)
{
    if (route->style == ROUTE_HEALTH) {
        write_shape_ref(doc, "schemas", failures[ROUTE_HEALTH].schema);
        return;
    }
    if (!route->write && !route->list) {
        openapi_schema_write_ref(&doc->schemas, route_get_method(route)->output, &doc->out);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(shapes); i++) {
        if (shapes[i].write == route->write && shapes[i].list == route->list) {
            write_shape_ref(doc, "schemas", shapes[i].name);
            return;
        }
    }
    assert(false && "a reply has a shape");
}

/* Events are described by what their data is: OpenAPI 3.1 has no word for the stream itself. */
static void write_reply(struct document *doc, const struct route *route)
{
    begin_object(doc, "200");
    write_text(
        doc, "description",
        route->has_events
            ? "Server-sent events, one a change: its type as the event's name, its cursor as "
              "the id, and the data as described. An event named error has the data of an "
              "error, and is the last one."
            : "It worked.");
    begin_object(doc, "content");
    begin_object(doc, route->has_events ? "text/event-stream" : "application/json");
    json_out_key(&doc->out, "schema");
    write_reply_schema(doc, route);
    end_object(doc);
    end_object(doc);
    end_object(doc);
}

static void write_replies(struct document *doc, const struct route *route)
{
    static const char *const classes[] = {"4XX", "5XX"};

    begin_object(doc, "responses");
    write_reply(doc, route);
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        json_out_key(&doc->out, classes[i]);
        write_shape_ref(doc, "responses", failures[route->style].response);
    }
    end_object(doc);
}

/* Operations. */

/* What the method's comment says. The health service is of another contract, without one. */
static void append_description(const struct document *doc, const struct route *route,
                               struct buf *ret)
{
    struct str service = str_from(route->method + 1);
    struct buf name = {0};

    if (route->style == ROUTE_HEALTH) {
        buf_append_text(ret, "Says whether this server and its gateway work.");
        return;
    }
    buf_append_str(&name, str_cut(&service, '/'));
    buf_append_char(&name, '.');
    buf_append_str(&name, service);
    buf_append_text(ret, proto_comments_get(doc->schemas.comments, buf_get_text(&name)));
    buf_deinit(&name);
}

static void write_description(struct document *doc, const struct route *route, const char *verb)
{
    struct buf text = {0};

    append_description(doc, route, &text);
    struct str first = {.data = text.data, .len = str_find(buf_get(&text), ". ")};
    if (first.len == text.len && first.len > 0)
        first.len--; /* its full stop */
    json_out_key(&doc->out, "summary");
    json_out_string(&doc->out, first);
    if (route->kind)
        buf_printf(&text, " The id is that of %s.", route->kind->name);
    if (route->effect == ROUTE_CHANGES && strcmp(verb, "GET") == 0)
        buf_append_text(&text, " This GET changes something, as the Lindorm Tunnel Service has it; "
                               "POST does the same.");
    write_made(doc, "description", &text);
}

static void write_operation(struct document *doc, const struct route *route, const char *verb)
{
    struct buf key = {0};
    struct buf id = {0};

    for (const char *c = verb; *c; c++)
        buf_append_char(&key, (char)tolower((unsigned char)*c));
    begin_object(doc, buf_get_text(&key));
    buf_deinit(&key);
    append_operation_id(route, verb, &id);
    write_made(doc, "operationId", &id);
    json_out_key(&doc->out, "tags");
    json_out_begin_array(&doc->out);
    json_out_text(&doc->out, get_tag(route));
    json_out_end_array(&doc->out);
    write_description(doc, route, verb);
    write_parameters(doc, route);
    write_body(doc, route);
    write_replies(doc, route);
    end_object(doc);
}

static void write_paths(struct document *doc)
{
    size_t count = 0;
    const struct route *routes = routes_get_all(&count);

    begin_object(doc, "paths");
    for (size_t i = 0; i < count; i++) {
        bool is_new = routes[i].method != NULL; /* assets are not told about */
        struct buf path = {0};
        for (size_t k = 0; k < i; k++)
            is_new = is_new && !has_same_path(&routes[k], &routes[i]);
        if (!is_new)
            continue;
        append_path(&routes[i], &path);
        begin_object(doc, buf_get_text(&path));
        buf_deinit(&path);
        for (size_t k = i; k < count; k++) {
            const char *other = route_get_other_verb(&routes[k]);
            if (!has_same_path(&routes[k], &routes[i]))
                continue;
            write_operation(doc, &routes[k], routes[k].verb);
            if (other && strcmp(other, "HEAD") != 0)
                write_operation(doc, &routes[k], other);
        }
        end_object(doc);
    }
    end_object(doc);
}

/* The whole. */

static void write_head(struct document *doc)
{
    write_text(doc, "openapi", "3.1.0");
    begin_object(doc, "info");
    write_text(doc, "title", "Sluice");
    write_text(doc, "version", SLUICE_VERSION);
    write_text(doc, "description",
               "Tasks that move data, and the data sources between which they do. "
               "GET takes HEAD too where it changes nothing, and all paths take OPTIONS.");
    begin_object(doc, "license");
    write_text(doc, "name", "Apache-2.0");
    write_text(doc, "identifier", "Apache-2.0");
    end_object(doc);
    end_object(doc);
    json_out_key(&doc->out, "servers");
    json_out_begin_array(&doc->out);
    json_out_begin_object(&doc->out);
    write_text(doc, "url", "/");
    write_text(doc, "description", "This server.");
    end_object(doc);
    json_out_end_array(&doc->out);
    json_out_key(&doc->out, "security"); /* there is none: docs/known-limits.md */
    json_out_begin_array(&doc->out);
    json_out_end_array(&doc->out);
    json_out_key(&doc->out, "tags");
    json_out_begin_array(&doc->out);
    for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
        json_out_begin_object(&doc->out);
        write_text(doc, "name", tags[i].name);
        write_text(doc, "description", tags[i].description);
        end_object(doc);
    }
    json_out_end_array(&doc->out);
}

/* The members of the embedded object, without what is around them. */
static struct str get_shapes(void)
{
    struct str all =
        str_trim(str_from_bytes(sluice_openapi_shapes_start,
                                (size_t)(sluice_openapi_shapes_end - sluice_openapi_shapes_start)));

    assert(all.len > 2 && all.data[0] == '{' && all.data[all.len - 1] == '}');
    return str_trim((struct str){.data = all.data + 1, .len = all.len - 2});
}

static void write_components(struct document *doc)
{
    begin_object(doc, "components");
    begin_object(doc, "responses");
    for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
        begin_object(doc, failures[i].response);
        write_text(doc, "description", failures[i].description);
        begin_object(doc, "content");
        begin_object(doc, "application/json");
        json_out_key(&doc->out, "schema");
        write_shape_ref(doc, "schemas", failures[i].schema);
        end_object(doc);
        end_object(doc);
        end_object(doc);
    }
    end_object(doc);
    begin_object(doc, "schemas");
    openapi_schemas_write(&doc->schemas, &doc->out);
    buf_append_char(doc->out.buf, ',');
    buf_append_str(doc->out.buf, get_shapes());
    end_object(doc);
    end_object(doc);
}

void openapi_write(struct buf *ret)
{
    struct arena *arena = arena_create(64 << 20); /* only a bound: what is read is ours */
    struct document doc = {.out = json_out_make(ret)};

    doc.schemas.comments = proto_comments_create(arena);
    json_out_begin_object(&doc.out);
    write_head(&doc);
    write_paths(&doc);
    write_components(&doc);
    end_object(&doc);
    arena_destroy(arena);
}
