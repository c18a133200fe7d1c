#include "rpc/server.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/tls.h"
#include "rpc/batch.h"
#include "rpc/call_metrics.h"
#include "rpc/carrier_server.h"
#include "rpc/health.h"
#include "rpc/listen.h"
#include "rpc/memory_guard.h"
#include "rpc/own_sockets.h"
#include "rpc/reflection.h"
#include "rpc/server_tls.h"
#include "rpc/serving.h"

enum {
    DEFAULT_MESSAGE_BYTES = 1 << 20,
    DEFAULT_ARENA_BYTES = 8 << 20,
    MAX_HEADER_BYTES = 8 << 10, /* of one call, names and values */
    DEFAULT_TOTAL_BYTES = 512 << 20,
    DEFAULT_CALLS = 10000,
    DEFAULT_CARRIERS = 128, /* each may hold 1 MiB of refusals that nobody reads */
    DEFAULT_UNREAD_BYTES = 64 << 20,
    MAX_CORE_BYTES =
        256 << 20, /* what core may take for what it reads; it drops connections then */
    MAX_MEMORY_BYTES =
        512 << 20,      /* of the whole process; connections that send most are cut then */
    MAX_STREAMS = 1024, /* calls of one connection; those beyond wait at the client */
    NACCEPTS = 64,      /* calls that core may hand over before we ask for more */
    LINGER_MS = 100,    /* from the last answer to the end of the connections */
    CUT_PERIOD_MS = 50,
};

/* Accepting. */

static int compare_path(const void *key, const void *row)
{
    const grpc_slice *path = key;
    const struct rpc_route *route = row;
    size_t len = strlen(route->path);
    size_t n = GRPC_SLICE_LENGTH(*path) < len ? GRPC_SLICE_LENGTH(*path) : len;
    int order = memcmp(GRPC_SLICE_START_PTR(*path), route->path, n);

    if (order != 0)
        return order;
    return (GRPC_SLICE_LENGTH(*path) > len) - (GRPC_SLICE_LENGTH(*path) < len);
}

/* The size of the headers as HTTP/2 counts them (RFC 9113, section 6.5.2). */
static size_t measure(const grpc_metadata_array *headers)
{
    size_t size_bytes = 0;

    for (size_t i = 0; i < headers->count; i++)
        size_bytes += GRPC_SLICE_LENGTH(headers->metadata[i].key) +
                      GRPC_SLICE_LENGTH(headers->metadata[i].value) + 32;
    return size_bytes;
}

static struct status admit(struct rpc_server *server, struct rpc_call *call)
{
    pthread_mutex_lock(&server->lock);
    size_t nrunning = ++server->nrunning;
    call->is_admitted = !server->is_stopping;
    server->nadmitted += call->is_admitted;
    pthread_mutex_unlock(&server->lock);
    if (nrunning > server->max_calls)
        return status_error(STATUS_RESOURCE_EXHAUSTED, "there are more than %zu calls at a time",
                            server->max_calls);
    /* Core sees to it as well, but only once the client has acknowledged our settings. */
    if (measure(&call->metadata) > MAX_HEADER_BYTES)
        return status_error(STATUS_RESOURCE_EXHAUSTED, "the headers are larger than %d bytes",
                            MAX_HEADER_BYTES);
    return status_ok();
}

void rpc_server_serve(struct rpc_call *call)
{
    struct rpc_server *server = call->server;
    const struct rpc_route *route =
        bsearch(&call->info.method, server->routes, server->nroutes, sizeof(*route), compare_path);

    rpc_call_serve(call, route, admit(server, call));
}

static void post_accept(struct rpc_server *server);

static void on_accepted(struct rpc_tag *tag, bool ok)
{
    struct rpc_call *call = container_of(tag, struct rpc_call, accepted);
    struct rpc_server *server = call->server;

    if (!ok) { /* the server is stopping */
        rpc_call_destroy(call);
        return;
    }
    post_accept(server);
    rpc_server_serve(call);
}

static void post_accept(struct rpc_server *server)
{
    struct rpc_call *call = rpc_call_create(server);

    call->accepted.on_event = on_accepted;
    HANDOFF_GIVE(&call->accepted);
    grpc_call_error error =
        grpc_server_request_call(server->core, &call->core, &call->info, &call->metadata,
                                 server->queue, server->queue, &call->accepted);
    assert(error == GRPC_CALL_OK);
}

/* The table of routes. */

static const ProtobufCMethodDescriptor *find_method(const ProtobufCServiceDescriptor *service,
                                                    const char *name)
{
    const ProtobufCMethodDescriptor *found =
        protobuf_c_service_descriptor_get_method_by_name(service, name);

    assert(found); /* the method table and the proto are at odds */
    return found;
}

static int compare_routes(const void *a, const void *b)
{
    return strcmp(((const struct rpc_route *)a)->path, ((const struct rpc_route *)b)->path);
}

