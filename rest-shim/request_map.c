#include "rest-shim/request_map.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/json_in.h"
#include "base/log.h"
#include "rest-shim/form.h"
#include "rest-shim/lts.h"
#include "rpc/message_field.h"
#include "rpc/message_json.h"

/* Content types (RFC 9110, section 8.3). */

static bool is_type(struct str header, const char *type)
{
    struct str rest = header;

    if (!str_is_ignoring_case(str_trim(str_cut(&rest, ';')), type))
        return false;
    while (rest.len > 0) {
        struct str value = str_cut(&rest, ';');
        struct str name = str_trim(str_cut(&value, '='));
        value = str_trim(value);
        if (value.len >= 2 && value.data[0] == '"' && value.data[value.len - 1] == '"')
            value = (struct str){.data = value.data + 1, .len = value.len - 2};
        if (str_is_ignoring_case(name, "charset") && !str_is_ignoring_case(value, "utf-8"))
            return false;
    }
    return true;
}

bool request_map_takes(const struct route *route, const struct request_input *input)
{
    if (input->body.len == 0 && input->content_type.len == 0)
        return true;
    switch (route->body) {
    case ROUTE_NO_BODY:
        return true;
    case ROUTE_FORM:
        return is_type(input->content_type, "application/x-www-form-urlencoded");
    case ROUTE_JSON:
    case ROUTE_JSON_MAYBE:
        return is_type(input->content_type, "application/json");
    }
    return false;
}

/* Forms. */

static const struct lts_field *find_row(const struct lts_form *rows, struct str name)
{
    for (size_t i = 0; i < rows->nfields; i++) {
        if (str_is(name, rows->fields[i].name))
            return &rows->fields[i];
    }
    return NULL;
}

static struct status check_required(const struct lts_form *rows, const struct form *form)
{
    struct buf missing = {0};
    struct status st = status_ok();

    for (size_t i = 0; i < rows->nfields; i++) {
        const struct form_field *field = form_find(form, rows->fields[i].name);
        if (rows->fields[i].is_required && (!field || field->value.len == 0))
            buf_printf(&missing, "%s%s", missing.len > 0 ? ", " : "", rows->fields[i].name);
    }
    if (missing.len > 0)
        st = status_error(STATUS_INVALID_ARGUMENT, "missing: %s", buf_get_text(&missing));
    buf_deinit(&missing);
    return st;
}

static struct status set_field(const struct lts_field *row, struct str value, struct arena *arena,
                               ProtobufCMessage *request)
{
    struct str path = str_from(row->path);

    if (value.len == 0)
        return status_ok(); /* as if it had been left out */
    struct status st = message_set_text(request, path, value, arena);
    assert(st.code != STATUS_NOT_FOUND);
    if (st.code == STATUS_OK)
        return st;
    if (st.code == STATUS_INVALID_ARGUMENT && row->expected)
        return status_error(st.code, "%s: '%.*s' is not %s", row->name,
                            (int)(value.len > 40 ? 40 : value.len), value.data, row->expected);
    return status_error(st.code, "%s%s", row->name,
                        st.text + path.len); /* it began with the path */
}

static struct status read_form(const struct route *route, struct str body, struct arena *arena,
                               ProtobufCMessage *request)
{
    struct form form;
    struct status st = form_read(body, arena, &form);

    if (st.code == STATUS_OK)
        st = check_required(route->form, &form);
    for (size_t i = 0; st.code == STATUS_OK && i < form.nfields; i++) {
        const struct form_field *field = &form.fields[i];
        const struct lts_field *row = find_row(route->form, field->name);
        if (row)
            st = set_field(row, field->value, arena, request);
        else
            log_warn("unknown form field ignored", log_text("field", field->name),
                     log_str("path", route->path));
    }
    return st;
}

/* JSON. */

/* Where the body goes: the whole request, or a field of it, which is made. */
static struct status read_json_into(const struct route *route, const struct json *json,
                                    struct arena *arena, ProtobufCMessage **request)
{
    if (!route->body_field)
        return message_json_read(json, (*request)->descriptor, arena, request);

    const ProtobufCFieldDescriptor *field =
        message_field_find((*request)->descriptor, str_from(route->body_field));
    assert(field && field->type == PROTOBUF_C_TYPE_MESSAGE);
    return message_json_read(json, field->descriptor, arena, message_field_get(*request, field));
}

