/*
 * tests/unit/rpc/test_carrier.c - many calls on one stream: they are as others are.
 */
#include <stdatomic.h>
#include <string.h>

#include <grpc/grpc.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/timers.h"
#include "rpc/caller.h"
#include "rpc/carrier.pb-c.h"
#include "rpc/message_wire.h"
#include "rpc/serving.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"
#include "tests/unit/rpc/raw_client.h"

#define CARRY "/sluice.carrier.v1.Carrier/Carry"

/* Counts what comes, and may refuse it. */
struct watching_gate {
    struct rpc_gate gate;
    enum status_code code; /* of streams; OK: they are let in */
    enum status_code carried_code;
    atomic_uint nstreams;
    atomic_uint ncarried;
    atomic_uint nalone;
    bool has_header; /* the last carried call had x-one: 1 */
    char host[64];
};

static struct status admit(struct rpc_gate *gate, struct rpc_call *call)
{
    struct watching_gate *watching = container_of(gate, struct watching_gate, gate);

    if (str_is(rpc_caller_get_path(call), CARRY)) {
        atomic_fetch_add(&watching->nstreams, 1);
        return watching->code ? status_error(watching->code, "no streams") : status_ok();
    }
    if (!call->stream) {
        atomic_fetch_add(&watching->nalone, 1);
        return status_ok();
    }
    atomic_fetch_add(&watching->ncarried, 1);
    watching->has_header = str_is(rpc_caller_find_metadata(call, "x-one"), "1");
    (void)snprintf(watching->host, sizeof(watching->host), "%s", rpc_caller_copy_host(call));
    return watching->carried_code ? status_error(watching->carried_code, "not you") : status_ok();
}

struct fixture {
    struct watching_gate watching;
    struct timers *timers;
    struct echo echo;
};

static void connect_to(struct fixture *f)
{
    f->echo.channel = rpc_channel_open(&(struct rpc_channel_options){
        .target = f->echo.target, .loop = f->echo.loop, .timers = f->timers, .carries = true});
}

static void open_fixture(struct fixture *f, size_t max_calls)
{
    *f = (struct fixture){.watching = {.gate = {.admit = admit}}};
    check_status(timers_create(&f->timers), STATUS_OK);
    echo_open(&f->echo,
              &(struct rpc_server_options){.gate = &f->watching.gate, .max_calls = max_calls});
    rpc_channel_close(f->echo.channel);
    connect_to(f);
}

static void close_fixture(struct fixture *f)
{
    echo_close(&f->echo);
    timers_destroy(f->timers);
}

/* --- calls */

test(many_calls_go_on_one_stream)
{
    enum { CALLS = 500 };
    struct pending *pending = mem_alloc_array(CALLS, sizeof(*pending));
    struct fixture f;
    char id[32];

    open_fixture(&f, 0);
    for (int i = 0; i < CALLS; i++) {
        (void)snprintf(id, sizeof(id), "proc-%d", i);
        pending_start(&pending[i], &f.echo, ECHO, id, 30000);
    }
    for (int i = 0; i < CALLS; i++) {
        (void)snprintf(id, sizeof(id), "proc-%d", i);
        check_status(pending_wait(&pending[i]), STATUS_OK);
        check_str(pending[i].reply_id, id);
    }
    check_int(atomic_load(&f.watching.nstreams), 1);
    check_int(atomic_load(&f.watching.ncarried), CALLS);
    close_fixture(&f);
    mem_free(pending);
}

test(an_answer_does_not_wait_for_others)
{
    struct pending waiting, held;
    struct fixture f;
    Pb__Task task = PB__TASK__INIT;

    open_fixture(&f, 0);
    pending_start(&held, &f.echo, HOLD, "x", 30000);
    pending_start(&waiting, &f.echo, ECHO, "proc-2", 30000);
    check_status(pending_wait(&waiting), STATUS_OK);
    check(event_wait(&f.echo.started, 1));
    rpc_call_end(f.echo.held, status_ok(), &task.base);
    check_status(pending_wait(&held), STATUS_OK);
    check_int(atomic_load(&f.watching.nstreams), 1);
    close_fixture(&f);
}

