/*
 * hbase/connection.c - many calls on one connection.
 *
 * A call is in the connection's table from before it is sent until it is answered, fails or is given up; what is in the table is
 * reached by the reader thread, what is not belongs to the caller alone. Answers are unpacked by who waits for
 * them, so that the reader is free for the next one. Nobody needs a timer: who waits looks at the clock.
 */
#include "hbase/connection.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/thread.h"
#include "hbase/counts.h"
#include "hbase/frame.h"
#include "hbase/input.h"
#include "hbase/message.h"
#include "hbase/socket.h"

enum {
    NBUCKETS = 256,
    NAME_BYTES = HBASE_MAX_HOST_BYTES + 8,
    WAIT_MS = 100, /* so often a stop is looked for */
};

/* An answer's frame, and what was unpacked of it. */
struct received {
    char *frame;
    struct arena *arena;
    struct hbase_answer answer;
};

struct hbase_connection {
    char name[NAME_BYTES]; /* "host:port" */
    char *service;
    const struct stop *stop;
    const struct hbase_counts *counts;
    int fd;
    bool has_reader;
    pthread_t reader;
    struct hbase_input input; /* the reader's */

    pthread_mutex_t mutex; /* guards all below, and the calls in the table */
    pthread_cond_t sent;   /* one may be sent, perhaps, or the connection has failed */
    bool is_sending;       /* one caller writes its frame */
    unsigned nlimited;     /* calls in the table that have a limit */
    bool is_failed;
    struct hbase_fault fault; /* why */
    bool has_answered;        /* anything at all */
    bool owes_answer;
    int64_t silent_since_ms; /* if it owes one: since when it does, or the last answer came */
    uint32_t last_id;
    struct list calls[NBUCKETS]; /* by id */
    size_t ncalls;
};

struct hbase_call {
    struct hbase_connection *connection;
    const char *method;
    const ProtobufCMessageDescriptor *reply;
    uint32_t id;
    unsigned max_in_flight; /* of calls that have a limit; 0: it has none */
    int64_t timeout_ms;
    int64_t deadline_ms;
    pthread_cond_t done;

    struct list link; /* in the connection's table, until the call is done or given up */
    bool is_done;
    struct received *received; /* NULL: it failed */
    struct hbase_fault fault;
};

static void received_free(struct received *received)
{
    if (!received)
        return;
    arena_destroy(received->arena);
    mem_free(received->frame);
    mem_free(received);
}

/* The connection's mutex is held by the caller of these. */

static void table_add(struct hbase_connection *connection, struct hbase_call *call)
{
    list_add_last(&connection->calls[call->id % NBUCKETS], &call->link);
    connection->ncalls++;
    connection->nlimited += call->max_in_flight > 0;
}

static void table_remove(struct hbase_connection *connection, struct hbase_call *call)
{
    if (!call->link.next)
        return;
    list_remove(&call->link);
    connection->ncalls--;
    if (call->max_in_flight > 0) {
        connection->nlimited--;
        (void)pthread_cond_broadcast(&connection->sent);
    }
}

static struct hbase_call *table_find(struct hbase_connection *connection, uint32_t id)
{
    struct list *link;

    list_for_each (link, &connection->calls[id % NBUCKETS]) {
        struct hbase_call *call = container_of(link, struct hbase_call, link);
        if (call->id == id)
            return call;
    }
    return NULL;
}

static void end_call(struct hbase_connection *connection, struct hbase_call *call,
                     struct received *received, const struct hbase_fault *fault)
{
    table_remove(connection, call);
    call->received = received;
    if (fault)
        call->fault = *fault;
    call->is_done = true;
    pthread_cond_signal(&call->done);
}

/* The first failure is the one that is told. Any thread; the mutex is not held. */
static void fail(struct hbase_connection *connection, const struct hbase_fault *fault)
{
    pthread_mutex_lock(&connection->mutex);
    if (!connection->is_failed)
        connection->fault = *fault;
    connection->is_failed = true;
    for (size_t i = 0; i < NBUCKETS; i++) {
        struct list *calls = &connection->calls[i];

        while (!list_is_empty(calls))
            end_call(connection, container_of(calls->next, struct hbase_call, link), NULL,
                     &connection->fault);
    }
    pthread_cond_broadcast(&connection->sent);
    pthread_mutex_unlock(&connection->mutex);
    /* Wakes who reads, and who writes. */
    (void)shutdown(connection->fd, SHUT_RDWR);
}

