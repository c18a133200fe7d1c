#include "tests/unit/rpc/echo_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/compiler.h"

void event_add(struct event *event)
{
    pthread_mutex_lock(&event->lock);
    event->count++;
    pthread_cond_broadcast(&event->changed);
    pthread_mutex_unlock(&event->lock);
}

bool event_wait(struct event *event, unsigned count)
{
    struct timespec end;
    int error = 0;

    (void)clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 60;
    pthread_mutex_lock(&event->lock);
    while (event->count < count && error == 0)
        error = pthread_cond_timedwait(&event->changed, &event->lock, &end);
    bool is_there = event->count >= count;
    pthread_mutex_unlock(&event->lock);
    return is_there;
}

void event_init(struct event *event)
{
    *event = (struct event){.count = 0};
    (void)pthread_mutex_init(&event->lock, NULL);
    (void)pthread_cond_init(&event->changed, NULL);
}

/* The service. */

static void echo_id(struct rpc_call *call, const ProtobufCMessage *message)
{
    Pb__Task task = PB__TASK__INIT;

    task.id = ((const Pb__GetTaskRequest *)message)->id;
    rpc_call_end(call, status_ok(), &task.base);
}

struct list_tasks {
    struct rpc_call *call;
    struct rpc_send send;
    int32_t nleft;
    bool is_endless;
};

static void list_next(struct list_tasks *op)
{
    struct echo *echo = rpc_call_get_self(op->call);
    Pb__ListTasksResponse page = PB__LIST_TASKS_RESPONSE__INIT;
    char token[16];

    if (op->nleft == 0 && !op->is_endless) {
        rpc_call_end(op->call, status_ok(), NULL);
        return;
    }
    op->nleft--;
    (void)snprintf(token, sizeof(token), "%u", ++echo->nsent);
    page.next_page_token = token;
    rpc_call_send(op->call, &page.base, &op->send);
}

static void list_sent(struct rpc_send *send, bool ok)
{
    struct list_tasks *op = container_of(send, struct list_tasks, send);
    struct echo *echo = rpc_call_get_self(op->call);

    if (ok && !rpc_call_is_cancelled(op->call)) {
        list_next(op);
        return;
    }
    rpc_call_end(op->call, status_error(STATUS_CANCELLED, "nobody listens"), NULL);
    event_add(&echo->cancelled);
}

static void list_tasks(struct rpc_call *call, const ProtobufCMessage *message)
{
    struct echo *echo = rpc_call_get_self(call);
    struct list_tasks *op = rpc_call_alloc(call, sizeof(*op));

    op->call = call;
    op->send.on_sent = list_sent;
    op->nleft = ((const Pb__ListTasksRequest *)message)->page_size;
    op->is_endless = op->nleft == 0;
    echo->nsent = 0;
    list_next(op);
}

static void fail(struct rpc_call *call, const ProtobufCMessage *message)
{
    const char *id = ((const Pb__GetTaskRequest *)message)->id;

    rpc_call_add_violation(call, "task.id", "is wrong");
    rpc_call_add_violation(call, "task.name", "is wrong, too");
    rpc_call_set_reason(call, "TASK_BROKEN", "state", "KILLED");
    rpc_call_set_retry_ms(call, 2500);
    rpc_call_set_resource(call, "task", id);
    rpc_call_end(call, status_error(STATUS_FAILED_PRECONDITION, "task '%s' is broken", id), NULL);
}

struct wait_op {
    struct rpc_call *call;
    struct rpc_cancel cancel;
};

static void wait_cancelled(struct rpc_cancel *cancel)
{
    struct wait_op *op = container_of(cancel, struct wait_op, cancel);
    struct echo *echo = rpc_call_get_self(op->call);

    rpc_call_end(op->call, status_error(STATUS_UNAVAILABLE, "told to go"), NULL);
    event_add(&echo->cancelled);
}