test(an_error_comes_with_all_that_it_says)
{
    struct pending carried, alone;
    struct fixture f;

    open_fixture(&f, 0);
    pending_start(&carried, &f.echo, FAIL, "proc-1", 10000);
    check_status(pending_wait(&carried), STATUS_FAILED_PRECONDITION);
    check_str(carried.st.text, "task 'proc-1' is broken");
    pending_start_waiting(&alone, &f.echo, FAIL, "proc-1", 10000); /* which is not carried */
    check_status(pending_wait(&alone), STATUS_FAILED_PRECONDITION);
    check_int(atomic_load(&f.watching.nalone), 1);
    check_int(carried.details_len, alone.details_len);
    check(carried.details_len > 0 &&
          memcmp(carried.details, alone.details, alone.details_len) == 0);
    close_fixture(&f);
}

test(an_internal_error_is_hidden)
{
    struct fixture f;

    open_fixture(&f, 0);
    struct status st = echo_call(&f.echo, BREAK, "x", NULL);
    check_status(st, STATUS_INTERNAL);
    check(!strstr(st.text, "secret"));
    close_fixture(&f);
}

test(a_method_that_streams_or_is_not_there_is_refused)
{
    struct fixture f;

    open_fixture(&f, 0);
    struct status st = echo_call(&f.echo, LIST, "x", NULL);
    check_status(st, STATUS_UNIMPLEMENTED);
    check(strstr(st.text, "streams") != NULL);
    check_status(echo_call(&f.echo, ECHO, "x", NULL),
                 STATUS_OK); /* that was not the stream's end */
    check_int(atomic_load(&f.watching.nstreams), 1);
    close_fixture(&f);
}

test(a_call_has_its_headers_and_the_address_of_its_stream)
{
    static const struct rpc_header headers[] = {{"x-one", {"1", 1}}};
    struct pending pending;
    struct fixture f;

    open_fixture(&f, 0);
    pending_start_with(&pending, &f.echo, ECHO, headers, ARRAY_LEN(headers));
    check_status(pending_wait(&pending), STATUS_OK);
    check(f.watching.has_header);
    check_str(f.watching.host, "127.0.0.1");
    close_fixture(&f);
}

test(the_gate_is_asked_for_each_call)
{
    struct fixture f;

    open_fixture(&f, 0);
    f.watching.carried_code = STATUS_PERMISSION_DENIED;
    struct status st = echo_call(&f.echo, ECHO, "x", NULL);
    check_status(st, STATUS_PERMISSION_DENIED);
    check_str(st.text, "not you");
    close_fixture(&f);
}

test(there_is_a_limit_to_calls_at_a_time)
{
    struct pending held;
    struct fixture f;
    Pb__Task task = PB__TASK__INIT;

    open_fixture(&f, 2); /* the stream is one */
    pending_start(&held, &f.echo, HOLD, "x", 30000);
    check(event_wait(&f.echo.started, 1));
    check_status(echo_call(&f.echo, ECHO, "x", NULL), STATUS_RESOURCE_EXHAUSTED);
    rpc_call_end(f.echo.held, status_ok(), &task.base);
    check_status(pending_wait(&held), STATUS_OK);
    close_fixture(&f);
}

test(a_large_request_goes_by_itself)
{
    enum { LARGE = 100 << 10 };
    char *id = mem_alloc(LARGE + 1);
    struct fixture f;

    memset(id, 'x', LARGE);
    open_fixture(&f, 0);
    check_status(echo_call(&f.echo, ECHO, id, NULL), STATUS_OK);
    check_int(atomic_load(&f.watching.nalone), 1);
    check_int(atomic_load(&f.watching.nstreams), 0);
    close_fixture(&f);
    mem_free(id);
}

