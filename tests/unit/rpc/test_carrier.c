/*
 * tests/unit/rpc/test_carrier.c - many calls on one stream: they are as others are.
 */
#include <stdatomic.h>
#include <string.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/timers.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/carrier_fixture.h"

/* --- calls */

test(many_calls_go_on_one_stream)
{
    enum { CALLS = 500 };
    struct pending *pending = mem_alloc_array(CALLS, sizeof(*pending));
    struct carrier_fixture f;
    char id[32];

    carrier_open(&f);
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
    carrier_close(&f);
    mem_free(pending);
}

test(an_answer_does_not_wait_for_others)
{
    struct pending waiting, held;
    struct carrier_fixture f;
    Pb__Task task = PB__TASK__INIT;

    carrier_open(&f);
    pending_start(&held, &f.echo, HOLD, "x", 30000);
    pending_start(&waiting, &f.echo, ECHO, "proc-2", 30000);
    check_status(pending_wait(&waiting), STATUS_OK);
    check(event_wait(&f.echo.started, 1));
    rpc_call_end(f.echo.held, status_ok(), &task.base);
    check_status(pending_wait(&held), STATUS_OK);
    check_int(atomic_load(&f.watching.nstreams), 1);
    carrier_close(&f);
}

test(an_error_comes_with_all_that_it_says)
{
    struct pending carried, alone;
    struct carrier_fixture f;

    carrier_open(&f);
    pending_start(&carried, &f.echo, FAIL, "proc-1", 10000);
    check_status(pending_wait(&carried), STATUS_FAILED_PRECONDITION);
    check_str(carried.st.text, "task 'proc-1' is broken");
    pending_start_waiting(&alone, &f.echo, FAIL, "proc-1", 10000); /* which is not carried */
    check_status(pending_wait(&alone), STATUS_FAILED_PRECONDITION);
    check_int(atomic_load(&f.watching.nalone), 1);
    check_int(carried.details_len, alone.details_len);
    check(carried.details_len > 0 &&
          memcmp(carried.details, alone.details, alone.details_len) == 0);
    carrier_close(&f);
}

test(an_internal_error_is_hidden)
{
    struct carrier_fixture f;

    carrier_open(&f);
    struct status st = echo_call(&f.echo, BREAK, "x", NULL);
    check_status(st, STATUS_INTERNAL);
    check(!strstr(st.text, "secret"));
    carrier_close(&f);
}

test(a_method_that_streams_or_is_not_there_is_refused)
{
    struct carrier_fixture f;

    carrier_open(&f);
    struct status st = echo_call(&f.echo, LIST, "x", NULL);
    check_status(st, STATUS_UNIMPLEMENTED);
    check(strstr(st.text, "streams") != NULL);
    check_status(echo_call(&f.echo, ECHO, "x", NULL),
                 STATUS_OK); /* that was not the stream's end */
    check_int(atomic_load(&f.watching.nstreams), 1);
    carrier_close(&f);
}

test(a_call_has_its_headers_and_the_address_of_its_stream)
{
    static const struct rpc_header headers[] = {{"x-one", {"1", 1}}};
    struct pending pending;
    struct carrier_fixture f;

    carrier_open(&f);
    pending_start_with(&pending, &f.echo, ECHO, headers, ARRAY_LEN(headers));
    check_status(pending_wait(&pending), STATUS_OK);
    check(f.watching.has_header);
    check_str(f.watching.host, "127.0.0.1");
    carrier_close(&f);
}

test(the_gate_is_asked_for_each_call)
{
    struct carrier_fixture f;

    carrier_open(&f);
    f.watching.carried_code = STATUS_PERMISSION_DENIED;
    struct status st = echo_call(&f.echo, ECHO, "x", NULL);
    check_status(st, STATUS_PERMISSION_DENIED);
    check_str(st.text, "not you");
    carrier_close(&f);
}

test(there_is_a_limit_to_calls_at_a_time)
{
    struct pending held;
    struct carrier_fixture f;
    Pb__Task task = PB__TASK__INIT;

    carrier_open_with(&f, (struct rpc_server_options){.max_calls = 2}); /* the stream is one */
    pending_start(&held, &f.echo, HOLD, "x", 30000);
    check(event_wait(&f.echo.started, 1));
    check_status(echo_call(&f.echo, ECHO, "x", NULL), STATUS_RESOURCE_EXHAUSTED);
    rpc_call_end(f.echo.held, status_ok(), &task.base);
    check_status(pending_wait(&held), STATUS_OK);
    carrier_close(&f);
}

test(a_large_request_goes_by_itself)
{
    enum { LARGE = 100 << 10 };
    char *id = mem_alloc(LARGE + 1);
    struct carrier_fixture f;

    memset(id, 'x', LARGE);
    carrier_open(&f);
    check_status(echo_call(&f.echo, ECHO, id, NULL), STATUS_OK);
    check_int(atomic_load(&f.watching.nalone), 1);
    check_int(atomic_load(&f.watching.nstreams), 0);
    carrier_close(&f);
    mem_free(id);
}