static void wait_for_cancel(struct rpc_call *call, const ProtobufCMessage *message)
{
    struct echo *echo = rpc_call_get_self(call);
    struct wait_op *op = rpc_call_alloc(call, sizeof(*op));

    (void)message;
    op->call = call;
    op->cancel.on_cancel = wait_cancelled;
    rpc_call_set_cancel(call, &op->cancel);
    event_add(&echo->started);
}

static void hold(struct rpc_call *call, const ProtobufCMessage *message)
{
    struct echo *echo = rpc_call_get_self(call);

    (void)message;
    echo->held = call;
    event_add(&echo->started);
}

static void break_down(struct rpc_call *call, const ProtobufCMessage *message)
{
    (void)message;
    rpc_call_add_violation(call, "secret", "must not be seen");
    rpc_call_end(call, status_error(STATUS_INTERNAL, "the secret is 42"), NULL);
}

static void note_time(struct rpc_call *call, const ProtobufCMessage *message)
{
    struct echo *echo = rpc_call_get_self(call);

    echo->time_left_ms = rpc_call_get_time_left_ms(call);
    wait_for_cancel(call, message);
}

/* Opening and closing. */

static void open_all(struct echo *echo, const char *listen, const struct rpc_server_options *limits)
{
    static const struct rpc_service *const services[] = {&echo_service};
    struct rpc_server_options options = {
        .listen = listen,
        .services = services,
        .nservices = ARRAY_LEN(services),
        .self = echo,
        .max_message_bytes = limits ? limits->max_message_bytes : 0,
        .max_arena_bytes = limits ? limits->max_arena_bytes : 0,
        .max_total_bytes = limits ? limits->max_total_bytes : 0,
        .max_calls = limits ? limits->max_calls : 0,
        .max_carriers = limits ? limits->max_carriers : 0,
        .max_unread_bytes = limits ? limits->max_unread_bytes : 0,
        .gate = limits ? limits->gate : NULL,
        .tracer = limits ? limits->tracer : NULL,
    };
    struct status st = rpc_loop_create(2, &echo->loop);

    options.loop = echo->loop;
    if (st.code == STATUS_OK)
        st = rpc_server_create(&options, &echo->server);
    if (st.code != STATUS_OK) {
        (void)fprintf(stderr, "the fixture cannot start: %s\n", st.text);
        abort();
    }
    event_init(&echo->started);
    event_init(&echo->cancelled);
    echo->arena = arena_create(64 << 20);
}

void echo_open(struct echo *echo, const struct rpc_server_options *options)
{
    *echo = (struct echo){.folder = ""};
    open_all(echo, "127.0.0.1:0", options);
    (void)snprintf(echo->target, sizeof(echo->target), "127.0.0.1:%d",
                   rpc_server_get_port(echo->server));
    echo->channel = echo_connect(echo, echo->target);
}

void echo_open_unix(struct echo *echo, const struct rpc_server_options *options)
{
    *echo = (struct echo){.folder = "/tmp/sluice-rpc-XXXXXX"};
    if (!mkdtemp(echo->folder))
        abort();
    (void)snprintf(echo->target, sizeof(echo->target), "unix:%s/socket", echo->folder);
    open_all(echo, echo->target, options);
    echo->channel = echo_connect(echo, echo->target);
}

void echo_close(struct echo *echo)
{
    rpc_channel_close(echo->channel);
    rpc_server_destroy(echo->server);
    rpc_loop_destroy(echo->loop);
    arena_destroy(echo->arena);
    if (echo->folder[0] != '\0') {
        (void)unlink(echo->target + strlen("unix:"));
        (void)rmdir(echo->folder);
    }
}

struct rpc_channel *echo_connect(struct echo *echo, const char *target)
{
    struct rpc_channel_options options = {
        .target = target,
        .loop = echo->loop,
        .user_agent = "sluice-test/1",
    };

    return rpc_channel_open(&options);
}

/* Calling. */

static const ProtobufCMessageDescriptor *find_output(const char *method)
{
    return protobuf_c_service_descriptor_get_method_by_name(&pb__task_service__descriptor,
                                                            strrchr(method, '/') + 1)
        ->output;
}

