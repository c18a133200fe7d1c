#include "rest-shim/rest_error.h"

#include <string.h>

#include "base/arena.h"
#include "base/json_out.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "rest-shim/lts.h"
#include "rpc/message_json.h"
#include "rpc/message_wire.h"

static const int http_statuses[STATUS_NCODES] = {
    [STATUS_OK] = 200,
    [STATUS_INVALID_ARGUMENT] = 400,
    [STATUS_OUT_OF_RANGE] = 400,
    [STATUS_UNAUTHENTICATED] = 401,
    [STATUS_PERMISSION_DENIED] = 403,
    [STATUS_NOT_FOUND] = 404,
    [STATUS_ALREADY_EXISTS] = 409,
    [STATUS_ABORTED] = 409,
    [STATUS_FAILED_PRECONDITION] = 409,
    [STATUS_RESOURCE_EXHAUSTED] = 429,
    [STATUS_UNIMPLEMENTED] = 501,
    [STATUS_UNAVAILABLE] = 503,
    [STATUS_DEADLINE_EXCEEDED] = 504,
};

int rest_error_get_http_status(enum status_code code)
{
    return http_statuses[code] != 0 ? http_statuses[code] : 500;
}

struct rest_error rest_error_from_http(int http_status, enum route_style style)
{
    static const struct {
        int http_status;
        enum status_code code;
        const char *text;
    } rows[] = {
        {401, STATUS_UNAUTHENTICATED, "the header Authorization has none that could be a token"},
        {403, STATUS_PERMISSION_DENIED,
         "this server is for its own machine, and Host could be anybody's name: ask localhost or "
         "an address; behind a proxy of that name start sluice-rest with --insecure"},
        {404, STATUS_NOT_FOUND, "there is no such path"},
        {405, STATUS_UNIMPLEMENTED, "this path does not take this method"},
        {413, STATUS_INVALID_ARGUMENT, "the body is larger than 1 MiB"},
        {414, STATUS_INVALID_ARGUMENT, "the path and query are longer than 8 KiB"},
        {415, STATUS_INVALID_ARGUMENT, "the content type is not the one that this path takes"},
        {417, STATUS_INVALID_ARGUMENT, "the header Expect asks for what is not offered"},
        {429, STATUS_RESOURCE_EXHAUSTED, "this client makes too many requests"},
        {431, STATUS_INVALID_ARGUMENT, "the headers are larger than 32 KiB"},
        {503, STATUS_UNAVAILABLE, "the program is stopping, or has too much to do"},
    };
    struct rest_error error = {.http_status = http_status, .style = style};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].http_status == http_status) {
            error.st = status_error(rows[i].code, "%s", rows[i].text);
            return error;
        }
    }
    if (http_status >= 500)
        error.st = status_error(STATUS_INTERNAL, "internal error");
    else
        error.st = status_error(STATUS_INVALID_ARGUMENT, "the request is malformed");
    return error;
}

struct status rest_error_mask(struct status st, bool has_details)
{
    if (has_details)
        return st;
    switch (st.code) {
    case STATUS_UNAVAILABLE:
        return status_error(st.code, "the gateway cannot be reached");
    case STATUS_DEADLINE_EXCEEDED:
        return status_error(st.code, "the gateway did not answer in time");
    case STATUS_CANCELLED: /* by ourselves: the client does not see it, or we stop */
        return status_error(STATUS_UNAVAILABLE, "this server stops; ask again");
    default:
        return status_error(st.code, "the gateway gave no answer that can be used");
    }
}

/* Details. */

enum detail {
    DETAIL_BAD_REQUEST,
    DETAIL_RETRY_INFO,
    DETAIL_ERROR_INFO,
    DETAIL_RESOURCE_INFO,
    DETAIL_NKINDS,
};

static const ProtobufCMessageDescriptor *const detail_types[DETAIL_NKINDS] = {
    [DETAIL_BAD_REQUEST] = &google__rpc__bad_request__descriptor,
    [DETAIL_RETRY_INFO] = &google__rpc__retry_info__descriptor,
    [DETAIL_ERROR_INFO] = &google__rpc__error_info__descriptor,
    [DETAIL_RESOURCE_INFO] = &google__rpc__resource_info__descriptor,
};

enum { MAX_DETAILS = 8 }; /* further ones are left out */

static const char type_prefix[] = "type.googleapis.com/";

struct details {
    const ProtobufCMessage *items[MAX_DETAILS];
    size_t nitems;
};

/* The message in any, or NULL if its type is none of ours or it is broken. */
static const ProtobufCMessage *unpack_any(const Google__Protobuf__Any *any, struct arena *arena)
{
    struct str bytes = str_from_bytes(any->value.data, any->value.len);
    ProtobufCMessage *message = NULL;

    if (!str_has_prefix(str_from(any->type_url), type_prefix))
        return NULL;
    for (size_t i = 0; i < ARRAY_LEN(detail_types); i++) {
        if (strcmp(any->type_url + sizeof(type_prefix) - 1, detail_types[i]->name) != 0)
            continue;
        if (message_wire_read(bytes, detail_types[i], arena, NULL, &message).code != STATUS_OK)
            return NULL;
        return message;
    }
    return NULL;
}

static struct details read_details(struct str packed, struct arena *arena)
{
    struct details details = {0};
    ProtobufCMessage *message = NULL;

