/*
 * Servers that take what they are sent, or not even that, and say nothing. They are sockets that nobody accepts from: the system
 * completes connections until the queue is full, and keeps what is sent until its buffer is.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "hbase/connection.h"
#include "hbase/hbase.pb-c.h"
#include "tests/harness/test.h"

enum {
    LONG_MS = 60 * 1000,
    SHORT_MS = 300,
    STOP_MS = LONG_MS / 3, /* that a stop may take at most: 100 ms, and what a busy machine adds */
    BLOCK_BYTES = 64 * 1024 * 1024,
    NFILLERS = 8,
};

struct fixture {
    int fd;
    int port;
    int fillers[NFILLERS];
    struct stop stop;
    struct hbase_connection *connection;
};

static void listen_only(struct fixture *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    *f = (struct fixture){.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    check(bind(f->fd, (struct sockaddr *)&address, len) == 0);
    check(listen(f->fd, 1) == 0);
    check(getsockname(f->fd, (struct sockaddr *)&address, &len) == 0);
    f->port = ntohs(address.sin_port);
}

static struct status open_connection(struct fixture *f, int64_t timeout_ms)
{
    const struct hbase_connection_options options = {
        .host = "127.0.0.1",
        .port = f->port,
        .service = "ClientService",
        .auth = HBASE_AUTH_SIMPLE,
        .user = "sluice",
        .stop = &f->stop,
    };

    return hbase_connection_open(&options, clock_get_monotonic_ms() + timeout_ms, &f->connection);
}

static void close_fixture(struct fixture *f)
{
    hbase_connection_close(f->connection);
    (void)close(f->fd);
}

static void start(struct fixture *f, size_t block_bytes, int64_t timeout_ms,
                  struct hbase_call **ret)
{
    static const Hb__Empty empty = HB__EMPTY__INIT;
    char *block = mem_alloc(block_bytes + 1);
    const struct hbase_request request = {.method = "Multi",
                                          .message = &empty.base,
                                          .block = {block, block_bytes},
                                          .reply = &hb__empty__descriptor,
                                          .timeout_ms = timeout_ms};

    hbase_call_start(f->connection, &request, ret);
    mem_free(block);
}

static void check_fault(struct hbase_call *call, enum hbase_action action, enum status_code code)
{
    struct hbase_reply reply;
    struct hbase_fault fault = {0};

    check(!hbase_call_wait(call, &reply, &fault));
    check_int(fault.action, action);
    check_status(fault.status, code);
}

/* Connections that nobody accepts, more than the queue takes. */
static void fill_queue(struct fixture *f)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                  .sin_port = htons((uint16_t)f->port)};

    for (unsigned i = 0; i < NFILLERS; i++) {
        f->fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        (void)connect(f->fillers[i], (struct sockaddr *)&address, sizeof(address));
    }
}

static void drop_fillers(struct fixture *f)
{
    for (unsigned i = 0; i < NFILLERS; i++)
        (void)close(f->fillers[i]);
}

test(a_server_that_does_not_accept_has_until_the_deadline)
{
    struct fixture f;

    listen_only(&f);
    fill_queue(&f);
    check_status(open_connection(&f, SHORT_MS), STATUS_DEADLINE_EXCEEDED);
    drop_fillers(&f);
    close_fixture(&f);
}

static void *request_stop(void *arg)
{
    stop_request(&((struct fixture *)arg)->stop);
    return NULL;
}

test(a_stop_ends_connecting)
{
    struct fixture f;
    pthread_t thread;
    int64_t begin_ms = clock_get_monotonic_ms();

    listen_only(&f);
    fill_queue(&f);
    check_status(thread_start("stopper", request_stop, &f, &thread), STATUS_OK);
    check_status(open_connection(&f, LONG_MS), STATUS_CANCELLED);
    check(clock_get_monotonic_ms() - begin_ms < STOP_MS);
    pthread_join(thread, NULL);
    drop_fillers(&f);
    close_fixture(&f);
}

test(a_frame_that_is_sent_in_part_ends_the_connection)
{
    struct fixture f;
    struct hbase_call *small, *large, *later;

    listen_only(&f);
    check_status(open_connection(&f, LONG_MS), STATUS_OK);
    start(&f, 1, LONG_MS, &small);
    start(&f, BLOCK_BYTES, SHORT_MS, &large);
    check_fault(large, HBASE_ACTION_RECONNECT, STATUS_DEADLINE_EXCEEDED);
    check(!hbase_connection_is_alive(f.connection));
    check_fault(small, HBASE_ACTION_RECONNECT, STATUS_DEADLINE_EXCEEDED);
    start(&f, 1, LONG_MS, &later);
    check_fault(later, HBASE_ACTION_RECONNECT, STATUS_DEADLINE_EXCEEDED);
    close_fixture(&f);
}

test(a_stop_ends_sending)
{
    struct fixture f;
    pthread_t thread;
    struct hbase_call *call;
    int64_t begin_ms = clock_get_monotonic_ms();

    listen_only(&f);
    check_status(open_connection(&f, LONG_MS), STATUS_OK);
    check_status(thread_start("stopper", request_stop, &f, &thread), STATUS_OK);
    start(&f, BLOCK_BYTES, LONG_MS, &call);
    check_fault(call, HBASE_ACTION_FAIL, STATUS_CANCELLED);
    check(clock_get_monotonic_ms() - begin_ms < STOP_MS);
    pthread_join(thread, NULL);
    close_fixture(&f);
}

static void *send_large(void *arg)
{
    struct hbase_call *call;

    start(arg, BLOCK_BYTES, LONG_MS, &call);
    return call;
}

test(who_waits_for_a_turn_to_send_has_a_deadline_too)
{
    struct fixture f;
    pthread_t thread;
    struct hbase_call *call;
    void *large;

    listen_only(&f);
    check_status(open_connection(&f, LONG_MS), STATUS_OK);
    check_status(thread_start("sender", send_large, &f, &thread), STATUS_OK);
    for (unsigned i = 0; i < 3; i++) { /* the last ones at least find that one at it */
        start(&f, 1, SHORT_MS, &call);
        check_fault(call, HBASE_ACTION_RECONNECT, STATUS_DEADLINE_EXCEEDED);
        check(hbase_connection_is_alive(f.connection));
    }
    stop_request(&f.stop);
    pthread_join(thread, &large);
    check_fault(large, HBASE_ACTION_FAIL, STATUS_CANCELLED);
    close_fixture(&f);
}

test(a_connection_that_says_nothing_for_long_is_given_up)
{
    struct fixture f;
    struct hbase_call *first, *last;

    listen_only(&f);
    check_status(open_connection(&f, LONG_MS), STATUS_OK);
    start(&f, 1, SHORT_MS, &first);
    check_fault(first, HBASE_ACTION_RECONNECT, STATUS_DEADLINE_EXCEEDED);
    check(hbase_connection_is_alive(f.connection));
    start(&f, 1, HBASE_MAX_SILENCE_MS, &last);
    check_fault(last, HBASE_ACTION_RECONNECT, STATUS_DEADLINE_EXCEEDED);
    check(!hbase_connection_is_alive(f.connection));
    close_fixture(&f);
}