test(a_reply_that_is_too_large_is_the_fault_of_its_call_alone)
{
    enum { LARGE = 50 << 10 };
    char *id = mem_alloc(LARGE + 1);
    struct fixture f;

    memset(id, 'x', LARGE);
    open_fixture(&f, 0);
    rpc_channel_close(f.echo.channel);
    f.echo.channel = rpc_channel_open(&(struct rpc_channel_options){.target = f.echo.target,
                                                                    .loop = f.echo.loop,
                                                                    .timers = f.timers,
                                                                    .max_message_bytes = 60 << 10,
                                                                    .carries = true});
    struct status st = echo_call(&f.echo, ECHO, id, NULL);
    check_status(st, STATUS_RESOURCE_EXHAUSTED);
    check(strstr(st.text, "the reply has 512") != NULL);
    check_status(echo_call(&f.echo, ECHO, "x", NULL), STATUS_OK);
    check_int(atomic_load(&f.watching.nstreams), 1);
    close_fixture(&f);
    mem_free(id);
}

test(large_replies_come_in_messages_that_are_not_too_large)
{
    enum { LARGE = 60 << 10, CALLS = 100 };
    struct pending *pending = mem_alloc_array(CALLS, sizeof(*pending));
    char *id = mem_alloc(LARGE + 1);
    struct fixture f;

    memset(id, 'x', LARGE);
    open_fixture(&f, 0);
    rpc_channel_close(f.echo.channel);
    f.echo.channel = rpc_channel_open(&(struct rpc_channel_options){.target = f.echo.target,
                                                                    .loop = f.echo.loop,
                                                                    .timers = f.timers,
                                                                    .max_message_bytes = 400 << 10,
                                                                    .carries = true});
    for (int i = 0; i < CALLS; i++)
        pending_start(&pending[i], &f.echo, ECHO, id, 30000);
    for (int i = 0; i < CALLS; i++)
        check_status(pending_wait(&pending[i]), STATUS_OK);
    check_int(atomic_load(&f.watching.nstreams), 1);
    close_fixture(&f);
    mem_free(id);
    mem_free(pending);
}

/* --- ends that come early */

test(a_deadline_ends_a_call_here_and_there)
{
    struct pending pending;
    struct fixture f;

    open_fixture(&f, 0);
    pending_start(&pending, &f.echo, TIME, "", 300); /* a CreateTaskRequest */
    check_status(pending_wait(&pending), STATUS_DEADLINE_EXCEEDED);
    check(event_wait(&f.echo.cancelled, 1));
    check(f.echo.time_left_ms > 0 && f.echo.time_left_ms <= 300);
    check_status(echo_call(&f.echo, ECHO, "x", NULL), STATUS_OK);
    check_int(atomic_load(&f.watching.nstreams), 1);
    close_fixture(&f);
}

test(the_first_deadline_counts)
{
    struct pending late, early;
    struct fixture f;

    open_fixture(&f, 0);
    pending_start(&late, &f.echo, WAIT, "x", 60000);
    check(event_wait(&f.echo.started, 1));
    pending_start(&early, &f.echo, WAIT, "x", 100);
    check_status(pending_wait(&early), STATUS_DEADLINE_EXCEEDED);
    rpc_client_call_cancel(&late.call);
    check_status(pending_wait(&late), STATUS_CANCELLED);
    close_fixture(&f);
}

test(a_cancelled_call_ends_here_and_there)
{
    struct pending pending;
    struct fixture f;

    open_fixture(&f, 0);
    pending_start(&pending, &f.echo, WAIT, "x", 60000);
    check(event_wait(&f.echo.started, 1));
    rpc_client_call_cancel(&pending.call);
    check_status(pending_wait(&pending), STATUS_CANCELLED);
    check(event_wait(&f.echo.cancelled, 1));
    check_int(atomic_load(&f.watching.nstreams), 1);
    close_fixture(&f);
}

