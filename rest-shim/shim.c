#include "rest-shim/shim.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "rest-shim/assets.h"
#include "rest-shim/event_reply.h"
#include "rest-shim/http_server.h"
#include "rest-shim/list_reply.h"
#include "rest-shim/request_map.h"
#include "rest-shim/rest_error.h"
#include "rest-shim/routes.h"
#include "rest-shim/shim_op.h"
#include "rpc/client.h"
#include "rpc/message_json.h"

struct shim {
    struct http_handler handler;
    struct shim_options options;
    int64_t nrequests; /* numbers them for the log */
    struct event_replies event_replies;
    struct assets *assets;
};

/* A request that waits for one call. */
struct unary {
    struct shim_op op;
    struct rpc_client_call call;
    struct http_gone gone;
};

/* The status that an error is sent with. */
static int choose_status(const struct shim *shim, enum route_style style, int http_status)
{
    if (style == ROUTE_LTS && shim->options.legacy_error_status != 0)
        return shim->options.legacy_error_status;
    return http_status;
}

/* header may be NULL. */
static struct http_reply make_error_reply(const struct shim *shim, struct arena *arena,
                                          const struct rest_error *error,
                                          const struct http_header *header)
{
    struct http_header *headers = arena_alloc(arena, 2 * sizeof(*headers));
    struct http_reply reply = {.headers = headers};
    unsigned retry_s = 0;
    int http_status = rest_error_write(error, arena, &reply.body, &retry_s);

    reply.status = choose_status(shim, error->style, http_status);
    if (header)
        headers[reply.nheaders++] = *header;
    if (retry_s > 0)
        headers[reply.nheaders++] =
            (struct http_header){"Retry-After", arena_printf(arena, "%u", retry_s)};
    return reply;
}

static void reply_error(const struct shim *shim, struct http_request *request,
                        const struct rest_error *error, const struct http_header *header)
{
    struct arena *arena = http_request_get_arena(request);
    struct http_reply reply = make_error_reply(shim, arena, error, header);

    http_request_reply(request, &reply);
}

/* The reply of the gateway. */

void shim_op_log_end(const struct shim_op *op, struct status st)
{
    int64_t took_ms = clock_get_monotonic_ms() - op->start_ms;

    /* Faults of callers are theirs to see; the rest is ours. */
    if (rest_error_get_http_status(st.code) >= 500)
        log_warn("request failed", log_int("request", op->number), log_str("verb", op->route->verb),
                 log_str("path", op->route->path), log_code(st), log_str("error", st.text),
                 log_int("took_ms", took_ms));
    else
        log_debug("request", log_int("request", op->number), log_str("verb", op->route->verb),
                  log_str("path", op->route->path), log_code(st), log_int("took_ms", took_ms));
}

struct http_reply shim_op_make_failure(const struct shim_op *op, struct status st,
                                       struct str details)
{
    struct rest_error error = {
        .st = rest_error_mask(st, details.len > 0),
        .details = details,
        .style = op->route->style,
        .form = op->route->form,
    };

    return make_error_reply(op->shim, http_request_get_arena(op->request), &error, NULL);
}

void shim_op_fail(struct shim_op *op, struct status st, struct str details)
{
    struct http_reply reply = shim_op_make_failure(op, st, details);

    http_request_reply(op->request, &reply);
}

static void reply_message(const struct shim_op *op, const ProtobufCMessage *message)
{
    const struct lts_settings *settings = &op->shim->options.lts;
    struct http_reply reply = {.status = 200};
    struct json_out out = json_out_make(&reply.body);

    if (op->route->list)
        reply.status = lts_write_page(op->route->list, message, settings, &out);
    else if (op->route->write)
        reply.status = op->route->write(message, settings, &out);
    else
        message_json_write(message, &out);
    http_request_reply(op->request, &reply);
}

static void on_done(struct rpc_client_call *call, struct status st, const ProtobufCMessage *reply)
{
    struct unary *unary = container_of(call, struct unary, call);

    shim_op_log_end(&unary->op, st);
    if (st.code == STATUS_OK)
        reply_message(&unary->op, reply);
    else
        shim_op_fail(&unary->op, st, rpc_client_call_get_details(call));
}

static void on_gone(struct http_gone *gone)
{
    rpc_client_call_cancel(&container_of(gone, struct unary, gone)->call);
}

static void start_unary(const struct shim_op *op, const ProtobufCMessage *message)
{
    struct unary *unary = arena_alloc(http_request_get_arena(op->request), sizeof(*unary));

    unary->op = *op;
    unary->gone.on_gone = on_gone;
    unary->call = (struct rpc_client_call){
        .channel = op->shim->options.channel,
        .method = op->route->method,
        .reply_type = route_get_method(op->route)->output,
        .timeout_ms = op->shim->options.timeout_ms,
        .on_done = on_done,
    };
    http_request_set_gone(op->request, &unary->gone);
    rpc_client_call_submit(&unary->call, message); /* the other thread has the request now */
}

static void start_events(const struct shim_op *op, const ProtobufCMessage *message)
{
    static const struct http_header later = {"Retry-After", "10"};
    struct shim *shim = op->shim;

    if (event_replies_have_room(&shim->event_replies)) {
        event_reply_start(op, shim->options.channel, &shim->event_replies, message);
        return;
    }
    struct rest_error error = {
        .st =
            status_error(STATUS_RESOURCE_EXHAUSTED, "%u streams of events are open, no more may be",
                         shim->event_replies.count),
        .http_status = 503,
        .style = op->route->style,
    };
    reply_error(shim, op->request, &error, &later);
}

