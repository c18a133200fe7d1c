#include <pthread.h>
#include <stdio.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/thread.h"
#include "hbase/connection.h"
#include "hbase/hbase.pb-c.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/fake_server.h"

enum {
    LONG_MS = 60 * 1000,
    SHORT_MS = 150,
    OPEN_MS = 10 * 1000,
    NTHREADS = 8,
    NCALLS = 300,
    STOP_MS = LONG_MS / 3, /* that a stop may take at most: 100 ms, and what a busy machine adds */
};

/* A server and a connection to it. */
struct fixture {
    struct fake_server *server;
    struct hbase_connection *connection;
    struct stop stop;
};

static struct status connect_to(struct fixture *f, const char *host, int port, const char *service)
{
    const struct hbase_connection_options options = {
        .host = host,
        .address = "127.0.0.1",
        .port = port,
        .service = service,
        .auth = HBASE_AUTH_SIMPLE,
        .user = "sluice",
        .stop = &f->stop,
    };

    return hbase_connection_open(&options, clock_get_monotonic_ms() + OPEN_MS, &f->connection);
}

static void open_fixture(struct fixture *f, const struct fake_server_options *options)
{
    *f = (struct fixture){.server = fake_server_open(options)};
    check_status(connect_to(f, "rs1", fake_server_get_port(f->server), "ClientMetaService"),
                 STATUS_OK);
}

static void close_fixture(struct fixture *f)
{
    hbase_connection_close(f->connection);
    fake_server_close(f->server);
}

/* Starts a call whose method is also what its answer is to say. */
static struct hbase_call *start(struct fixture *f, const char *method, int64_t timeout_ms)
{
    static const Hb__Empty empty = HB__EMPTY__INIT;
    const struct hbase_request request = {.method = method,
                                          .message = &empty.base,
                                          .reply = &hb__get_cluster_id_response__descriptor,
                                          .timeout_ms = timeout_ms};
    struct hbase_call *call;

    hbase_call_start(f->connection, &request, &call);
    return call;
}

static void reply_id(struct fake_call *call, const char *id)
{
    Hb__GetClusterIdResponse reply = HB__GET_CLUSTER_ID_RESPONSE__INIT;

    reply.cluster_id = (char *)(uintptr_t)id;
    fake_call_reply(call, &reply.base, (struct str){0});
}

static void answer_with_method(void *self, struct fake_call *call)
{
    (void)self;
    reply_id(call, call->method);
}

static void check_answer(struct hbase_call *call, const char *id)
{
    struct hbase_reply reply = {0};
    struct hbase_fault fault = {0};

    if (!hbase_call_wait(call, &reply, &fault)) {
        check_str(fault.status.text, "");
        return;
    }
    check_str(((const Hb__GetClusterIdResponse *)reply.message)->cluster_id, id);
    hbase_reply_free(&reply);
}

static void check_fault(struct hbase_call *call, enum hbase_action action, enum status_code code,
                        const char *text)
{
    struct hbase_reply reply;
    struct hbase_fault fault = {0};

    check(!hbase_call_wait(call, &reply, &fault));
    check_int(fault.action, action);
    check_status(fault.status, code);
    check_str(fault.status.text, text);
}

test(a_call_says_who_asks_what_and_for_how_long)
{
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){.on_call = answer_with_method});
    check_answer(start(&f, "GetClusterId", LONG_MS), "GetClusterId");
    const struct fake_call *call = fake_server_wait_call(f.server, NULL, 0);
    check_str(call->service, "ClientMetaService");
    check_str(call->user, "sluice");
    check_int(call->timeout_ms, LONG_MS);
    check_int(call->priority, 0);
    close_fixture(&f);
}

static void answer_with_its_block(void *self, struct fake_call *call)
{
    const Hb__Empty empty = HB__EMPTY__INIT;

    (void)self;
    fake_call_reply(call, &empty.base, call->block);
}

