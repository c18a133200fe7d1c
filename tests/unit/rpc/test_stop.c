/*
 * tests/unit/rpc/test_stop.c - how a server stops.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"

enum { LONG_MS = 60000 }; /* a grace time that no test waits for */

test(a_stop_tells_long_polls_at_once)
{
    struct echo echo;
    struct pending polls[3];
    int64_t start_ms;

    echo_open(&echo, NULL);
    for (size_t i = 0; i < ARRAY_LEN(polls); i++)
        pending_start(&polls[i], &echo, WAIT, "x", 30000);
    check(event_wait(&echo.started, ARRAY_LEN(polls)));
    start_ms = clock_get_monotonic_ms();
    rpc_server_stop(echo.server, LONG_MS);
    check(clock_get_monotonic_ms() - start_ms < 10000);
    for (size_t i = 0; i < ARRAY_LEN(polls); i++) {
        check_status(pending_wait(&polls[i]), STATUS_UNAVAILABLE);
        check_str(polls[i].st.text, "told to go");
    }
    echo_close(&echo);
}

static void *end_held(void *arg)
{
    Pb__Task task = PB__TASK__INIT;
    struct echo *echo = arg;

    (void)event_wait(&echo->cancelled, 1);
    rpc_call_end(echo->held, status_ok(), &task.base);
    return NULL;
}

test(a_call_ends_well_within_the_grace_time)
{
    struct echo echo;
    struct pending pending;
    pthread_t thread;

    echo_open(&echo, NULL);
    pending_start(&pending, &echo, HOLD, "x", 30000);
    check(event_wait(&echo.started, 1));
    event_add(&echo.cancelled);
    check_int(pthread_create(&thread, NULL, end_held, &echo), 0);
    rpc_server_stop(echo.server, LONG_MS);
    check_status(pending_wait(&pending), STATUS_OK);
    pthread_join(thread, NULL);
    echo_close(&echo);
}

static void *stop_soon(void *arg)
{
    rpc_server_stop(((struct echo *)arg)->server, 50);
    return NULL;
}

test(a_call_that_outlives_the_grace_time_is_cancelled_and_waited_for)
{
    Pb__Task task = PB__TASK__INIT;
    struct echo echo;
    struct pending pending;
    pthread_t thread;

    echo_open(&echo, NULL);
    pending_start(&pending, &echo, HOLD, "x", 30000);
    check(event_wait(&echo.started, 1));
    check_int(pthread_create(&thread, NULL, stop_soon, &echo), 0);
    check_status(pending_wait(&pending), STATUS_UNAVAILABLE); /* cancelled by the server */
    rpc_call_end(echo.held, status_ok(), &task.base);         /* the stop waits for this */
    pthread_join(thread, NULL);
    echo_close(&echo);
}

test(a_stopped_server_is_not_reached)
{
    struct echo echo;

    echo_open(&echo, NULL);
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
    rpc_server_stop(echo.server, LONG_MS);
    struct status st = echo_call(&echo, ECHO, "proc-1", NULL);
    check_status(st, STATUS_UNAVAILABLE);
    check(strstr(st.text, echo.target) != NULL);
    check(!strstr(st.text, "ipv4"));
    rpc_server_stop(echo.server, LONG_MS); /* a second stop does nothing */
    echo_close(&echo);
}

/* One thread calls as fast as it can while the server stops. */
struct caller {
    struct echo *echo;
    bool is_wrong; /* a call ended otherwise than it may */
};

static void *call_until_unreachable(void *arg)
{
    struct caller *caller = arg;
    struct status st;

    do {
        st = echo_call(caller->echo, ECHO, "proc-1", NULL);
    } while (st.code == STATUS_OK);
    caller->is_wrong = st.code != STATUS_UNAVAILABLE;
    return NULL;
}

test(a_stop_under_load_answers_or_refuses_each_call)
{
    struct echo echo;

    for (int round = 0; round < 5; round++) {
        struct caller caller = {.echo = &echo};
        pthread_t thread;

        echo_open(&echo, NULL);
        check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
        check_int(pthread_create(&thread, NULL, call_until_unreachable, &caller), 0);
        rpc_server_stop(echo.server, LONG_MS);
        pthread_join(thread, NULL);
        check(!caller.is_wrong);
        echo_close(&echo);
    }
}

/* Connects and calls, again and again, until the server has stopped. */
struct newcomer {
    struct echo *echo;
    atomic_bool *is_over;
    pthread_t thread;
    unsigned ndropped; /* calls that ended as CANCELLED, which clients do not try again */
    unsigned nwrong;   /* calls that ended otherwise than they may */
};

static void *call_by_new_connections(void *arg)
{
    struct newcomer *newcomer = arg;
    struct pending pending;

    while (!atomic_load(newcomer->is_over)) {
        struct rpc_channel *channel = echo_connect(newcomer->echo, newcomer->echo->target);
        struct echo own = {.channel = channel};
        pending_start(&pending, &own, ECHO, "proc-1", 30000);
        struct status st = pending_wait(&pending);
        newcomer->ndropped += strstr(st.text, "dropped") != NULL;
        newcomer->nwrong += st.code != STATUS_OK && st.code != STATUS_UNAVAILABLE;
        rpc_channel_close(channel);
    }
    return NULL;
}

test(who_connects_while_a_server_stops_is_answered_or_refused)
{
    enum { NROUNDS = 10, NTHREADS = 4 };

    for (int round = 0; round < NROUNDS; round++) {
        struct newcomer newcomers[NTHREADS];
        atomic_bool is_over = false;
        struct echo echo;

        echo_open(&echo, NULL);
        for (size_t i = 0; i < NTHREADS; i++) {
            newcomers[i] = (struct newcomer){.echo = &echo, .is_over = &is_over};
            check_int(
                pthread_create(&newcomers[i].thread, NULL, call_by_new_connections, &newcomers[i]),
                0);
        }
        rpc_server_stop(echo.server, LONG_MS);
        atomic_store(&is_over, true);
        for (size_t i = 0; i < NTHREADS; i++) {
            pthread_join(newcomers[i].thread, NULL);
            check_int(newcomers[i].ndropped, 0);
            check_int(newcomers[i].nwrong, 0);
        }
        echo_close(&echo);
    }
}

test(calls_may_be_cancelled_at_any_time)
{
    enum { NCALLS = 400 };
    static struct pending calls[NCALLS];
    static const char *const methods[] = {WAIT, ECHO};
    struct echo echo;
    unsigned nwrong = 0;

    echo_open(&echo, NULL);
    for (unsigned i = 0; i < NCALLS; i++) {
        pending_start(&calls[i], &echo, methods[i % ARRAY_LEN(methods)], "", i % 7 == 0 ? 1 : 9000);
        if (i >= 10)
            rpc_client_call_cancel(&calls[i - i % 10].call);
    }
    for (unsigned i = 0; i < NCALLS; i++)
        rpc_client_call_cancel(&calls[i].call);
    for (unsigned i = 0; i < NCALLS; i++) {
        struct status st = pending_wait(&calls[i]);
        nwrong += st.code != STATUS_OK && st.code != STATUS_CANCELLED &&
                  st.code != STATUS_DEADLINE_EXCEEDED;
    }
    check_int(nwrong, 0);
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
    echo_close(&echo);
}