test(a_reply_that_is_too_large_is_the_fault_of_its_call_alone)
{
    enum { LARGE = 250 << 10 };
    Pb__Task task = PB__TASK__INIT;
    char *id = mem_alloc(LARGE + 1);
    struct pending held;
    struct carrier_fixture f;

    task.id = memset(id, 'x', LARGE);
    carrier_open(&f);
    rpc_channel_close(f.echo.channel);
    f.echo.channel = rpc_channel_open(&(struct rpc_channel_options){.target = f.echo.target,
                                                                    .loop = f.echo.loop,
                                                                    .timers = f.timers,
                                                                    .max_message_bytes = 256 << 10,
                                                                    .carries = true});
    pending_start(&held, &f.echo, HOLD, "x", 60000);
    check(event_wait(&f.echo.started, 1));
    rpc_call_end(f.echo.held, status_ok(), &task.base);
    struct status st = pending_wait(&held);
    check_status(st, STATUS_RESOURCE_EXHAUSTED);
    check(strstr(st.text, "the reply has 2560") != NULL);
    check_status(echo_call(&f.echo, ECHO, "x", NULL), STATUS_OK);
    check_int(atomic_load(&f.watching.nstreams), 1);
    carrier_close(&f);
    mem_free(id);
}

test(large_replies_come_in_messages_that_are_not_too_large)
{
    enum { LARGE = 60 << 10, CALLS = 100 };
    struct pending *pending = mem_alloc_array(CALLS, sizeof(*pending));
    char *id = mem_alloc(LARGE + 1);
    struct carrier_fixture f;

    memset(id, 'x', LARGE);
    carrier_open(&f);
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
    carrier_close(&f);
    mem_free(id);
    mem_free(pending);
}

/* --- ends that come early */

test(a_deadline_ends_a_call_here_and_there)
{
    struct pending pending;
    struct carrier_fixture f;

    carrier_open(&f);
    pending_start(&pending, &f.echo, TIME, "", 300); /* a CreateTaskRequest */
    check_status(pending_wait(&pending), STATUS_DEADLINE_EXCEEDED);
    check(event_wait(&f.echo.cancelled, 1));
    check(f.echo.time_left_ms > 0 && f.echo.time_left_ms <= 300);
    check_status(echo_call(&f.echo, ECHO, "x", NULL), STATUS_OK);
    check_int(atomic_load(&f.watching.nstreams), 1);
    carrier_close(&f);
}

test(the_first_deadline_counts)
{
    struct pending late, early;
    struct carrier_fixture f;

    carrier_open(&f);
    pending_start(&late, &f.echo, WAIT, "x", 60000);
    check(event_wait(&f.echo.started, 1));
    pending_start(&early, &f.echo, WAIT, "x", 100);
    check_status(pending_wait(&early), STATUS_DEADLINE_EXCEEDED);
    rpc_client_call_cancel(&late.call);
    check_status(pending_wait(&late), STATUS_CANCELLED);
    carrier_close(&f);
}

test(a_cancelled_call_ends_here_and_there)
{
    struct pending pending;
    struct carrier_fixture f;

    carrier_open(&f);
    pending_start(&pending, &f.echo, WAIT, "x", 60000);
    check(event_wait(&f.echo.started, 1));
    rpc_client_call_cancel(&pending.call);
    check_status(pending_wait(&pending), STATUS_CANCELLED);
    check(event_wait(&f.echo.cancelled, 1));
    check_int(atomic_load(&f.watching.nstreams), 1);
    carrier_close(&f);
}

test(a_server_that_stops_tells_calls_that_wait_and_answers_them)
{
    struct pending polls[3];
    struct carrier_fixture f;

    carrier_open(&f);
    for (size_t i = 0; i < ARRAY_LEN(polls); i++)
        pending_start(&polls[i], &f.echo, WAIT, "x", 60000);
    check(event_wait(&f.echo.started, ARRAY_LEN(polls)));
    rpc_server_stop(f.echo.server, 60000);
    check_int(f.echo.cancelled.count, ARRAY_LEN(polls));
    for (size_t i = 0; i < ARRAY_LEN(polls); i++)
        check(pending_wait(&polls[i]).code == STATUS_UNAVAILABLE);
    carrier_close(&f);
}

static void *stop(void *arg)
{
    rpc_server_stop(arg, 60000);
    return NULL;
}

test(a_call_under_way_when_the_server_stops_is_answered)
{
    struct pending held;
    struct carrier_fixture f;
    pthread_t thread;
    Pb__Task task = PB__TASK__INIT;

    carrier_open(&f);
    pending_start(&held, &f.echo, HOLD, "x", 60000);
    check(event_wait(&f.echo.started, 1));
    struct rpc_call *call = f.echo.held;
    task.id = (char *)(uintptr_t)"proc-7";
    check_int(pthread_create(&thread, NULL, stop, f.echo.server), 0);
    rpc_call_end(call, status_ok(), &task.base);
    check_status(pending_wait(&held), STATUS_OK);
    check_str(held.reply_id, "proc-7");
    pthread_join(thread, NULL);
    carrier_close(&f);
}