static void add_route(struct rpc_server *server, const char *service,
                      const struct rpc_method *method, const ProtobufCMessageDescriptor *input,
                      void *self)
{
    size_t size = strlen(service) + strlen(method->name) + 3;
    char *path = mem_alloc(size);

    (void)snprintf(path, size, "/%s/%s", service, method->name);
    server->routes =
        mem_realloc_array(server->routes, server->nroutes + 1, sizeof(*server->routes));
    server->routes[server->nroutes++] =
        (struct rpc_route){.path = path, .method = method, .input = input, .self = self};
}

static void add_service(struct rpc_server *server, const struct rpc_service *service, void *self)
{
    assert(service->nmethods == service->descriptor->n_methods);
    for (size_t i = 0; i < service->nmethods; i++) {
        const struct rpc_method *method = &service->methods[i];
        add_route(server, service->descriptor->name, method,
                  find_method(service->descriptor, method->name)->input, self);
        server->routes[server->nroutes - 1].begins_traces = service->begins_traces;
    }
}

static void make_routes(struct rpc_server *server, const struct rpc_server_options *options)
{
    for (size_t i = 0; i < options->nservices; i++)
        add_service(server, options->services[i], options->self);
    add_service(server, &rpc_health_service, server->health);
    add_service(server, &rpc_carrier_service, NULL);
    for (size_t i = 0; i < RPC_REFLECTION_NSERVICES; i++)
        add_route(server, rpc_reflection_services[i], &rpc_reflection_method, rpc_reflection_input,
                  server->reflection);
    qsort(server->routes, server->nroutes, sizeof(*server->routes), compare_routes);
}

/* Starting. */

static void on_shut(struct rpc_tag *tag, bool ok)
{
    struct rpc_server *server = container_of(tag, struct rpc_server, shut);

    (void)ok;
    pthread_mutex_lock(&server->lock);
    server->is_shut = true;
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->lock);
}

static grpc_arg make_arg(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER,
        .key = (char *)(uintptr_t)key, /* core does not write to it */
        .value.integer = value,
    };
}

static grpc_arg make_quota_arg(grpc_resource_quota *quota)
{
    return (grpc_arg){
        .type = GRPC_ARG_POINTER,
        .key = (char *)(uintptr_t)GRPC_ARG_RESOURCE_QUOTA, /* core does not write to it */
        .value.pointer = {quota, grpc_resource_quota_arg_vtable()},
    };
}

static grpc_server *create_core(size_t max_message_bytes)
{
    grpc_resource_quota *quota = grpc_resource_quota_create("server");
    grpc_arg args[] = {
        make_quota_arg(quota),
        make_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)max_message_bytes),
        make_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0), /* rpc/inflate.h does it */
        make_arg(GRPC_ARG_MAX_METADATA_SIZE, MAX_HEADER_BYTES),
        make_arg(GRPC_ARG_MAX_CONCURRENT_STREAMS, MAX_STREAMS),
        make_arg(GRPC_ARG_ALLOW_REUSEPORT, 0), /* else two servers share a port silently */
        make_arg(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, 10000),
        make_arg(GRPC_ARG_ENABLE_CHANNELZ, 0),
        /* A client that is gone without a word is noticed; one that pings is not shut out. */
        make_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 30000),
        make_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 10000),
        make_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        make_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
        make_arg(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 10000),
    };
    grpc_channel_args list = {ARRAY_LEN(args), args};

    grpc_resource_quota_resize(quota, MAX_CORE_BYTES);
    grpc_server *core = grpc_server_create(&list, NULL);
    grpc_resource_quota_unref(quota);
    return core;
}

static void init_sync(struct rpc_server *server)
{
    thread_init_condition(&server->changed);
    (void)pthread_mutex_init(&server->lock, NULL);
    list_init(&server->waiting);
}

/* Frees all but core's server. */
static void free_server(struct rpc_server *server)
{
    for (size_t i = 0; i < server->nroutes; i++)
        mem_free(server->routes[i].path);
    mem_free(server->routes);
    rpc_health_destroy(server->health);
    rpc_reflection_destroy(server->reflection);
    rpc_memory_guard_destroy(server->guard);
    rpc_call_metrics_destroy(server->metrics);
    rpc_server_tls_destroy(server->tls);
    (void)pthread_cond_destroy(&server->changed);
    (void)pthread_mutex_destroy(&server->lock);
    mem_free(server);
}

static struct status listen_as_told(struct rpc_server *server,
                                    const struct rpc_server_options *options)
{
    if (tls_is_on(TLS_SERVER, &options->tls)) {
        struct status st = rpc_server_tls_create(&options->tls, &server->tls);
        if (st.code != STATUS_OK)
            return st;
    }
    return rpc_listen(server->core, options->listen, server->tls, &server->port);
}

static size_t get_limit(size_t limit, size_t default_limit)
{
    return limit ? limit : default_limit;
}

struct status rpc_server_create(const struct rpc_server_options *options, struct rpc_server **ret)
{
    struct rpc_server *server = mem_alloc(sizeof(*server));

