/*
 * tests/unit/rpc/test_repeat.c - calls that are tried again, and those that are not.
 */
#include <limits.h>
#include <stdatomic.h>

#include "base/compiler.h"
#include "base/timers.h"
#include "rpc/calling.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"

/* Refuses the first calls. */
struct shy_gate {
    struct rpc_gate gate;
    enum status_code code;
    unsigned nrefusals;
    bool is_lasting;
    atomic_uint ntries; /* that have come */
    struct event tried;
};

static struct status admit(struct rpc_gate *gate, struct rpc_call *call)
{
    struct shy_gate *shy = container_of(gate, struct shy_gate, gate);
    bool is_refused = atomic_fetch_add(&shy->ntries, 1) < shy->nrefusals;

    if (is_refused && shy->is_lasting)
        rpc_call_set_lasting(call);
    event_add(&shy->tried);
    return is_refused ? status_error(shy->code, "not now") : status_ok();
}

struct fixture {
    struct shy_gate shy;
    struct timers *timers;
    struct echo echo;
};

static void open_fixture(struct fixture *f, enum status_code code, unsigned nrefusals)
{
    *f = (struct fixture){.shy = {.gate = {.admit = admit}, .code = code, .nrefusals = nrefusals}};
    event_init(&f->shy.tried);
    check_status(timers_create(&f->timers), STATUS_OK);
    echo_open(&f->echo, &(struct rpc_server_options){.gate = &f->shy.gate});
    rpc_channel_close(f->echo.channel);
    f->echo.channel = rpc_channel_open(&(struct rpc_channel_options){
        .target = f->echo.target, .loop = f->echo.loop, .timers = f->timers});
}

static void close_fixture(struct fixture *f)
{
    echo_close(&f->echo);
    timers_destroy(f->timers);
}

test(a_call_is_tried_again_until_it_succeeds)
{
    const ProtobufCMessage *reply = NULL;
    struct fixture f;

    open_fixture(&f, STATUS_UNAVAILABLE, 2);
    check_status(echo_call(&f.echo, ECHO, "proc-1", &reply), STATUS_OK);
    check_str(((const Pb__Task *)reply)->id, "proc-1");
    check_int(atomic_load(&f.shy.ntries), 3);
    close_fixture(&f);
}

test(a_call_is_tried_five_times_and_no_more)
{
    struct fixture f;

    open_fixture(&f, STATUS_UNAVAILABLE, UINT_MAX);
    struct status st = echo_call(&f.echo, ECHO, "proc-1", NULL);
    check_status(st, STATUS_UNAVAILABLE);
    check_str(st.text, "not now");
    check_int(atomic_load(&f.shy.ntries), 5);
    close_fixture(&f);
}

test(other_failures_are_not_tried_again)
{
    struct fixture f;

    open_fixture(&f, STATUS_RESOURCE_EXHAUSTED, UINT_MAX);
    check_status(echo_call(&f.echo, ECHO, "proc-1", NULL), STATUS_RESOURCE_EXHAUSTED);
    check_int(atomic_load(&f.shy.ntries), 1);
    close_fixture(&f);
}

test(a_failure_that_lasts_is_not_tried_again)
{
    struct fixture f;

    open_fixture(&f, STATUS_UNAVAILABLE, UINT_MAX);
    f.shy.is_lasting = true;
    check_status(echo_call(&f.echo, ECHO, "proc-1", NULL), STATUS_UNAVAILABLE);
    check_int(atomic_load(&f.shy.ntries), 1);
    close_fixture(&f);
}

test(a_channel_without_timers_tries_once)
{
    struct fixture f;

    open_fixture(&f, STATUS_UNAVAILABLE, 1);
    rpc_channel_close(f.echo.channel);
    f.echo.channel = echo_connect(&f.echo, f.echo.target);
    check_status(echo_call(&f.echo, ECHO, "proc-1", NULL), STATUS_UNAVAILABLE);
    check_int(atomic_load(&f.shy.ntries), 1);
    close_fixture(&f);
}

/* Keeps the timers' thread until it is let go. */
struct blocker {
    struct timer timer;
    struct event let_go;
};

static void block(struct timer *timer)
{
    (void)event_wait(&container_of(timer, struct blocker, timer)->let_go, 1);
}

