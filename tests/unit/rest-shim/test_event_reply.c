/*
 * tests/unit/rest-shim/test_event_reply.c - server-sent events, from a gateway that the test plays to a real socket.
 */
#include "rest-shim/event_reply.h"

#include <netinet/in.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "http/server.h"
#include "rest-shim/shim.h"
#include "rpc/call.h"
#include "rpc/client.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "sluice/v1/task_service.pb-c.h"
#include "tests/harness/test.h"

enum { WAIT_MS = 20000, MAX_METHODS = 32, MAX_STREAMS = 2 };

/* The gateway, with all around it. */
struct fixture {
    struct rpc_loop *loop;
    struct rpc_server *gateway;
    struct rpc_channel *channel;
    struct shim *shim;
    struct http_server *http;
    atomic_int nended;  /* watches that are over */
    atomic_int nopened; /* watches that have begun */
    atomic_int nsent;   /* changes */
    char cursor[64];    /* of the last request; cut to fit */
    char long_name[8192];
};

/*
 * A watch. What it does stands in its filter, or its id: so many changes, of which 'e' is an event, 'p' progress, 's'
 * synced and 'c' current; then '.' for the end, '!' for an error, '*' for large changes without end, and '-' for silence.
 */
struct watch {
    struct rpc_call *call;
    struct fixture *f;
    struct rpc_send send;
    struct rpc_cancel cancel;
    const char *plan;
    unsigned nsent;
};

static void end_watch(struct watch *watch, struct status st)
{
    struct fixture *f = watch->f;

    rpc_call_end(watch->call, st, NULL);
    atomic_fetch_add(&f->nended, 1);
}

static void on_cancel(struct rpc_cancel *cancel)
{
    end_watch(container_of(cancel, struct watch, cancel),
              status_error(STATUS_UNAVAILABLE, "the gateway stops"));
}

static void send_change(struct watch *watch, Pb__TaskChangeType type)
{
    Pb__TaskChange change = PB__TASK_CHANGE__INIT;
    Pb__Task task = PB__TASK__INIT;
    char cursor[32];

    (void)snprintf(cursor, sizeof(cursor), "cursor-%u", ++watch->nsent);
    change.type = type;
    if (type != PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_CURRENT)
        change.cursor = cursor;
    task.id = (char *)(uintptr_t)"proc-1"; /* is only read */
    task.display_name = *watch->plan == '*' ? watch->f->long_name : (char *)(uintptr_t)"two\nlines";
    if (type != PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_SYNCED)
        change.task = &task;
    atomic_fetch_add(&watch->f->nsent, 1);
    rpc_call_send(watch->call, &change.base, &watch->send);
}

static void next(struct watch *watch)
{
    switch (*watch->plan) {
    case 'e':
        send_change(watch, PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_CHANGED);
        break;
    case 'p':
        send_change(watch, PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_PROGRESS);
        break;
    case 's':
        send_change(watch, PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_SYNCED);
        break;
    case 'c':
        send_change(watch, PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_CURRENT);
        break;
    case '*':
        send_change(watch, PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_CHANGED);
        watch->plan--;
        break;
    case '!':
        rpc_call_set_reason(watch->call, "CURSOR_EXPIRED", NULL, NULL);
        end_watch(watch, status_error(STATUS_OUT_OF_RANGE, "the cursor is too old"));
        return;
    case '-':
        watch->cancel.on_cancel = on_cancel;
        rpc_call_set_cancel(watch->call, &watch->cancel);
        return;
    default:
        end_watch(watch, status_ok());
        return;
    }
    watch->plan++;
}

static void on_sent(struct rpc_send *send, bool ok)
{
    struct watch *watch = container_of(send, struct watch, send);

    if (ok && !rpc_call_is_cancelled(watch->call))
        next(watch);
    else
        end_watch(watch, status_error(STATUS_CANCELLED, "nobody listens"));
}

static void start_watch(struct rpc_call *call, const char *plan, const char *cursor)
{
    struct fixture *f = rpc_call_get_self(call);
    struct watch *watch = rpc_call_alloc(call, sizeof(*watch));

    watch->call = call;
    watch->f = f;
    watch->send.on_sent = on_sent;
    watch->plan = plan;
    (void)snprintf(f->cursor, sizeof(f->cursor), "%s", cursor);
    atomic_fetch_add(&f->nopened, 1);
    next(watch);
}