static void fail_by_status(struct hbase_connection *connection, struct status st)
{
    struct hbase_fault fault;

    hbase_fault_from_status(st, &fault);
    fail(connection, &fault);
}

static struct status name_server(const struct hbase_connection *connection, struct status st)
{
    return status_error(st.code, "%s: %s", connection->name, st.text);
}

/* ---- The reader's thread ---- */

static struct status read_frame(struct hbase_connection *connection, struct received **ret)
{
    char head[HBASE_FRAME_LENGTH_BYTES];
    size_t len;
    struct status st = hbase_input_take(&connection->input, head, sizeof(head));

    if (st.code == STATUS_OK)
        st = hbase_frame_read_length(head, &len);
    if (st.code != STATUS_OK)
        return st;

    struct received *received = mem_alloc(sizeof(*received));
    received->frame = mem_realloc_array(NULL, len, 1); /* not zeroed: it is filled at once */
    received->arena = arena_create(HBASE_MAX_MESSAGE_BYTES);
    st = hbase_input_take(&connection->input, received->frame, len);
    if (st.code == STATUS_OK)
        st = hbase_frame_read_answer(str_from_bytes(received->frame, len), received->arena,
                                     &received->answer);
    if (st.code == STATUS_OK)
        *ret = received;
    else
        received_free(received);
    return st;
}

static void read_exception(const struct hbase_connection *connection,
                           const Hb__ExceptionResponse *exception, struct hbase_fault *ret)
{
    hbase_fault_read(str_from(exception->exception_class_name), str_from(exception->stack_trace),
                     exception->do_not_retry, connection->name, ret);
}

/* Gives the answer to its call; if that was given up, to nobody. */
static void deliver(struct hbase_connection *connection, struct received *received)
{
    pthread_mutex_lock(&connection->mutex);
    struct hbase_call *call = table_find(connection, received->answer.call_id);
    if (call)
        end_call(connection, call, received, NULL);
    connection->has_answered = true;
    connection->owes_answer = connection->ncalls > 0;
    connection->silent_since_ms = clock_get_monotonic_ms();
    pthread_mutex_unlock(&connection->mutex);
    if (!call)
        received_free(received);
}

/* A server that refuses the hello closes the connection, some with a reset; the reason is in its log only. */
static struct status explain_end(struct hbase_connection *connection, struct status st)
{
    pthread_mutex_lock(&connection->mutex);
    bool has_answered = connection->has_answered;
    pthread_mutex_unlock(&connection->mutex);
    if (st.code != STATUS_UNAVAILABLE || has_answered)
        return name_server(connection, st);
    return status_error(STATUS_UNAVAILABLE,
                        "%s closed the connection without an answer: it does not offer %s, or is "
                        "stopping",
                        connection->name, connection->service);
}

static void *run_reader(void *arg)
{
    struct hbase_connection *connection = arg;

    for (;;) {
        struct received *received = NULL;
        struct status st = read_frame(connection, &received);

        if (st.code != STATUS_OK) {
            fail_by_status(connection, explain_end(connection, st));
            return NULL;
        }
        if (received->answer.call_id == (uint32_t)HBASE_FRAME_NO_CALL &&
            received->answer.exception) {
            struct hbase_fault fault;

            read_exception(connection, received->answer.exception, &fault);
            received_free(received);
            fail(connection, &fault);
            return NULL;
        }
        deliver(connection, received);
    }
}

/* ---- Sending ---- */

static int64_t get_next_look_ms(int64_t deadline_ms)
{
    int64_t look_ms = clock_get_monotonic_ms() + WAIT_MS;

    return look_ms < deadline_ms ? look_ms : deadline_ms;
}

static bool is_over(const struct hbase_call *call)
{
    return stop_is_requested(call->connection->stop) ||
           clock_get_monotonic_ms() >= call->deadline_ms;
}

/* The mutex is held. */
static bool is_held_up(const struct hbase_call *call)
{
    const struct hbase_connection *connection = call->connection;

    return connection->is_sending ||
           (call->max_in_flight > 0 && connection->nlimited >= call->max_in_flight);
}