struct status echo_call(struct echo *echo, const char *method, const char *id,
                        const ProtobufCMessage **ret_reply)
{
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;
    const ProtobufCMessage *reply;
    struct rpc_request wanted = {
        .channel = echo->channel,
        .method = method,
        .message = &request.base,
        .reply_type = find_output(method),
        .timeout_ms = 10000,
    };

    request.id = (char *)(uintptr_t)id; /* is only read */
    return rpc_client_call_wait(&wanted, echo->arena, ret_reply ? ret_reply : &reply);
}

static void pending_done(struct rpc_client_call *call, struct status st,
                         const ProtobufCMessage *reply)
{
    struct pending *pending = container_of(call, struct pending, call);
    struct str details = rpc_client_call_get_details(call);

    pending->st = st;
    pending->details_len =
        details.len < sizeof(pending->details) ? details.len : sizeof(pending->details);
    if (details.len > 0)
        memcpy(pending->details, details.data, pending->details_len);
    if (reply)
        (void)snprintf(pending->reply_id, sizeof(pending->reply_id), "%s",
                       ((const Pb__Task *)reply)->id);
    event_add(&pending->done);
}

static void start_pending(struct pending *pending, struct echo *echo, const char *method,
                          const char *id, unsigned timeout_ms)
{
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;

    pending->call.channel = echo->channel;
    pending->call.method = method;
    pending->call.reply_type = &pb__task__descriptor;
    pending->call.timeout_ms = timeout_ms;
    pending->call.on_done = pending_done;
    event_init(&pending->done);
    request.id = (char *)(uintptr_t)id; /* is only read */
    rpc_client_call_submit(&pending->call, &request.base);
}

void pending_start(struct pending *pending, struct echo *echo, const char *method, const char *id,
                   unsigned timeout_ms)
{
    *pending = (struct pending){.call = {.waits_for_ready = false}};
    start_pending(pending, echo, method, id, timeout_ms);
}

void pending_start_waiting(struct pending *pending, struct echo *echo, const char *method,
                           const char *id, unsigned timeout_ms)
{
    *pending = (struct pending){.call = {.waits_for_ready = true}};
    start_pending(pending, echo, method, id, timeout_ms);
}

void pending_start_with(struct pending *pending, struct echo *echo, const char *method,
                        const struct rpc_header *headers, size_t nheaders)
{
    *pending = (struct pending){.call = {.headers = headers, .nheaders = nheaders}};
    start_pending(pending, echo, method, "proc-1", 10000);
}

struct status pending_wait(struct pending *pending)
{
    if (!event_wait(&pending->done, 1))
        abort(); /* its memory would be used when it is gone */
    return pending->st;
}

static const struct rpc_method methods[] = {
    {"CreateTask", RPC_UNARY, note_time},         {"GetTask", RPC_UNARY, echo_id},
    {"ListTasks", RPC_SERVER_STREAM, list_tasks}, {"AbortTask", RPC_UNARY, fail},
    {"RetryTask", RPC_UNARY, wait_for_cancel},    {"DeleteTask", RPC_UNARY, hold},
    {"ListBadRows", RPC_UNARY, break_down},
};

enum { MAX_METHODS = 32 };

/* The methods above, and the service's others: they fail as ListBadRows does. */
static struct rpc_method all_methods[MAX_METHODS];

struct rpc_service echo_service = {
    .descriptor = &pb__task_service__descriptor,
    .methods = all_methods,
};

/* The contract grows; the tests of this room need not know of it. */
__attribute__((constructor)) static void fill_methods(void)
{
    const ProtobufCServiceDescriptor *descriptor = &pb__task_service__descriptor;

    if (descriptor->n_methods > MAX_METHODS)
        abort();
    for (unsigned i = 0; i < descriptor->n_methods; i++) {
        all_methods[i] = (struct rpc_method){descriptor->methods[i].name, RPC_UNARY, break_down};
        for (size_t k = 0; k < ARRAY_LEN(methods); k++) {
            if (strcmp(methods[k].name, all_methods[i].name) == 0)
                all_methods[i] = methods[k];
        }
    }
    echo_service.nmethods = descriptor->n_methods;
}