static void watch_tasks(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__WatchTasksRequest *request = (const Pb__WatchTasksRequest *)message;

    start_watch(call, request->filter, request->cursor);
}

static void watch_task(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__WatchTaskRequest *request = (const Pb__WatchTaskRequest *)message;

    start_watch(call, request->id, request->cursor);
}

static void play_no_other(struct rpc_call *call, const ProtobufCMessage *message)
{
    (void)message;
    rpc_call_end(call, status_error(STATUS_UNIMPLEMENTED, "not played"), NULL);
}

static void open_gateway(struct fixture *f)
{
    const ProtobufCServiceDescriptor *descriptor = &pb__task_service__descriptor;
    static struct rpc_method methods[MAX_METHODS];
    static struct rpc_service service = {.methods = methods};
    static const struct rpc_service *const services[] = {&service};

    check(descriptor->n_methods <= MAX_METHODS);
    service.descriptor = descriptor;
    service.nmethods = descriptor->n_methods;
    for (unsigned i = 0; i < descriptor->n_methods; i++) {
        const char *name = descriptor->methods[i].name;
        methods[i] = (struct rpc_method){name, RPC_UNARY, play_no_other};
        if (strcmp(name, "WatchTasks") == 0)
            methods[i] = (struct rpc_method){name, RPC_SERVER_STREAM, watch_tasks};
        if (strcmp(name, "WatchTask") == 0)
            methods[i] = (struct rpc_method){name, RPC_SERVER_STREAM, watch_task};
    }
    check_status(rpc_loop_create(1, &f->loop), STATUS_OK);
    check_status(rpc_server_create(&(struct rpc_server_options){.listen = "127.0.0.1:0",
                                                                .loop = f->loop,
                                                                .services = services,
                                                                .nservices = 1,
                                                                .self = f},
                                   &f->gateway),
                 STATUS_OK);
}

static void open_fixture(struct fixture *f)
{
    char target[32];

    *f = (struct fixture){.cursor = ""};
    memset(f->long_name, 'x', sizeof(f->long_name) - 1);
    open_gateway(f);
    (void)snprintf(target, sizeof(target), "127.0.0.1:%d", rpc_server_get_port(f->gateway));
    f->channel = rpc_channel_open(&(struct rpc_channel_options){.target = target, .loop = f->loop});
    f->shim = shim_create(&(struct shim_options){
        .channel = f->channel, .timeout_ms = WAIT_MS, .max_event_streams = MAX_STREAMS});
    check_status(
        http_server_create(&(struct http_server_options){.listen = "127.0.0.1:0",
                                                         .handler = shim_get_handler(f->shim),
                                                         .head_wait_ms = 50,
                                                         .idle_ms = 50},
                           &f->http),
        STATUS_OK);
}

static void close_fixture(struct fixture *f)
{
    http_server_destroy(f->http);
    shim_destroy(f->shim);
    rpc_channel_close(f->channel);
    rpc_server_destroy(f->gateway);
    rpc_loop_destroy(f->loop);
}

static void wait_for(const atomic_int *count, int wanted)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + WAIT_MS;

    while (atomic_load(count) < wanted && clock_get_monotonic_ms() < deadline_ms)
        (void)usleep(1000);
    check_int(atomic_load(count), wanted);
}

/* Clients. */

static int ask(const struct fixture *f, const char *target, const char *headers)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)http_server_get_port(f->http)),
                             .sin_addr = {htonl(INADDR_LOOPBACK)}};
    char request[512];

    int len =
        snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: x\r\n%s\r\n", target, headers);
    check_int(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    check_int(send(fd, request, (size_t)len, 0), len);
    return fd;
}

/* Reads until text has come, or the end of the connection. */
static bool read_until(int fd, const char *text, struct buf *ret)
{
    char part[4096];

    for (;;) {
        if (text && strstr(buf_get_text(ret), text))
            return true;
        ssize_t n = recv(fd, part, sizeof(part), 0);
        if (n <= 0)
            return false;
        buf_append(ret, part, (size_t)n);
    }
}

/* A whole reply, to be freed by buf_deinit. */
static struct buf get(const struct fixture *f, const char *target, const char *headers)
{
    struct buf reply = {0};
    int fd = ask(f, target, headers);

    (void)read_until(fd, NULL, &reply);
    (void)close(fd);
    return reply;
}

static bool has(const struct buf *text, const char *part)
{
    return strstr(buf_get_text(text), part) != NULL;
}