test(blocks_of_any_size_go_and_come)
{
    static const size_t sizes[] = {0, 1, 4096, 65535, 65536, 65537, 1000000, 20 * 1024 * 1024};
    static const Hb__Empty empty = HB__EMPTY__INIT;
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){.on_call = answer_with_its_block});
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        char *bytes = mem_alloc(sizes[i] + 1);
        struct hbase_reply reply = {0};
        struct hbase_fault fault;
        struct hbase_call *call;

        for (size_t j = 0; j < sizes[i]; j++)
            bytes[j] = (char)(j * 31 + j / 1000);
        const struct hbase_request request = {.method = "Multi",
                                              .message = &empty.base,
                                              .block = {bytes, sizes[i]},
                                              .reply = &hb__empty__descriptor,
                                              .timeout_ms = LONG_MS};
        hbase_call_start(f.connection, &request, &call);
        check(hbase_call_wait(call, &reply, &fault));
        check(str_is_equal(reply.block, request.block));
        hbase_reply_free(&reply);
        mem_free(bytes);
    }
    close_fixture(&f);
}

test(answers_come_in_any_order)
{
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){0});
    struct hbase_call *a = start(&f, "A", LONG_MS), *b = start(&f, "B", LONG_MS);
    struct hbase_call *c = start(&f, "C", LONG_MS);
    check(!hbase_call_is_done(b));
    reply_id(fake_server_wait_call(f.server, "C", 0), "3");
    reply_id(fake_server_wait_call(f.server, "A", 0), "1");
    reply_id(fake_server_wait_call(f.server, "B", 0), "2");
    check_answer(a, "1");
    check_answer(b, "2");
    check_answer(c, "3");
    close_fixture(&f);
}

static void *call_many(void *arg)
{
    intptr_t nfailed = 0;

    for (unsigned i = 0; i < NCALLS; i++) {
        struct hbase_reply reply = {0};
        struct hbase_fault fault;
        struct hbase_call *a = start(arg, "A", LONG_MS), *b = start(arg, "B", LONG_MS);

        nfailed += !hbase_call_wait(b, &reply, &fault);
        hbase_reply_free(&reply);
        nfailed += !hbase_call_wait(a, &reply, &fault);
        hbase_reply_free(&reply);
    }
    return (void *)nfailed;
}

test(one_connection_serves_many_threads)
{
    pthread_t threads[NTHREADS];
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){.on_call = answer_with_method});
    for (unsigned i = 0; i < NTHREADS; i++)
        check_status(thread_start("caller", call_many, &f, &threads[i]), STATUS_OK);
    for (unsigned i = 0; i < NTHREADS; i++) {
        void *nfailed;
        pthread_join(threads[i], &nfailed);
        check_int((intptr_t)nfailed, 0);
    }
    check_int(fake_server_count_calls(f.server, "B"), NTHREADS * NCALLS);
    check_int(fake_server_count_links(f.server), 1);
    close_fixture(&f);
}

test(a_late_answer_is_skipped_and_the_connection_lives_on)
{
    char text[100];
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){0});
    (void)snprintf(text, sizeof(text), "rs1:%d: no answer to A within %d ms",
                   fake_server_get_port(f.server), SHORT_MS);
    check_fault(start(&f, "A", SHORT_MS), HBASE_ACTION_RECONNECT, STATUS_DEADLINE_EXCEEDED, text);
    check(hbase_connection_is_alive(f.connection));
    struct hbase_call *call = start(&f, "B", LONG_MS);
    reply_id(fake_server_wait_call(f.server, "A", 0), "late");
    reply_id(fake_server_wait_call(f.server, "B", 0), "in time");
    check_answer(call, "in time");
    close_fixture(&f);
}

test(a_call_whose_time_is_up_is_done)
{
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){0});
    struct hbase_call *call = start(&f, "A", 1);
    while (!hbase_call_is_done(call))
        ;
    hbase_call_cancel(call);
    close_fixture(&f);
}

test(an_answer_that_was_given_up_or_comes_twice_is_skipped)
{
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){0});
    struct hbase_call *a = start(&f, "A", LONG_MS), *b = start(&f, "B", LONG_MS);
    struct hbase_call *c = start(&f, "C", LONG_MS);
    hbase_call_cancel(a);
    reply_id(fake_server_wait_call(f.server, "A", 0), "1");
    reply_id(fake_server_wait_call(f.server, "B", 0), "2");
    reply_id(fake_server_wait_call(f.server, "B", 0), "2 again");
    reply_id(fake_server_wait_call(f.server, "C", 0), "3");
    check_answer(c, "3");
    hbase_call_cancel(b); /* with its answer */
    hbase_call_cancel(NULL);
    close_fixture(&f);
}