static struct status read_json(const struct route *route, struct str body, struct arena *arena,
                               ProtobufCMessage **request)
{
    struct json *json = NULL;

    if (body.len == 0 && route->body == ROUTE_JSON_MAYBE)
        return status_ok();
    if (body.len == 0)
        return status_error(STATUS_INVALID_ARGUMENT, "the body is empty, must be a JSON object");
    struct status st = json_read("body", body, &json);
    if (st.code == STATUS_OK)
        st = read_json_into(route, json, arena, request);
    json_destroy(json);
    return st;
}

/* What the row of the route sets. */
static void set_preset(const struct route *route, struct arena *arena, ProtobufCMessage *request)
{
    struct str rest = str_from(route->preset);

    while (rest.len > 0) {
        struct str value = str_cut(&rest, '&');
        struct str path = str_cut(&value, '=');
        struct status st = message_set_text(request, path, value, arena);
        assert(st.code == STATUS_OK);
    }
}

/* The parameters of a list of LTS, which others may stand beside, since LTS looks at none. */
static const char *const paging_names[] = {"pageSize", "pageToken"};

static bool is_paging(const ProtobufCFieldDescriptor *field)
{
    struct buf name = {0};
    bool is_found = false;

    message_append_camel(field->name, &name);
    for (size_t i = 0; i < ARRAY_LEN(paging_names); i++)
        is_found = is_found || str_is(buf_get(&name), paging_names[i]);
    buf_deinit(&name);
    return is_found;
}

static struct status read_paging(struct str query, struct arena *arena, ProtobufCMessage *request)
{
    struct form form;
    struct status st = form_read(query, arena, &form);

    for (size_t i = 0; st.code == STATUS_OK && i < ARRAY_LEN(paging_names); i++) {
        const struct form_field *field = form_find(&form, paging_names[i]);
        if (field && field->value.len > 0)
            st = message_set_text(request, str_from(paging_names[i]), field->value, arena);
    }
    return st;
}

/* Query parameters: the fields that neither path nor body set. */

static bool is_left_over(const struct route *route, const ProtobufCFieldDescriptor *field)
{
    struct str part_field = route_get_part_field(route);
    struct str part_first = str_cut(&part_field, '.');
    bool is_whole_body =
        route->body == ROUTE_JSON_MAYBE || (route->body == ROUTE_JSON && !route->body_field);

    return !is_whole_body && !str_is(part_first, field->name) &&
           !(route->body_field && strcmp(field->name, route->body_field) == 0);
}

bool request_map_is_parameter(const struct route *route, const ProtobufCFieldDescriptor *field)
{
    if (route->style == ROUTE_V1)
        return is_left_over(route, field);
    return route->list && is_paging(field);
}

static struct status refuse_parameter(struct str name)
{
    return status_error(STATUS_INVALID_ARGUMENT, "%.*s: there is no such query parameter",
                        (int)name.len, name.data);
}

static struct status read_query(const struct route *route, struct str query, struct arena *arena,
                                ProtobufCMessage *request)
{
    struct form form;
    struct status st = form_read(query, arena, &form);

    for (size_t i = 0; st.code == STATUS_OK && i < form.nfields; i++) {
        const struct form_field *field = &form.fields[i];
        const ProtobufCFieldDescriptor *wanted =
            message_field_find(request->descriptor, field->name);
        if (!wanted || !is_left_over(route, wanted))
            return refuse_parameter(field->name);
        st = message_set_text(request, field->name, field->value, arena);
        if (st.code == STATUS_NOT_FOUND)
            return refuse_parameter(field->name);
    }
    return st;
}

/* The path. */

/* The text that the body has set at path, or NULL. */
static const char *find_text(const ProtobufCMessage *message, struct str path)
{
    while (message) {
        struct str name = str_cut(&path, '.');
        const ProtobufCFieldDescriptor *field = message_field_find(message->descriptor, name);
        if (!field || !message_field_is_set(message, field))
            return NULL;
        const void *member = message_field_get(message, field);
        if (!path.data)
            return *(const char *const *)member;
        message = *(const ProtobufCMessage *const *)member;
    }
    return NULL;
}