/* Registers the call and takes the turn to write. False: it is done, or over, already; nothing is to be sent. */
static bool begin_send(struct hbase_connection *connection, struct hbase_call *call)
{
    pthread_mutex_lock(&connection->mutex);
    while (is_held_up(call) && !connection->is_failed && !is_over(call))
        thread_wait_until(&connection->sent, &connection->mutex,
                          get_next_look_ms(call->deadline_ms));
    bool is_begun = !connection->is_failed && !is_over(call);
    if (connection->is_failed) {
        call->is_done = true;
        call->fault = connection->fault;
    }
    if (is_begun) {
        connection->is_sending = true;
        connection->last_id = connection->last_id % INT32_MAX + 1;
        call->id = connection->last_id;
        call->deadline_ms = clock_get_monotonic_ms() + call->timeout_ms;
        table_add(connection, call);
        if (!connection->owes_answer)
            connection->silent_since_ms = clock_get_monotonic_ms();
        connection->owes_answer = true;
    }
    pthread_mutex_unlock(&connection->mutex);
    return is_begun;
}

static void end_send(struct hbase_connection *connection)
{
    pthread_mutex_lock(&connection->mutex);
    connection->is_sending = false;
    (void)pthread_cond_broadcast(&connection->sent);
    pthread_mutex_unlock(&connection->mutex);
}

static void send_request(struct hbase_connection *connection, const struct hbase_call *call,
                         const struct hbase_request *request)
{
    struct buf head = {0};
    size_t nsent;

    hbase_frame_write_request(&head, call->id, request);
    struct iovec parts[] = {
        {head.data, head.len},
        {(void *)(uintptr_t)request->block.data, request->block.len},
    };
    struct status st = hbase_socket_send(connection->fd, parts, ARRAY_LEN(parts), connection->stop,
                                         call->deadline_ms, &nsent);
    /*
     * A frame that is sent in part is the end of the connection; one that is not sent at all, of the call. Why the
     * connection is lost the reader finds out: the server may have said so.
     */
    if (st.code == STATUS_UNAVAILABLE)
        (void)shutdown(connection->fd, SHUT_RDWR);
    else if (st.code != STATUS_OK && nsent > 0)
        fail_by_status(connection, name_server(connection, st));
    buf_deinit(&head);
}

void hbase_call_start(struct hbase_connection *connection, const struct hbase_request *request,
                      struct hbase_call **ret)
{
    struct hbase_call *call = mem_alloc(sizeof(*call));

    call->connection = connection;
    call->method = request->method;
    call->reply = request->reply;
    call->max_in_flight = request->max_in_flight;
    call->timeout_ms = request->timeout_ms;
    call->deadline_ms = clock_get_monotonic_ms() + request->timeout_ms;
    thread_init_condition(&call->done);
    if (begin_send(connection, call)) {
        send_request(connection, call, request);
        end_send(connection);
    }
    *ret = call;
}

/* ---- Waiting ---- */

bool hbase_call_is_done(struct hbase_call *call)
{
    pthread_mutex_lock(&call->connection->mutex);
    bool is_done = call->is_done || is_over(call);
    pthread_mutex_unlock(&call->connection->mutex);
    return is_done;
}

/* Why a call is given up. Sets *ret_is_silent if the connection is to be, too. The mutex is held. */
static struct status explain_over(const struct hbase_call *call, bool *ret_is_silent)
{
    const struct hbase_connection *connection = call->connection;

    if (stop_is_requested(connection->stop))
        return status_error(STATUS_CANCELLED, "stop was requested");
    *ret_is_silent = connection->owes_answer &&
                     clock_get_monotonic_ms() - connection->silent_since_ms >= HBASE_MAX_SILENCE_MS;
    return status_error(STATUS_DEADLINE_EXCEEDED, "%s: no answer to %s within %lld ms",
                        connection->name, call->method, (long long)call->timeout_ms);
}

/* Waits until the call is done, or over; then nobody else knows it any more. */
static void wait_done(struct hbase_call *call)
{
    struct hbase_connection *connection = call->connection;
    bool is_silent = false;

    pthread_mutex_lock(&connection->mutex);
    while (!call->is_done && !is_over(call))
        thread_wait_until(&call->done, &connection->mutex, get_next_look_ms(call->deadline_ms));
    table_remove(connection, call);
    if (!call->is_done)
        hbase_fault_from_status(explain_over(call, &is_silent), &call->fault);
    pthread_mutex_unlock(&connection->mutex);
    if (is_silent)
        fail(connection, &call->fault);
}

static void call_free(struct hbase_call *call)
{
    (void)pthread_cond_destroy(&call->done);
    received_free(call->received);
    mem_free(call);
}