test(an_exception_is_of_its_call_alone)
{
    char text[100];
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){0});
    struct hbase_call *a = start(&f, "A", LONG_MS), *b = start(&f, "B", LONG_MS);
    fake_call_throw(fake_server_wait_call(f.server, "A", 0),
                    "org.apache.hadoop.hbase.TableNotFoundException", "t1", FAKE_DO_NOT_RETRY);
    (void)snprintf(text, sizeof(text), "rs1:%d: TableNotFoundException: t1",
                   fake_server_get_port(f.server));
    check_fault(a, HBASE_ACTION_FAIL, STATUS_NOT_FOUND, text);
    reply_id(fake_server_wait_call(f.server, "B", 0), "2");
    check_answer(b, "2");
    close_fixture(&f);
}

test(a_service_that_is_not_offered_is_named)
{
    char text[200];
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){.service = "MasterService"});
    (void)snprintf(text, sizeof(text),
                   "rs1:%d closed the connection without an answer: it does not offer "
                   "ClientMetaService, or is stopping",
                   fake_server_get_port(f.server));
    check_fault(start(&f, "A", LONG_MS), HBASE_ACTION_RECONNECT, STATUS_UNAVAILABLE, text);
    check(!hbase_connection_is_alive(f.connection));
    check_fault(start(&f, "B", LONG_MS), HBASE_ACTION_RECONNECT, STATUS_UNAVAILABLE, text);
    close_fixture(&f);
}

test(a_server_that_hangs_up_ends_all_calls)
{
    char text[100];
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){0});
    struct hbase_call *a = start(&f, "A", LONG_MS), *b = start(&f, "B", LONG_MS);
    struct hbase_call *c = start(&f, "C", LONG_MS);
    reply_id(fake_server_wait_call(f.server, "A", 0), "1");
    check_answer(a, "1");
    fake_call_send(fake_server_wait_call(f.server, "B", 0), str_from_bytes("\0\0\0\x40half", 8));
    fake_call_hang_up(fake_server_wait_call(f.server, "C", 0));
    (void)snprintf(text, sizeof(text), "rs1:%d: the server closed the connection",
                   fake_server_get_port(f.server));
    check_fault(b, HBASE_ACTION_RECONNECT, STATUS_UNAVAILABLE, text);
    check_fault(c, HBASE_ACTION_RECONNECT, STATUS_UNAVAILABLE, text);
    close_fixture(&f);
}

test(a_refusal_of_the_connection_is_told_to_all_calls)
{
    char text[200];
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){0});
    struct hbase_call *a = start(&f, "A", LONG_MS), *b = start(&f, "B", LONG_MS);
    fake_call_refuse(fake_server_wait_call(f.server, "B", 0),
                     "org.apache.hadoop.hbase.security.AccessDeniedException",
                     "Authentication is required");
    (void)snprintf(text, sizeof(text), "rs1:%d: AccessDeniedException: Authentication is required",
                   fake_server_get_port(f.server));
    check_fault(a, HBASE_ACTION_FAIL, STATUS_PERMISSION_DENIED, text);
    check_fault(b, HBASE_ACTION_FAIL, STATUS_PERMISSION_DENIED, text);
    check_fault(start(&f, "C", LONG_MS), HBASE_ACTION_FAIL, STATUS_PERMISSION_DENIED, text);
    close_fixture(&f);
}