static struct status read_part(const struct route *route, struct str raw, struct arena *arena,
                               ProtobufCMessage *request)
{
    struct str path = route_get_part_field(route);
    struct str part;

    if (path.len == 0)
        return status_ok();
    struct status st = form_read_path("the path", raw, arena, &part);
    if (st.code != STATUS_OK)
        return st;
    const char *other = find_text(request, path);
    if (other && !str_is(part, other))
        return status_error(STATUS_INVALID_ARGUMENT, "%.*s: the body says '%.60s', the path '%.*s'",
                            (int)path.len, path.data, other, (int)(part.len > 60 ? 60 : part.len),
                            part.data);
    return message_set_text(request, path, part, arena);
}

/* The header Idempotency-Key, which is the field request_id where a method has one. */

static struct status read_key(struct str key, struct arena *arena, ProtobufCMessage *request)
{
    static const struct str path = {.data = "request_id", .len = sizeof("request_id") - 1};
    char uuid[ID_UUID_BYTES];

    if (!key.data || !message_field_find(request->descriptor, path))
        return status_ok();
    if (key.len < 1 || key.len > REQUEST_MAP_MAX_KEY_BYTES)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "Idempotency-Key: is of %zu bytes, must be of 1 to %d", key.len,
                            REQUEST_MAP_MAX_KEY_BYTES);
    if (!id_read_uuid(key, uuid))
        id_make_named_uuid(key, uuid);
    const char *other = find_text(request, path);
    if (other && *other != '\0' && !str_is_ignoring_case(str_from(other), uuid))
        return status_error(STATUS_INVALID_ARGUMENT,
                            "Idempotency-Key: request_id names another request");
    return message_set_text(request, path, str_from(uuid), arena);
}

struct status request_map_name(struct arena *arena, ProtobufCMessage *request)
{
    static const struct str path = {.data = "request_id", .len = sizeof("request_id") - 1};
    const char *given = find_text(request, path);
    char uuid[ID_UUID_BYTES];

    if (!message_field_find(request->descriptor, path) || (given && *given != '\0'))
        return status_ok();
    id_make_ordered_uuid(uuid);
    return message_set_text(request, path, str_from(uuid), arena);
}

/* That the id, if there is one, can be of the route's kind. */
static struct status check_kind(const struct route *route, const ProtobufCMessage *request)
{
    static const char *const paths[] = {"id", "task.id"};
    const char *id = NULL;

    for (size_t i = 0; !id && i < ARRAY_LEN(paths); i++)
        id = find_text(request, str_from(paths[i]));
    return id ? lts_kind_check(route->kind, id) : status_ok();
}

/* The header Last-Event-ID, which is the field cursor where a method has one. */
static struct status read_event_id(struct str event_id, struct arena *arena,
                                   ProtobufCMessage *request)
{
    static const struct str path = {.data = "cursor", .len = sizeof("cursor") - 1};

    if (event_id.len == 0 || !message_field_find(request->descriptor, path))
        return status_ok();
    return message_set_text(request, path, event_id, arena);
}

struct status request_map_read(const struct route *route, const struct request_input *input,
                               struct arena *arena, ProtobufCMessage **ret)
{
    ProtobufCMessage *request = message_create(route_get_method(route)->input, arena);
    struct status st = status_ok();

    set_preset(route, arena, request);
    if (route->style == ROUTE_V1)
        st = read_query(route, input->query, arena, request);
    if (route->list)
        st = read_paging(input->query, arena, request);
    if (st.code == STATUS_OK && route->body == ROUTE_FORM)
        st = read_form(route, input->body, arena, request);
    if (st.code == STATUS_OK && (route->body == ROUTE_JSON || route->body == ROUTE_JSON_MAYBE))
        st = read_json(route, input->body, arena, &request);
    if (st.code == STATUS_OK)
        st = read_part(route, input->part, arena, request);
    if (st.code == STATUS_OK && route->kind)
        st = check_kind(route, request);
    if (st.code == STATUS_OK)
        st = read_key(input->request_key, arena, request);
    if (st.code == STATUS_OK)
        st = read_event_id(input->event_id, arena, request);
    if (st.code == STATUS_OK)
        *ret = request;
    return st;
}