    init_sync(server);
    server->queue = rpc_loop_get_queue(options->loop);
    server->max_message_bytes = get_limit(options->max_message_bytes, DEFAULT_MESSAGE_BYTES);
    server->max_arena_bytes = get_limit(options->max_arena_bytes, DEFAULT_ARENA_BYTES);
    server->max_total_bytes = get_limit(options->max_total_bytes, DEFAULT_TOTAL_BYTES);
    server->max_calls = get_limit(options->max_calls, DEFAULT_CALLS);
    server->max_carriers = get_limit(options->max_carriers, DEFAULT_CARRIERS);
    server->max_unread_bytes = get_limit(options->max_unread_bytes, DEFAULT_UNREAD_BYTES);
    server->gate = options->gate;
    server->tracer = options->tracer;
    server->shut.on_event = on_shut;
    server->health = rpc_health_create(options->services, options->nservices);
    server->reflection = rpc_reflection_create(options->services, options->nservices);
    make_routes(server, options);
    server->metrics = rpc_call_metrics_create(options->metrics, server->routes, server->nroutes);

    server->core = create_core(server->max_message_bytes);
    grpc_server_register_completion_queue(server->core, server->queue, NULL);
    struct status st = listen_as_told(server, options);
    if (st.code == STATUS_OK)
        st = rpc_memory_guard_create(server->port, MAX_MEMORY_BYTES,
                                     metrics_get_only(options->metrics, &rpc_connections_cut_total),
                                     &server->guard);
    grpc_server_start(server->core);
    for (unsigned i = 0; st.code == STATUS_OK && i < NACCEPTS; i++)
        post_accept(server);
    if (st.code != STATUS_OK) {
        rpc_server_destroy(server);
        return st;
    }
    *ret = server;
    return status_ok();
}

int rpc_server_get_port(const struct rpc_server *server)
{
    return server->port;
}

void rpc_server_set_serving(struct rpc_server *server, bool is_serving)
{
    rpc_health_set_serving(server->health, is_serving);
}

/* Stopping. */

/* Nobody is served any more. The lock is held. */
static bool is_idle(const struct rpc_server *server)
{
    return server->nadmitted == 0;
}

/* Core has shut down and the last call is gone. The lock is held. */
static bool is_quiet(const struct rpc_server *server)
{
    return server->is_shut && server->ncalls == 0;
}

/* Waits until it is so, at most delay_ms; returns whether it is. */
static bool wait_until(struct rpc_server *server, bool (*is_so)(const struct rpc_server *server),
                       unsigned delay_ms)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + delay_ms;

    pthread_mutex_lock(&server->lock);
    while (!is_so(server) && clock_get_monotonic_ms() < deadline_ms)
        thread_wait_until(&server->changed, &server->lock, deadline_ms);
    bool is_reached = is_so(server);
    pthread_mutex_unlock(&server->lock);
    return is_reached;
}

void rpc_server_announce_stop(struct rpc_server *server)
{
    rpc_health_leave(server->health);
}

static void cut(struct own_sockets *sockets, int fd)
{
    (void)sockets;
    (void)shutdown(fd, SHUT_RDWR);
}

/* Another socket in its place: shutdown(2) would have core accept in vain, and say so in the log. */
static void refuse(struct own_sockets *sockets, int fd)
{
    int nobody = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (nobody < 0) {
        cut(sockets, fd);
        return;
    }
    (void)dup3(nobody, fd, O_CLOEXEC);
    (void)close(nobody);
}

/*
 * Left to itself, core would ask each client by a ping whether it has more to say before it closes the connection, and
 * one that looks at its connections only now and then answers after seconds; and a call that came meanwhile would end as
 * CANCELLED, which no client tries again; so it would by grpc_server_cancel_all_calls. So connections are cut below core,
 * when nothing is under way on them: what a client was about to send then ends as UNAVAILABLE. That is done a little
 * later than the last answer was written: a client that finds its connection closed when it writes does not read any more
 * what had come. And nobody may connect in between, for such a connection would be left to core.
 */
void rpc_server_stop(struct rpc_server *server, unsigned grace_ms)
{
    rpc_server_announce_stop(server);
    pthread_mutex_lock(&server->lock);
    bool is_first = !server->is_stopping;
    server->is_stopping = true;
    pthread_mutex_unlock(&server->lock);
    if (!is_first)
        return;

    rpc_call_tell_all(server);
    (void)wait_until(server, is_idle, grace_ms);
    own_sockets_find(server->port, &(struct own_sockets){.take = refuse, .listening = true});
    (void)wait_until(server, is_quiet, LINGER_MS); /* it is not before the shutdown */
    own_sockets_find(server->port, &(struct own_sockets){.take = cut, .listening = false});
    HANDOFF_GIVE(&server->shut);
    grpc_server_shutdown_and_notify(server->core, server->queue, &server->shut);
    while (!wait_until(server, is_quiet, CUT_PERIOD_MS))
        grpc_server_cancel_all_calls(server->core); /* of unix sockets */
}

void rpc_server_destroy(struct rpc_server *server)
{
    if (!server)
        return;
    rpc_server_stop(server, 0);
    grpc_server_destroy(server->core);
    free_server(server);
}
