/*
 * tests/unit/rpc/test_gate.c - who decides which calls are served, and what it is told of them.
 */
#include <stdatomic.h>
#include <stdio.h>

#include "base/compiler.h"
#include "rpc/caller.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"
#include "tests/unit/rpc/raw_client.h"

#define UNKNOWN "/sluice.v1.TaskService/Nothing"
#define REFLECTION "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"

/* Lets calls in that have the header x-word with the right word, and counts those that are inside. */
struct guard {
    struct rpc_gate gate;
    atomic_int ninside;
    char host[64]; /* of the last caller */
    char path[64];
};

static void note(char *ret, size_t size, struct str text)
{
    (void)snprintf(ret, size, "%.*s", (int)text.len, text.data ? text.data : "");
}

static struct status admit(struct rpc_gate *gate, struct rpc_call *call)
{
    struct guard *guard = container_of(gate, struct guard, gate);

    note(guard->host, sizeof(guard->host), str_from(rpc_caller_copy_host(call)));
    note(guard->path, sizeof(guard->path), rpc_caller_get_path(call));
    if (!str_is(rpc_caller_find_metadata(call, "x-word"), "swordfish")) {
        rpc_call_set_reason(call, "WRONG_WORD", NULL, NULL);
        return status_error(STATUS_PERMISSION_DENIED, "that is not the word");
    }
    rpc_caller_set_ticket(call, guard);
    (void)atomic_fetch_add(&guard->ninside, 1);
    return status_ok();
}

static void leave(struct rpc_gate *gate, struct rpc_call *call)
{
    struct guard *guard = container_of(gate, struct guard, gate);

    check(rpc_caller_get_ticket(call) == guard);
    (void)atomic_fetch_sub(&guard->ninside, 1);
}

static void open_guarded(struct echo *echo, struct guard *guard)
{
    *guard = (struct guard){.gate = {admit, leave}};
    echo_open(echo, &(struct rpc_server_options){.gate = &guard->gate});
}

/* Calls a method with a word and an empty request. */
static struct status call_with(struct raw *raw, const char *method, const char *word)
{
    struct buf reply = {0};

    raw_begin_with(raw, method, "x-word", word);
    raw_send(raw, str_from(""));
    raw_send_close(raw);
    (void)raw_receive(raw, &reply);
    buf_deinit(&reply);
    return raw_end(raw);
}

test(a_call_is_served_when_the_gate_lets_it_in)
{
    struct guard guard;
    struct echo echo;
    struct raw raw;

    open_guarded(&echo, &guard);
    raw_open(&raw, echo.target);
    check_status(call_with(&raw, ECHO, "swordfish"), STATUS_OK);
    check_str(guard.host, "127.0.0.1");
    check_str(guard.path, ECHO);
    check_int(guard.ninside, 0);
    raw_close(&raw);
    echo_close(&echo);
}

test(a_refused_call_ends_as_the_gate_says)
{
    struct guard guard;
    struct echo echo;
    struct pending pending;

    open_guarded(&echo, &guard);
    pending_start(&pending, &echo, ECHO, "proc-1", 5000);
    check_status(pending_wait(&pending), STATUS_PERMISSION_DENIED);
    check_str(pending.st.text, "that is not the word");
    check(str_find(str_from_bytes(pending.details, pending.details_len), "WRONG_WORD") <
          pending.details_len);
    check_int(guard.ninside, 0);
    echo_close(&echo);
}

test(who_is_refused_is_not_told_which_methods_there_are)
{
    static const char *const methods[] = {UNKNOWN, LIST, "/grpc.health.v1.Health/Check",
                                          REFLECTION};
    struct guard guard;
    struct echo echo;
    struct raw raw;

    open_guarded(&echo, &guard);
    raw_open(&raw, echo.target);
    for (size_t i = 0; i < ARRAY_LEN(methods); i++)
        check_status(call_with(&raw, methods[i], "haddock"), STATUS_PERMISSION_DENIED);
    check_status(call_with(&raw, UNKNOWN, "swordfish"), STATUS_UNIMPLEMENTED);
    check_int(guard.ninside, 0);
    raw_close(&raw);
    echo_close(&echo);
}

test(a_call_is_inside_until_it_ends)
{
    struct guard guard;
    struct echo echo;
    struct raw raw;

    open_guarded(&echo, &guard);
    raw_open(&raw, echo.target);
    raw_begin_with(&raw, HOLD, "x-word", "swordfish");
    raw_send(&raw, str_from(""));
    raw_send_close(&raw);
    check(event_wait(&echo.started, 1));
    check_int(guard.ninside, 1);
    rpc_call_end(echo.held, status_error(STATUS_ABORTED, "enough"), NULL);
    check_int(guard.ninside, 0);
    check_status(raw_end(&raw), STATUS_ABORTED);
    raw_close(&raw);
    echo_close(&echo);
}

test(a_caller_by_a_unix_socket_has_no_address)
{
    struct guard guard = {.gate = {admit, leave}, .host = "?"};
    struct echo echo;

    echo_open_unix(&echo, &(struct rpc_server_options){.gate = &guard.gate});
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_PERMISSION_DENIED);
    check_str(guard.host, "");
    echo_close(&echo);
}