    if (packed.len == 0 ||
        message_wire_read(packed, &google__rpc__status__descriptor, arena, NULL, &message).code !=
            STATUS_OK)
        return details;
    const Google__Rpc__Status *status = (const Google__Rpc__Status *)message;
    for (size_t i = 0; i < status->n_details && details.nitems < MAX_DETAILS; i++) {
        const ProtobufCMessage *item = unpack_any(status->details[i], arena);
        if (item)
            details.items[details.nitems++] = item;
    }
    return details;
}

static const ProtobufCMessage *find_detail(const struct details *details, enum detail kind)
{
    for (size_t i = 0; i < details->nitems; i++) {
        if (details->items[i]->descriptor == detail_types[kind])
            return details->items[i];
    }
    return NULL;
}

static unsigned get_retry_s(const struct details *details)
{
    enum { MAX_RETRY_S = 3600 };
    const Google__Rpc__RetryInfo *retry =
        (const Google__Rpc__RetryInfo *)find_detail(details, DETAIL_RETRY_INFO);

    if (!retry || !retry->retry_delay || retry->retry_delay->seconds < 0)
        return 0;
    if (retry->retry_delay->seconds >= MAX_RETRY_S)
        return MAX_RETRY_S;
    return (unsigned)retry->retry_delay->seconds + (retry->retry_delay->nanos > 0);
}

/* The shapes. */

/* What the caller of a form knows the field as. */
static struct str get_form_name(const struct lts_form *form, const char *path)
{
    for (size_t i = 0; form && i < form->nfields; i++) {
        if (strcmp(form->fields[i].path, path) == 0)
            return str_from(form->fields[i].name);
    }
    return str_from(path);
}

/* Appends "field: text", or the text alone if it names the field itself. */
static void append_violation(struct str name, const char *text, struct buf *ret)
{
    if (ret->len > 0)
        buf_append_text(ret, "; ");
    if (name.len > 0 && str_find(str_from(text), name.data) != 0) {
        buf_append_str(ret, name);
        buf_append_text(ret, ": ");
    }
    buf_append_text(ret, text);
}

/* All that is wrong in one text, each field by its name in the form. */
static void append_message(const struct rest_error *error, const struct details *details,
                           struct buf *ret)
{
    const Google__Rpc__BadRequest *bad =
        (const Google__Rpc__BadRequest *)find_detail(details, DETAIL_BAD_REQUEST);

    for (size_t i = 0; bad && i < bad->n_field_violations; i++)
        append_violation(get_form_name(error->form, bad->field_violations[i]->field),
                         bad->field_violations[i]->description, ret);
    if (ret->len == 0)
        buf_append_text(ret, error->st.text);
}

static void write_lts(const struct rest_error *error, const struct details *details,
                      struct json_out *out)
{
    struct buf message = {0};

    append_message(error, details, &message);
    json_out_begin_object(out);
    json_out_key(out, "success");
    json_out_text(out, "false");
    json_out_key(out, "message");
    json_out_string(out, buf_get(&message));
    json_out_end_object(out);
    buf_deinit(&message);
}

static void write_health(const struct rest_error *error, struct json_out *out)
{
    json_out_begin_object(out);
    json_out_key(out, "status");
    json_out_text(out, "unavailable");
    json_out_key(out, "reason");
    json_out_text(out, error->st.text);
    json_out_end_object(out);
}

static void write_detail(const ProtobufCMessage *item, struct json_out *out)
{
    struct buf type = {0};

    buf_printf(&type, "%s%s", type_prefix, item->descriptor->name);
    json_out_begin_object(out);
    json_out_key(out, "@type");
    json_out_string(out, buf_get(&type));
    message_json_write_fields(item, out);
    json_out_end_object(out);
    buf_deinit(&type);
}

static void write_v1(const struct rest_error *error, const struct details *details, int http_status,
                     struct json_out *out)
{
    json_out_begin_object(out);
    json_out_key(out, "error");
    json_out_begin_object(out);
    json_out_key(out, "code");
    json_out_int(out, http_status);
    json_out_key(out, "status");
    json_out_text(out, status_code_get_name(error->st.code));
    json_out_key(out, "message");
    json_out_text(out, error->st.text);
    if (details->nitems > 0) {
        json_out_key(out, "details");
        json_out_begin_array(out);
        for (size_t i = 0; i < details->nitems; i++)
            write_detail(details->items[i], out);
        json_out_end_array(out);
    }
    json_out_end_object(out);
    json_out_end_object(out);
}

int rest_error_write(const struct rest_error *error, struct arena *arena, struct buf *ret,
                     unsigned *ret_retry_s)
{
    struct details details = read_details(error->details, arena);
    struct json_out out = json_out_make(ret);
    int http_status =
        error->http_status ? error->http_status : rest_error_get_http_status(error->st.code);

    *ret_retry_s = get_retry_s(&details);
    switch (error->style) {
    case ROUTE_LTS:
        write_lts(error, &details, &out);
        return http_status;
    case ROUTE_V1:
        write_v1(error, &details, http_status, &out);
        return http_status;
    case ROUTE_HEALTH:
        write_health(error, &out);
        /* A probe wants to know whether it works; a wrong verb or the like is still the caller's. */
        return error->http_status ? error->http_status : 503;
    }
    return http_status;
}