/* Unpacks what was received; *ret takes it. */
static bool read_reply(struct hbase_call *call, struct hbase_reply *ret,
                       struct hbase_fault *ret_fault)
{
    struct received *received = call->received;
    ProtobufCMessage *message;

    if (received->answer.exception) {
        read_exception(call->connection, received->answer.exception, ret_fault);
        return false;
    }
    struct status st =
        hbase_message_read(received->answer.message, call->reply, received->arena, &message);
    if (st.code != STATUS_OK) {
        hbase_fault_from_status(name_server(call->connection, st), ret_fault);
        return false;
    }
    *ret = (struct hbase_reply){message, received->answer.block, received};
    call->received = NULL;
    return true;
}

bool hbase_call_wait(struct hbase_call *call, struct hbase_reply *ret,
                     struct hbase_fault *ret_fault)
{
    bool is_ok = false;

    wait_done(call);
    if (call->received)
        is_ok = read_reply(call, ret, ret_fault);
    else
        *ret_fault = call->fault;
    if (call->connection->counts)
        hbase_counts_note_call(call->connection->counts, is_ok ? NULL : ret_fault);
    call_free(call);
    return is_ok;
}

void hbase_call_cancel(struct hbase_call *call)
{
    if (!call)
        return;
    pthread_mutex_lock(&call->connection->mutex);
    table_remove(call->connection, call);
    pthread_mutex_unlock(&call->connection->mutex);
    call_free(call);
}

void hbase_reply_free(struct hbase_reply *reply)
{
    received_free(reply->memory);
    *reply = (struct hbase_reply){0};
}

/* ---- The connection ---- */

bool hbase_connection_is_alive(struct hbase_connection *connection)
{
    pthread_mutex_lock(&connection->mutex);
    bool is_alive = !connection->is_failed;
    pthread_mutex_unlock(&connection->mutex);
    return is_alive;
}

static struct status say_hello(struct hbase_connection *connection, const char *user,
                               int64_t deadline_ms)
{
    struct buf hello = {0};
    size_t nsent;

    hbase_frame_write_hello(&hello, connection->service, user);
    struct iovec part = {hello.data, hello.len};
    struct status st =
        hbase_socket_send(connection->fd, &part, 1, connection->stop, deadline_ms, &nsent);
    buf_deinit(&hello);
    return st.code == STATUS_OK || st.code == STATUS_CANCELLED ? st : name_server(connection, st);
}

static struct hbase_connection *create(const struct hbase_connection_options *options, int fd)
{
    struct hbase_connection *connection = mem_alloc(sizeof(*connection));

    (void)snprintf(connection->name, sizeof(connection->name), "%s:%d", options->host,
                   options->port);
    connection->service = mem_copy_str(str_from(options->service));
    connection->stop = options->stop;
    connection->counts = options->counts;
    connection->fd = fd;
    hbase_input_init(&connection->input, fd);
    (void)pthread_mutex_init(&connection->mutex, NULL);
    thread_init_condition(&connection->sent);
    for (size_t i = 0; i < NBUCKETS; i++)
        list_init(&connection->calls[i]);
    return connection;
}

struct status hbase_connection_open(const struct hbase_connection_options *options,
                                    int64_t deadline_ms, struct hbase_connection **ret)
{
    const struct hbase_address to = {options->host, options->address, options->port};
    int fd;

    assert(options->auth == HBASE_AUTH_SIMPLE);
    struct status st = hbase_socket_connect(&to, options->stop, deadline_ms, &fd);
    if (st.code != STATUS_OK)
        return st;

    struct hbase_connection *connection = create(options, fd);
    st = say_hello(connection, options->user, deadline_ms);
    if (st.code == STATUS_OK)
        st = thread_start("hbase-read", run_reader, connection, &connection->reader);
    if (st.code != STATUS_OK) {
        hbase_connection_close(connection);
        return st;
    }
    connection->has_reader = true;
    *ret = connection;
    return st;
}

void hbase_connection_close(struct hbase_connection *connection)
{
    if (!connection)
        return;
    fail_by_status(connection, status_error(STATUS_UNAVAILABLE, "%s: the connection was closed",
                                            connection->name));
    if (connection->has_reader)
        (void)pthread_join(connection->reader, NULL);
    assert(connection->ncalls == 0 && !connection->is_sending);
    (void)close(connection->fd);
    (void)pthread_cond_destroy(&connection->sent);
    (void)pthread_mutex_destroy(&connection->mutex);
    hbase_input_deinit(&connection->input);
    mem_free(connection->service);
    mem_free(connection);
}