test(a_call_that_waits_for_its_next_try_may_be_cancelled)
{
    struct blocker blocker = {.timer = {.on_fire = block}};
    struct pending pending;
    struct fixture f;

    open_fixture(&f, STATUS_UNAVAILABLE, UINT_MAX);
    event_init(&blocker.let_go);
    timers_set(f.timers, &blocker.timer, 0);
    pending_start(&pending, &f.echo, ECHO, "proc-1", 60000);
    check(event_wait(&f.shy.tried, 1));
    rpc_client_call_cancel(&pending.call); /* it waits by now, or was about to */
    event_add(&blocker.let_go);
    check(pending_wait(&pending).code != STATUS_OK);
    check(atomic_load(&f.shy.ntries) <= 2);
    close_fixture(&f);
}

test(a_call_without_time_for_the_next_try_ends)
{
    struct pending pending;
    struct fixture f;

    open_fixture(&f, STATUS_UNAVAILABLE, UINT_MAX);
    pending_start(&pending, &f.echo, ECHO, "proc-1", 50); /* less than the first pause */
    enum status_code code = pending_wait(&pending).code;
    check(code == STATUS_UNAVAILABLE || code == STATUS_DEADLINE_EXCEEDED); /* it took too long */
    check(atomic_load(&f.shy.ntries) <= 1);
    close_fixture(&f);
}

/* What is decided of a call that has ended. */

static bool is_due(struct rpc_repeat *repeat, grpc_status_code code, unsigned ntries)
{
    struct rpc_outcome outcome = {.code = (int)code};
    unsigned delay_ms = 0;

    return rpc_repeat_is_due(repeat, &outcome, ntries, &delay_ms);
}

test(a_call_that_was_dropped_is_tried_again)
{
    struct rpc_repeat repeat = {0};

    check(is_due(&repeat, GRPC_STATUS_UNAVAILABLE, 1));
    check(is_due(&repeat, GRPC_STATUS_CANCELLED, 1));
    check(!is_due(&repeat, GRPC_STATUS_DEADLINE_EXCEEDED, 1));
    check(!is_due(&repeat, GRPC_STATUS_INTERNAL, 1));
}

test(pauses_grow_and_are_a_fifth_less_or_more_at_random)
{
    static const unsigned least_ms[] = {80, 160, 320, 640};
    struct rpc_outcome outcome = {.code = GRPC_STATUS_UNAVAILABLE};

    for (unsigned i = 0; i < ARRAY_LEN(least_ms); i++) {
        struct rpc_repeat repeat = {0};
        unsigned delay_ms = 0;

        check(rpc_repeat_is_due(&repeat, &outcome, i + 1, &delay_ms));
        check(delay_ms >= least_ms[i] && delay_ms < least_ms[i] / 2 * 3);
    }
}

test(when_most_calls_fail_none_is_repeated_until_some_succeed)
{
    struct rpc_repeat repeat = {0};
    unsigned nrepeated = 0;

    while (nrepeated < 10000 && is_due(&repeat, GRPC_STATUS_UNAVAILABLE, 1))
        nrepeated++;
    check_int(nrepeated, 499);
    check(!is_due(&repeat, GRPC_STATUS_UNAVAILABLE, 1));
    for (int i = 0; i < 3; i++)
        check(!is_due(&repeat, GRPC_STATUS_OK, 1));
    check(is_due(&repeat, GRPC_STATUS_UNAVAILABLE, 1));
    check(!is_due(&repeat, GRPC_STATUS_UNAVAILABLE, 1));
}

test(a_server_may_say_when_to_come_again)
{
    static const struct {
        const char *text;
        bool is_due;
        unsigned delay_ms;
    } cases[] = {{"250", true, 250}, {"0", true, 0}, {"-1", false, 0}, {"soon", false, 0}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rpc_outcome outcome = {.code = GRPC_STATUS_UNAVAILABLE,
                                      .pushback = str_from(cases[i].text)};
        struct rpc_repeat repeat = {0};
        unsigned delay_ms = 0;

        check(rpc_repeat_is_due(&repeat, &outcome, 1, &delay_ms) == cases[i].is_due);
        check_int(delay_ms, cases[i].delay_ms);
    }
}