test(a_server_that_stops_tells_calls_that_wait_and_answers_them)
{
    struct pending polls[3];
    struct fixture f;

    open_fixture(&f, 0);
    for (size_t i = 0; i < ARRAY_LEN(polls); i++)
        pending_start(&polls[i], &f.echo, WAIT, "x", 60000);
    check(event_wait(&f.echo.started, ARRAY_LEN(polls)));
    rpc_server_stop(f.echo.server, 60000);
    check_int(f.echo.cancelled.count, ARRAY_LEN(polls));
    for (size_t i = 0; i < ARRAY_LEN(polls); i++)
        check(pending_wait(&polls[i]).code == STATUS_UNAVAILABLE);
    close_fixture(&f);
}

static void *stop(void *arg)
{
    rpc_server_stop(arg, 60000);
    return NULL;
}

test(a_call_under_way_when_the_server_stops_is_answered)
{
    struct pending held;
    struct fixture f;
    pthread_t thread;
    Pb__Task task = PB__TASK__INIT;

    open_fixture(&f, 0);
    pending_start(&held, &f.echo, HOLD, "x", 60000);
    check(event_wait(&f.echo.started, 1));
    struct rpc_call *call = f.echo.held;
    task.id = (char *)(uintptr_t)"proc-7";
    check_int(pthread_create(&thread, NULL, stop, f.echo.server), 0);
    rpc_call_end(call, status_ok(), &task.base);
    check_status(pending_wait(&held), STATUS_OK);
    check_str(held.reply_id, "proc-7");
    pthread_join(thread, NULL);
    close_fixture(&f);
}

test(a_dead_target_is_named)
{
    struct fixture f;

    open_fixture(&f, 0);
    rpc_server_destroy(f.echo.server);
    f.echo.server = NULL;
    struct status st = echo_call(&f.echo, ECHO, "x", NULL);
    check_status(st, STATUS_UNAVAILABLE);
    check(strstr(st.text, f.echo.target) != NULL);
    close_fixture(&f);
}

test(a_server_that_knows_no_streams_is_called_without)
{
    struct fixture f;

    open_fixture(&f, 0);
    f.watching.code = STATUS_UNIMPLEMENTED;
    for (int i = 0; i < 3; i++)
        check_status(echo_call(&f.echo, ECHO, "x", NULL), STATUS_OK);
    check_int(atomic_load(&f.watching.nstreams), 1);
    check_int(atomic_load(&f.watching.nalone), 3);
    close_fixture(&f);
}

test(a_stream_that_is_refused_tells_its_calls_why)
{
    struct fixture f;

    open_fixture(&f, 0);
    f.watching.code = STATUS_PERMISSION_DENIED;
    struct status st = echo_call(&f.echo, ECHO, "x", NULL);
    check_status(st, STATUS_PERMISSION_DENIED);
    check_str(st.text, "no streams");
    close_fixture(&f);
}

/* --- a client of another kind */

struct raw_stream {
    struct fixture f;
    struct raw raw;
};

static void open_raw(struct raw_stream *stream)
{
    open_fixture(&stream->f, 0);
    raw_open(&stream->raw, stream->f.echo.target);
    raw_begin(&stream->raw, CARRY);
}

/* Gives up a stream that has not ended. */
static void leave_raw(struct raw_stream *stream)
{
    raw_cancel(&stream->raw);
    check(raw_end(&stream->raw).code != STATUS_OK);
}

static void close_raw(struct raw_stream *stream)
{
    raw_close(&stream->raw);
    close_fixture(&stream->f);
}

static void send_calls(struct raw_stream *stream, const char *method, size_t count)
{
    Carrier__CarryRequest request = CARRIER__CARRY_REQUEST__INIT;
    Carrier__Call *calls = mem_alloc_array(count, sizeof(*calls));
    Carrier__Call **places = mem_alloc_array(count, sizeof(*places));

    for (size_t i = 0; i < count; i++) {
        carrier__call__init(&calls[i]);
        calls[i].id = i + 1;
        calls[i].method = (char *)(uintptr_t)method;
        places[i] = &calls[i];
    }
    request.calls = places;
    request.n_calls = count;
    raw_send_message(&stream->raw, &request.base);
    mem_free(calls);
    mem_free(places);
}