#define CLOSE "Connection: close\r\n"

test(changes_are_events_with_their_cursor_as_id)
{
    struct fixture f;

    open_fixture(&f);
    struct buf reply = get(&f, "/v1/tasks:watch?filter=csep.", CLOSE);
    check(has(&reply, "HTTP/1.1 200 OK\r\n"));
    check(has(&reply, "Content-Type: text/event-stream\r\n"));
    check(has(&reply, "Cache-Control: no-store\r\n"));
    check(has(&reply, "retry: 2000\nevent: current\ndata: {\"type\":\"TASK_CHANGE_TYPE_CURRENT\","
                      "\"task\":{\"id\":\"proc-1\",\"displayName\":\"two\\nlines\"}}\n\n"));
    check(has(&reply, "id: cursor-2\nevent: synced\ndata: {\"type\":\"TASK_CHANGE_TYPE_SYNCED\","
                      "\"cursor\":\"cursor-2\"}\n\n"));
    check(has(&reply, "id: cursor-3\nevent: changed\ndata: {"));
    check(has(&reply, "id: cursor-4\nevent: progress\ndata: {"));
    check(has(&reply, "\r\n0\r\n\r\n"));
    check(strstr(strstr(buf_get_text(&reply), "retry:") + 1, "retry:") == NULL);
    buf_deinit(&reply);
    reply = get(&f, "/v1/tasks/e.:watch", CLOSE);
    check(has(&reply, "id: cursor-1\nevent: changed\n"));
    buf_deinit(&reply);
    close_fixture(&f);
}

test(an_id_wins_over_a_cursor)
{
    static const char *const cases[][3] = {
        {"/v1/tasks:watch?filter=.", "", ""},
        {"/v1/tasks:watch?filter=.&cursor=old", "", "old"},
        {"/v1/tasks/.:watch?cursor=old", "Last-Event-ID: new\r\n", "new"},
        {"/v1/tasks:watch?filter=.", "Last-Event-ID: new\r\n", "new"},
        {"/v1/tasks:watch?filter=.&cursor=old", "Last-Event-ID:\r\n", "old"},
    };
    struct fixture f;

    open_fixture(&f);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char headers[128];
        (void)snprintf(headers, sizeof(headers), "%s" CLOSE, cases[i][1]);
        struct buf reply = get(&f, cases[i][0], headers);
        check(has(&reply, "HTTP/1.1 200 OK\r\n"));
        check_str(f.cursor, cases[i][2]);
        buf_deinit(&reply);
    }
    close_fixture(&f);
}

test(an_error_at_first_is_an_ordinary_reply)
{
    struct fixture f;

    open_fixture(&f);
    struct buf reply = get(&f, "/v1/tasks:watch?filter=!", CLOSE);
    check(has(&reply, "HTTP/1.1 400 Bad Request\r\n"));
    check(has(&reply, "Content-Type: application/json\r\n"));
    check(has(&reply, "{\"error\":{\"code\":"));
    check(has(&reply, "\"status\":\"OUT_OF_RANGE\",\"message\":\"the cursor is too old\""));
    check(has(&reply, "CURSOR_EXPIRED"));
    buf_deinit(&reply);
    reply = get(&f, "/v1/tasks:watch?nope=1", CLOSE);
    check(has(&reply, "HTTP/1.1 400 Bad Request\r\n"));
    buf_deinit(&reply);
    rpc_server_stop(f.gateway, 0);
    reply = get(&f, "/v1/tasks:watch", CLOSE);
    check(has(&reply, "HTTP/1.1 503 Service Unavailable\r\n"));
    check(has(&reply, "\"the gateway cannot be reached\""));
    buf_deinit(&reply);
    close_fixture(&f);
}

test(an_error_later_is_an_event)
{
    struct fixture f;

    open_fixture(&f);
    struct buf reply = get(&f, "/v1/tasks:watch?filter=e!", CLOSE);
    check(has(&reply, "HTTP/1.1 200 OK\r\n"));
    check(has(&reply, "event: changed\n"));
    check(has(&reply, "event: error\ndata: {\"error\":{\"code\":"));
    check(has(&reply, "\"message\":\"the cursor is too old\""));
    check(has(&reply, "\n\n\r\n0\r\n\r\n"));
    buf_deinit(&reply);
    close_fixture(&f);
}

