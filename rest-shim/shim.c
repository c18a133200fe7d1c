#include "rest-shim/shim.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "http/server.h"
#include "rest-shim/assets.h"
#include "rest-shim/browser.h"
#include "rest-shim/caller.h"
#include "rest-shim/event_reply.h"
#include "rest-shim/list_reply.h"
#include "rest-shim/request_map.h"
#include "rest-shim/request_origin.h"
#include "rest-shim/rest_counts.h"
#include "rest-shim/rest_error.h"
#include "rest-shim/routes.h"
#include "rest-shim/shim_op.h"
#include "rpc/client.h"
#include "rpc/message_json.h"
#include "sluice/v1/task.pb-c.h"

struct shim {
    struct http_handler handler;
    struct shim_options options;
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
    struct http_header *headers = arena_alloc(arena, 3 * sizeof(*headers));
    struct http_reply reply = {.headers = headers};
    unsigned retry_s = 0;
    int http_status = rest_error_write(error, arena, &reply.body, &retry_s);

    reply.status = choose_status(shim, error->style, http_status);
    if (header)
        headers[reply.nheaders++] = *header;
    else if (http_status == 401)
        headers[reply.nheaders++] = caller_challenge;
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

    if (message->descriptor == &pb__task__descriptor)
        request_origin_note_task(op->request, message);
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

    request_origin_note_end(unary->op.request, st);
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
    const ProtobufCMethodDescriptor *method = route_get_method(op->route);

    unary->op = *op;
    unary->gone.on_gone = on_gone;
    unary->call = (struct rpc_client_call){
        .channel = op->shim->options.channel,
        .method = op->route->method,
        .reply_type = method->output,
        .reply_field = op->route->reply_field ? protobuf_c_message_descriptor_get_field_by_name(
                                                    method->output, op->route->reply_field)
                                              : NULL,
        .timeout_ms = op->shim->options.timeout_ms,
        .headers = op->origin->headers,
        .nheaders = op->origin->nheaders,
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
        .origin = http_request_get_note(request),
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

    struct status meant =
        match->route->effect == ROUTE_CHANGES ? browser_check(request) : status_ok();
    if (meant.code != STATUS_OK) {
        struct rest_error error = {.st = meant, .style = match->route->style};
        reply_error(shim, request, &error, NULL);
        return;
    }
    if (!request_map_takes(match->route, &input)) {
        refuse(shim, request, 415, NULL);
        return;
    }
    struct status st = request_map_read(match->route, &input, arena, &message);
    if (st.code == STATUS_OK)
        st = request_map_name(arena, message);
    if (st.code != STATUS_OK) {
        struct rest_error error = {.st = st, .style = match->route->style};
        if (st.code == STATUS_RESOURCE_EXHAUSTED)
            error.http_status = 413; /* of this process's memory, not of the gateway's patience */
        reply_error(shim, request, &error, NULL);
        return;
    }
    if (str_has_prefix(str_from(match->route->method), "/sluice.v1.TaskService/"))
        request_origin_note_task(request, message);
    call_gateway(shim, request, match->route, message);
}

static bool is_misled(const struct shim *shim, const struct http_request *request,
                      const struct route *route)
{
    bool is_health = route && route->style == ROUTE_HEALTH;

    return shim->options.is_for_this_machine && !is_health && browser_may_be_misled(request);
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
    struct http_header *why = arena_alloc(arena, sizeof(*why));

    (void)request_origin_begin(request, match.route, shim->options.tracer);
    rest_counts_begin(shim->options.metrics);
    int refusal = caller_enter(shim->options.limiter, request, match.route, why);
    *allow = (struct http_header){"Allow", arena_copy_str(arena, str_from(match.allow))};
    if (refusal != 0)
        refuse(shim, request, refusal, why);
    else if (is_misled(shim, request, match.route))
        refuse(shim, request, 403, NULL);
    else if (str_is(verb, "OPTIONS") && str_is(http_request_get_path(request), "*"))
        http_request_reply(
            request, &(struct http_reply){.status = 204, .headers = &allow_all, .nheaders = 1});
    else if (!match.is_known)
        refuse(shim, request, 404, NULL);
    else if (str_is(verb, "OPTIONS"))
        http_request_reply(request,
                           &(struct http_reply){.status = 204, .headers = allow, .nheaders = 1});
    else if (!match.route)
        refuse(shim, request, 405, allow);
    else if (match.route->is_readiness && http_request_is_last(request))
        refuse(shim, request, 503, NULL);
    else if (!match.route->method)
        serve_asset(shim, request);
    else
        serve(shim, request, &match);
}

static void on_replied(struct http_handler *handler, struct http_request *request,
                       const struct http_outcome *outcome)
{
    const struct shim *shim = container_of(handler, struct shim, handler);
    const struct request_origin *origin = http_request_get_note(request);

    caller_leave(shim->options.limiter, request);
    rest_counts_end(shim->options.metrics, origin->route, outcome->status,
                    clock_get_monotonic_us() - origin->start_us);
    request_origin_end(request, outcome);
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

    rest_counts_refuse(shim->options.metrics, chosen);
    arena_destroy(arena);
    return chosen;
}

struct shim *shim_create(const struct shim_options *options)
{
    struct shim *shim = mem_alloc(sizeof(*shim));

    shim->options = *options;
    shim->event_replies.max_count = options->max_event_streams;
    shim->assets = assets_create(options->docs_dir);
    shim->handler = (struct http_handler){
        .on_request = on_request, .on_refusal = on_refusal, .on_replied = on_replied};
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