test(a_dead_target_is_named)
{
    struct carrier_fixture f;

    carrier_open(&f);
    rpc_server_destroy(f.echo.server);
    f.echo.server = NULL;
    struct status st = echo_call(&f.echo, ECHO, "x", NULL);
    check_status(st, STATUS_UNAVAILABLE);
    check(strstr(st.text, f.echo.target) != NULL);
    carrier_close(&f);
}

test(a_server_that_knows_no_streams_is_called_without)
{
    struct carrier_fixture f;

    carrier_open(&f);
    f.watching.code = STATUS_UNIMPLEMENTED;
    for (int i = 0; i < 3; i++)
        check_status(echo_call(&f.echo, ECHO, "x", NULL), STATUS_OK);
    check_int(atomic_load(&f.watching.nstreams), 1);
    check_int(atomic_load(&f.watching.nalone), 3);
    carrier_close(&f);
}

test(calls_go_alone_when_their_stream_is_refused)
{
    static const enum status_code codes[] = {STATUS_RESOURCE_EXHAUSTED, STATUS_PERMISSION_DENIED,
                                             STATUS_UNAUTHENTICATED};
    struct carrier_fixture f;

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        carrier_open(&f);
        f.watching.code = codes[i];
        check_status(echo_call(&f.echo, ECHO, "x", NULL), STATUS_OK);
        check_int(atomic_load(&f.watching.nalone), 1);
        carrier_close(&f);
    }
}

test(as_many_calls_as_may_be_go_alone_when_their_stream_is_refused)
{
    enum { CALLS = 1000 };
    struct pending *pending = mem_alloc_array(CALLS, sizeof(*pending));
    struct carrier_fixture f;

    carrier_open(&f);
    f.watching.code = STATUS_RESOURCE_EXHAUSTED;
    f.watching.holds_streams = true;
    for (int i = 0; i < CALLS; i++)
        pending_start(&pending[i], &f.echo, ECHO, "x", 30000);
    event_add(&f.watching.go);
    for (int i = 0; i < CALLS; i++)
        check_status(pending_wait(&pending[i]), STATUS_OK);
    check_int(atomic_load(&f.watching.nalone), CALLS);
    carrier_close(&f);
    mem_free(pending);
}

test(a_lasting_error_of_a_call_does_not_end_its_stream)
{
    struct carrier_fixture f;

    carrier_open(&f);
    f.watching.carried_code = STATUS_UNAVAILABLE;
    f.watching.is_lasting = true;
    for (int i = 0; i < 3; i++)
        check_status(echo_call(&f.echo, ECHO, "x", NULL), STATUS_UNAVAILABLE);
    check_int(atomic_load(&f.watching.nstreams), 1);
    carrier_close(&f);
}

test(the_end_of_a_stream_does_not_overtake_its_answers)
{
    enum { ROUNDS = 20, LARGE = 4 << 20 }; /* it takes a while to read that */
    Pb__Task task = PB__TASK__INIT;
    char *id = mem_alloc(LARGE + 1);
    struct pending held;
    struct carrier_fixture f;
    pthread_t thread;

    task.id = memset(id, 'x', LARGE);
    for (int i = 0; i < ROUNDS; i++) {
        carrier_open(&f);
        pending_start(&held, &f.echo, HOLD, "x", 60000);
        check(event_wait(&f.echo.started, 1));
        check_int(pthread_create(&thread, NULL, stop, f.echo.server), 0);
        rpc_call_end(f.echo.held, status_ok(), &task.base);
        check_status(pending_wait(&held), STATUS_OK);
        pthread_join(thread, NULL);
        carrier_close(&f);
    }
    mem_free(id);
}

test(a_call_that_was_answered_is_not_made_again_when_its_stream_fails)
{
    enum { ROUNDS = 10, CALLS = 10, LARGE_REPLY = 1 << 20, LARGE_REQUEST = 60 << 10 };
    Pb__Task task = PB__TASK__INIT;
    char *id = mem_alloc(LARGE_REPLY + 1), *too_much = mem_alloc(LARGE_REQUEST + 1);
    struct pending pending[CALLS], refused;
    struct rpc_call *held[CALLS];
    struct carrier_fixture f;

    task.id = memset(id, 'x', LARGE_REPLY);
    memset(too_much, 'x', LARGE_REQUEST);
    for (int i = 0; i < ROUNDS; i++) {
        carrier_open_with(&f, (struct rpc_server_options){.max_total_bytes = 16 << 10});
        for (unsigned j = 0; j < CALLS; j++) {
            pending_start(&pending[j], &f.echo, HOLD, "x", 60000);
            check(event_wait(&f.echo.started, j + 1));
            held[j] = f.echo.held;
        }
        pending_start(&refused, &f.echo, ECHO, too_much, 60000);
        for (int j = 0; j < CALLS; j++)
            rpc_call_end(held[j], status_ok(), &task.base);
        for (int j = 0; j < CALLS; j++)
            check_status(pending_wait(&pending[j]), STATUS_OK);
        check_status(pending_wait(&refused), STATUS_RESOURCE_EXHAUSTED); /* alone it is, too */
        check_int(f.echo.started.count, CALLS);
        carrier_close(&f);
    }
    mem_free(id);
    mem_free(too_much);
}