test(silence_is_filled_with_comments)
{
    struct fixture f;
    struct buf reply = {0};

    open_fixture(&f);
    int fd = ask(&f, "/v1/tasks:watch?filter=-", "");
    check(read_until(fd, ": still here\n\n", &reply));
    check(has(&reply, "HTTP/1.1 200 OK\r\n"));
    buf_clear(&reply);
    check(read_until(fd, ": still here\n\n", &reply));
    (void)close(fd);
    buf_deinit(&reply);
    close_fixture(&f);
}

test(a_client_that_goes_away_ends_the_watch)
{
    static const char *const targets[] = {"/v1/tasks:watch?filter=e-", "/v1/tasks:watch?filter=*",
                                          "/v1/tasks:watch?filter=-"};
    struct fixture f;
    struct buf reply = {0};

    open_fixture(&f);
    for (size_t i = 0; i < ARRAY_LEN(targets); i++) {
        int fd = ask(&f, targets[i], "");
        check(read_until(fd, "\n\n", &reply));
        (void)close(fd);
        wait_for(&f.nended, (int)i + 1);
        buf_clear(&reply);
    }
    buf_deinit(&reply);
    close_fixture(&f);
}

test(a_client_that_does_not_read_holds_up_the_gateway)
{
    struct fixture f;
    int64_t deadline_ms = clock_get_monotonic_ms() + WAIT_MS;
    int before, now = 0;

    open_fixture(&f);
    int fd = ask(&f, "/v1/tasks:watch?filter=*", "");
    do {
        before = now;
        (void)usleep(500 * 1000); /* what is waited for is that nothing happens */
        now = atomic_load(&f.nsent);
    } while ((now == 0 || now != before) && clock_get_monotonic_ms() < deadline_ms);
    check(now > 0);
    check_int(now, before);
    (void)close(fd);
    wait_for(&f.nended, 1);
    close_fixture(&f);
}

test(more_streams_than_may_be_are_refused)
{
    struct fixture f;
    struct buf reply = {0};
    int fds[MAX_STREAMS];

    open_fixture(&f);
    for (size_t i = 0; i < MAX_STREAMS; i++)
        fds[i] = ask(&f, "/v1/tasks:watch?filter=-", "");
    wait_for(&f.nopened, MAX_STREAMS);
    struct buf refused = get(&f, "/v1/tasks:watch?filter=-", CLOSE);
    check(has(&refused, "HTTP/1.1 503 Service Unavailable\r\n"));
    check(has(&refused, "Retry-After: 10\r\n"));
    check(has(&refused, "2 streams of events are open"));
    check_int(atomic_load(&f.nopened), MAX_STREAMS);
    buf_deinit(&refused);
    for (size_t i = 0; i < MAX_STREAMS; i++)
        (void)close(fds[i]);
    wait_for(&f.nended, MAX_STREAMS);
    do { /* their places are given back a little later */
        buf_deinit(&reply);
        reply = get(&f, "/v1/tasks:watch?filter=e.", CLOSE);
    } while (has(&reply, "503"));
    check(has(&reply, "event: changed\n"));
    buf_deinit(&reply);
    close_fixture(&f);
}

test(a_stop_ends_streams_and_says_so)
{
    struct fixture f;
    struct buf reply = {0};

    open_fixture(&f);
    int fd = ask(&f, "/v1/tasks:watch?filter=e-", "");
    check(read_until(fd, "event: changed\n", &reply));
    http_server_stop(f.http, WAIT_MS);
    check(!read_until(fd, NULL, &reply));
    check(has(&reply, "event: error\ndata: {\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\","
                      "\"message\":\"this server stops; ask again\"}}\n\n"));
    check(has(&reply, "\r\n0\r\n\r\n"));
    (void)close(fd);
    wait_for(&f.nended, 1);
    buf_deinit(&reply);
    close_fixture(&f);
}

test(a_gateway_that_stops_ends_streams_and_says_so)
{
    struct fixture f;
    struct buf reply = {0};

    open_fixture(&f);
    int fd = ask(&f, "/v1/tasks:watch?filter=e-", CLOSE);
    check(read_until(fd, "event: changed\n", &reply));
    rpc_server_stop(f.gateway, WAIT_MS);
    check(!read_until(fd, NULL, &reply));
    check(has(&reply, "event: error\ndata: {\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\","
                      "\"message\":\"the gateway stops\""));
    (void)close(fd);
    buf_deinit(&reply);
    close_fixture(&f);
}