static void call_gateway(struct shim *shim, struct http_request *request, const struct route *route,
                         ProtobufCMessage *message)
{
    struct shim_op op = {
        .shim = shim,
        .request = request,
        .route = route,
        .number = ++shim->nrequests,
        .start_ms = clock_get_monotonic_ms(),
    };

    if (route->has_events)
        start_events(&op, message);
    else if (route->list && list_reply_is_asked_for(message))
        list_reply_start(&(struct list_reply_options){.op = op,
                                                      .channel = shim->options.channel,
                                                      .timeout_ms = shim->options.timeout_ms,
                                                      .settings = &shim->options.lts},
                         message);
    else
        start_unary(&op, message);
}

/* Requests. */

static void refuse(const struct shim *shim, struct http_request *request, int http_status,
                   const struct http_header *header)
{
    enum route_style style = routes_get_style(http_request_get_path(request));
    struct rest_error error = rest_error_from_http(http_status, style);

    reply_error(shim, request, &error, header);
}

/* Whether a browser says that nobody meant it, or that another site did (Fetch Metadata, www.w3.org/TR/fetch-metadata).
 */
static bool is_of_browser(const struct http_request *request)
{
    static const char *const purposes[] = {"purpose", "sec-purpose", "x-moz"};

    for (size_t i = 0; i < ARRAY_LEN(purposes); i++) {
        struct str purpose = http_request_get_header(request, purposes[i]);
        struct str first = str_trim(str_cut(&purpose, ';'));
        if (str_is_ignoring_case(first, "prefetch"))
            return true;
    }
    return str_is_ignoring_case(http_request_get_header(request, "sec-fetch-site"), "cross-site");
}

static void serve_asset(const struct shim *shim, struct http_request *request)
{
    struct str has = http_request_get_header(request, "if-none-match");
    struct http_reply reply;

    if (assets_find(shim->assets, http_request_get_path(request), has,
                    http_request_get_arena(request), &reply)) {
        http_request_reply(request, &reply);
        return;
    }
    struct rest_error error = {
        .st = status_error(STATUS_NOT_FOUND,
                           "there is no such file, or the page is not installed: see --docs-dir"),
        .style = ROUTE_V1,
    };
    reply_error(shim, request, &error, NULL);
}

static void serve(struct shim *shim, struct http_request *request, const struct route_match *match)
{
    struct arena *arena = http_request_get_arena(request);
    ProtobufCMessage *message = NULL;
    struct request_input input = {
        .part = match->part,
        .query = http_request_get_query(request),
        .content_type = http_request_get_header(request, "content-type"),
        .request_key = http_request_get_header(request, "idempotency-key"),
        .event_id = http_request_get_header(request, "last-event-id"),
        .body = http_request_get_body(request),
    };

    if (match->route->effect == ROUTE_CHANGES && is_of_browser(request)) {
        refuse(shim, request, 403, NULL);
        return;
    }
    if (!request_map_takes(match->route, &input)) {
        refuse(shim, request, 415, NULL);
        return;
    }
    struct status st = request_map_read(match->route, &input, arena, &message);
    if (st.code != STATUS_OK) {
        struct rest_error error = {.st = st, .style = match->route->style};
        if (st.code == STATUS_RESOURCE_EXHAUSTED)
            error.http_status = 413; /* of this process's memory, not of the gateway's patience */
        reply_error(shim, request, &error, NULL);
        return;
    }
    call_gateway(shim, request, match->route, message);
}

/* OPTIONS of the server as a whole (RFC 9110, section 9.3.7). */
static const struct http_header allow_all = {"Allow", "GET, HEAD, POST, PATCH, DELETE, OPTIONS"};

static void on_request(struct http_handler *handler, struct http_request *request)
{
    struct shim *shim = container_of(handler, struct shim, handler);
    struct str verb = http_request_get_method(request);
    struct route_match match = routes_match(verb, http_request_get_path(request));
    struct arena *arena = http_request_get_arena(request);
    struct http_header *allow = arena_alloc(arena, sizeof(*allow)); /* the reply is sent later */

    *allow = (struct http_header){"Allow", arena_copy_str(arena, str_from(match.allow))};
    if (str_is(verb, "OPTIONS") && str_is(http_request_get_path(request), "*"))
        http_request_reply(
            request, &(struct http_reply){.status = 204, .headers = &allow_all, .nheaders = 1});
    else if (!match.is_known)
        refuse(shim, request, 404, NULL);
    else if (str_is(verb, "OPTIONS"))
        http_request_reply(request,
                           &(struct http_reply){.status = 204, .headers = allow, .nheaders = 1});
    else if (!match.route)
        refuse(shim, request, 405, allow);
    else if (!match.route->method)
        serve_asset(shim, request);
    else
        serve(shim, request, &match);
}

static int on_refusal(struct http_handler *handler, int http_status, struct str target,
                      struct buf *ret)
{
    const struct shim *shim = container_of(handler, struct shim, handler);
    struct str path = str_cut(&target, '?');
    struct rest_error error = rest_error_from_http(http_status, routes_get_style(path));
    struct arena *arena = arena_create(0);
    unsigned retry_s = 0;
    int chosen = choose_status(shim, error.style, rest_error_write(&error, arena, ret, &retry_s));

    arena_destroy(arena);
    return chosen;
}

struct shim *shim_create(const struct shim_options *options)
{
    struct shim *shim = mem_alloc(sizeof(*shim));

    shim->options = *options;
    shim->event_replies.max_count = options->max_event_streams;
    shim->assets = assets_create(options->docs_dir);
    shim->handler = (struct http_handler){.on_request = on_request, .on_refusal = on_refusal};
    return shim;
}

struct http_handler *shim_get_handler(struct shim *shim)
{
    return &shim->handler;
}

void shim_destroy(struct shim *shim)
{
    if (shim)
        assets_destroy(shim->assets);
    mem_free(shim);
}