/* Receives answers until there is none; returns how many had that code. */
static size_t count_answers(struct raw_stream *stream, enum status_code code, size_t most)
{
    struct buf bytes = {0};
    size_t nfound = 0, nanswers = 0;

    while (nanswers < most && raw_receive(&stream->raw, &bytes)) {
        struct arena *arena = arena_create(1 << 20);
        ProtobufCMessage *message = NULL;
        check_status(message_wire_read(buf_get(&bytes), &carrier__carry_response__descriptor, arena,
                                       NULL, &message),
                     STATUS_OK);
        const Carrier__CarryResponse *response = (const Carrier__CarryResponse *)message;
        for (size_t i = 0; i < response->n_replies; i++)
            nfound += response->replies[i]->code == code;
        nanswers += response->n_replies;
        arena_destroy(arena);
        buf_clear(&bytes);
    }
    buf_deinit(&bytes);
    return nfound;
}

test(all_calls_are_answered_after_the_clients_last_message)
{
    struct raw_stream stream;

    open_raw(&stream);
    send_calls(&stream, ECHO, 1024);
    raw_send_close(&stream.raw);
    check_int(count_answers(&stream, STATUS_OK, SIZE_MAX), 1024);
    check_status(raw_end(&stream.raw), STATUS_OK);
    close_raw(&stream);
}

test(a_message_with_too_many_calls_ends_the_stream)
{
    struct raw_stream stream;

    open_raw(&stream);
    send_calls(&stream, ECHO, 1025);
    check_int(count_answers(&stream, STATUS_OK, SIZE_MAX), 0);
    struct status st = raw_end(&stream.raw);
    check_status(st, STATUS_INVALID_ARGUMENT);
    check(strstr(st.text, "1025") != NULL);
    check_int(atomic_load(&stream.f.watching.ncarried), 0);
    close_raw(&stream);
}

test(what_is_no_message_ends_the_stream_when_all_is_answered)
{
    struct raw_stream stream;

    open_raw(&stream);
    send_calls(&stream, ECHO, 3);
    raw_send(&stream.raw, str_from("\xff\xff"));
    check_int(count_answers(&stream, STATUS_OK, SIZE_MAX), 3);
    check_status(raw_end(&stream.raw), STATUS_INVALID_ARGUMENT);
    close_raw(&stream);
}

test(a_bad_request_is_the_fault_of_its_call_alone)
{
    Carrier__CarryRequest request = CARRIER__CARRY_REQUEST__INIT;
    Carrier__Call call = CARRIER__CALL__INIT;
    Carrier__Call *calls[] = {&call};
    struct raw_stream stream;

    open_raw(&stream);
    call.method = (char *)(uintptr_t)ECHO;
    call.request = (ProtobufCBinaryData){2, (uint8_t *)(uintptr_t)"\xff\xff"};
    request.calls = calls;
    request.n_calls = 1;
    raw_send_message(&stream.raw, &request.base);
    check_int(count_answers(&stream, STATUS_INVALID_ARGUMENT, 1), 1);
    send_calls(&stream, ECHO, 1);
    check_int(count_answers(&stream, STATUS_OK, 1), 1);
    leave_raw(&stream);
    close_raw(&stream);
}

test(an_unknown_method_is_named)
{
    struct raw_stream stream;

    open_raw(&stream);
    send_calls(&stream, "/no.Such/Method", 2);
    check_int(count_answers(&stream, STATUS_UNIMPLEMENTED, 2), 2);
    send_calls(&stream, CARRY, 1); /* a stream on a stream */
    check_int(count_answers(&stream, STATUS_UNIMPLEMENTED, 1), 1);
    leave_raw(&stream);
    close_raw(&stream);
}

test(the_calls_of_a_client_that_is_gone_are_cancelled)
{
    struct raw_stream stream;

    open_raw(&stream);
    send_calls(&stream, WAIT, 5);
    check(event_wait(&stream.f.echo.started, 5));
    leave_raw(&stream);
    check(event_wait(&stream.f.echo.cancelled, 5));
    close_raw(&stream);
}