test(what_is_no_frame_ends_the_connection)
{
    static const struct {
        struct str bytes;
        const char *text;
    } cases[] = {
        {{"HTTP/1.1 400 Bad Request\r\n", 26},
         "an answer of 1213486160 bytes, where 1 to 268435456 are allowed; is this a server of "
         "HBase?"},
        {{"\x10\0\0\x01", 4},
         "an answer of 268435457 bytes, where 1 to 268435456 are allowed; is this a server of "
         "HBase?"},
        {{"\0\0\0\x03\x7fxx", 7}, "an answer that is not well formed: its header is cut off"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char text[200];
        struct fixture f;

        open_fixture(&f, &(struct fake_server_options){0});
        struct hbase_call *call = start(&f, "A", LONG_MS);
        fake_call_send(fake_server_wait_call(f.server, "A", 0), cases[i].bytes);
        (void)snprintf(text, sizeof(text), "rs1:%d: %s", fake_server_get_port(f.server),
                       cases[i].text);
        check_fault(call, HBASE_ACTION_FAIL, STATUS_DATA_LOSS, text);
        check(!hbase_connection_is_alive(f.connection));
        close_fixture(&f);
    }
}

test(a_message_that_cannot_be_read_is_of_its_call_alone)
{
    enum { NCELLS = 1024 * 1024 };
    char text[200];
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){0});
    struct hbase_call *call = start(&f, "A", LONG_MS);
    struct fake_call *asked = fake_server_wait_call(f.server, "A", 0);
    char bad[] = "\0\0\0\x06\x02\x08\x01\x02\x0a\x7f";
    bad[6] = (char)asked->id;
    fake_call_send(asked, str_from_bytes(bad, sizeof(bad) - 1));
    (void)snprintf(text, sizeof(text), "rs1:%d: what HBase sent is no GetClusterIdResponse",
                   fake_server_get_port(f.server));
    check_fault(call, HBASE_ACTION_FAIL, STATUS_DATA_LOSS, text);

    /* Two bytes each, which take some sixty in memory. */
    Hb__Cell cell = HB__CELL__INIT, **cells = mem_alloc_array(NCELLS, sizeof(struct Hb__Cell *));
    Hb__Result result = HB__RESULT__INIT;
    struct hbase_call *large;
    const struct hbase_request request = {.method = "B",
                                          .message = &result.base,
                                          .reply = &hb__result__descriptor,
                                          .timeout_ms = LONG_MS};
    hbase_call_start(f.connection, &request, &large);
    for (size_t i = 0; i < NCELLS; i++)
        cells[i] = &cell;
    result.n_cell = NCELLS;
    result.cell = cells;
    fake_call_reply(fake_server_wait_call(f.server, "B", 0), &result.base, (struct str){0});
    (void)snprintf(text, sizeof(text),
                   "rs1:%d: a Result of %d bytes takes more memory than is allowed",
                   fake_server_get_port(f.server), 2 * NCELLS);
    check_fault(large, HBASE_ACTION_FAIL, STATUS_RESOURCE_EXHAUSTED, text);
    check(hbase_connection_is_alive(f.connection));
    mem_free(cells);
    close_fixture(&f);
}

static int64_t get_age_ms(int64_t since_ms)
{
    return clock_get_monotonic_ms() - since_ms;
}

static void *request_stop(void *arg)
{
    struct fixture *f = arg;

    (void)fake_server_wait_call(f->server, "A", 0);
    stop_request(&f->stop);
    return NULL;
}

test(a_stop_ends_the_wait_for_an_answer)
{
    struct fixture f;
    pthread_t thread;
    int64_t begin_ms = clock_get_monotonic_ms();

    open_fixture(&f, &(struct fake_server_options){0});
    struct hbase_call *call = start(&f, "A", LONG_MS);
    check_status(thread_start("stopper", request_stop, &f, &thread), STATUS_OK);
    check_fault(call, HBASE_ACTION_FAIL, STATUS_CANCELLED, "stop was requested");
    check(get_age_ms(begin_ms) < STOP_MS);
    pthread_join(thread, NULL);
    check_fault(start(&f, "B", LONG_MS), HBASE_ACTION_FAIL, STATUS_CANCELLED, "stop was requested");
    close_fixture(&f);
}

test(nobody_who_listens_is_unavailable)
{
    char text[100];
    struct fixture f = {.server = fake_server_open(&(struct fake_server_options){0})};
    int port = fake_server_get_port(f.server);

    fake_server_close(f.server);
    (void)snprintf(text, sizeof(text),
                   "rs1:%d (at 127.0.0.1): connection refused: nothing listens there", port);
    struct status st = connect_to(&f, "rs1", port, "ClientService");
    check_status(st, STATUS_UNAVAILABLE);
    check_str(st.text, text);
}

test(a_server_that_comes_back_is_connected_to_again)
{
    struct fixture f;

    open_fixture(&f, &(struct fake_server_options){.on_call = answer_with_method});
    int port = fake_server_get_port(f.server);
    check_answer(start(&f, "A", LONG_MS), "A");
    close_fixture(&f);
    open_fixture(&f, &(struct fake_server_options){.on_call = answer_with_method, .port = port});
    check_int(fake_server_get_port(f.server), port);
    check_answer(start(&f, "B", LONG_MS), "B");
    close_fixture(&f);
}
