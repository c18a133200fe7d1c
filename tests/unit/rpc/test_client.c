/*
 * tests/unit/rpc/test_client.c - what a client does when things are not as they should be.
 */
#include <string.h>

#include "base/compiler.h"
#include "rpc/caller.h"
#include "rpc/client_error.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"

/* Starts the server of a closed echo again, at the same socket. */
static void serve_again(struct echo *echo)
{
    static const struct rpc_service *const services[] = {&echo_service};
    struct rpc_server_options options = {
        .listen = echo->target,
        .loop = echo->loop,
        .services = services,
        .nservices = 1,
        .self = echo,
    };

    check_status(rpc_server_create(&options, &echo->server), STATUS_OK);
}

static void stop_serving(struct echo *echo)
{
    rpc_server_destroy(echo->server);
    echo->server = NULL;
}

test(a_dead_target_is_named_without_addresses)
{
    struct echo echo;

    echo_open(&echo, NULL);
    stop_serving(&echo);
    struct status st = echo_call(&echo, ECHO, "proc-1", NULL);
    check_status(st, STATUS_UNAVAILABLE);
    check(strstr(st.text, echo.target) != NULL);
    check(strstr(st.text, "refused") != NULL);
    check(!strstr(st.text, "ipv4"));
    echo_close(&echo);
}

/* Lets in whose headers say so. */
static struct status admit_with_headers(struct rpc_gate *gate, struct rpc_call *call)
{
    (void)gate;
    if (str_is(rpc_caller_find_metadata(call, "x-one"), "1") &&
        str_is(rpc_caller_find_metadata(call, "x-two"), "two words"))
        return status_ok();
    return status_error(STATUS_PERMISSION_DENIED, "the headers are missing");
}

static const struct rpc_header two_headers[] = {{"x-one", {"1", 1}}, {"x-two", {"two words", 9}}};

test(a_call_sends_its_headers)
{
    struct rpc_gate gate = {.admit = admit_with_headers};
    struct echo echo;
    struct pending pending;

    echo_open(&echo, &(struct rpc_server_options){.gate = &gate});
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_PERMISSION_DENIED);
    pending_start_with(&pending, &echo, ECHO, two_headers, ARRAY_LEN(two_headers));
    check_status(pending_wait(&pending), STATUS_OK);
    echo_close(&echo);
}

test(a_call_that_waits_is_made_when_the_server_comes)
{
    struct echo echo;
    struct pending pending;

    echo_open_unix(&echo, NULL);
    stop_serving(&echo);
    pending_start_waiting(&pending, &echo, ECHO, "proc-1", 10000);
    serve_again(&echo);
    check_status(pending_wait(&pending), STATUS_OK);
    check_str(pending.reply_id, "proc-1");
    echo_close(&echo);
}

test(a_call_that_waits_in_vain_ends_by_its_deadline)
{
    struct echo echo;
    struct pending pending;

    echo_open_unix(&echo, NULL);
    stop_serving(&echo);
    pending_start_waiting(&pending, &echo, ECHO, "proc-1", 300);
    struct status st = pending_wait(&pending);
    check_status(st, STATUS_DEADLINE_EXCEEDED);
    check(strstr(st.text, "did not answer within 300 ms") != NULL);
    echo_close(&echo);
}

test(a_channel_outlives_its_server)
{
    struct echo echo;
    struct pending pending;

    echo_open_unix(&echo, NULL);
    for (int i = 0; i < 3; i++) {
        check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
        stop_serving(&echo);
        check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_UNAVAILABLE);
        serve_again(&echo);
        pending_start_waiting(&pending, &echo, ECHO, "proc-2", 10000);
        check_status(pending_wait(&pending), STATUS_OK);
    }
    echo_close(&echo);
}

test(a_call_that_is_cancelled_while_it_waits_for_a_connection_ends)
{
    struct echo echo;
    struct pending pending;

    echo_open_unix(&echo, NULL);
    stop_serving(&echo);
    pending_start_waiting(&pending, &echo, ECHO, "proc-1", 10000);
    rpc_client_call_cancel(&pending.call);
    check_status(pending_wait(&pending), STATUS_CANCELLED);
    echo_close(&echo);
}

test(a_reply_over_the_limit_is_refused)
{
    static char id[5000];
    struct echo echo;
    struct pending pending;

    memset(id, 'x', sizeof(id) - 1);
    echo_open(&echo, NULL);
    rpc_channel_close(echo.channel);
    struct rpc_channel_options options = {
        .target = echo.target,
        .loop = echo.loop,
        .max_message_bytes = 4096,
    };
    echo.channel = rpc_channel_open(&options);
    pending_start(&pending, &echo, ECHO, id, 10000);
    check_status(pending_wait(&pending), STATUS_RESOURCE_EXHAUSTED);
    id[4000] = '\0';
    pending_start(&pending, &echo, ECHO, id, 10000);
    check_status(pending_wait(&pending), STATUS_OK);
    echo_close(&echo);
}

test(a_reply_that_fills_the_arena_is_refused)
{
    struct echo echo;

    echo_open(&echo, NULL);
    arena_destroy(echo.arena);
    echo.arena = arena_create(64);
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_RESOURCE_EXHAUSTED);
    echo_close(&echo);
}

test(a_reply_of_another_type_is_an_internal_error)
{
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;
    const ProtobufCMessage *reply = NULL;
    struct echo echo;

    echo_open(&echo, NULL);
    struct rpc_request wanted = {
        .channel = echo.channel,
        .method = ECHO,
        .message = &request.base,
        .reply_type = &pb__list_tasks_request__descriptor, /* its first field is a number */
        .timeout_ms = 10000,
    };
    request.id = (char *)(uintptr_t)"proc-1"; /* is only read */
    struct status st = rpc_client_call_wait(&wanted, echo.arena, &reply);
    check_status(st, STATUS_INTERNAL);
    check(strstr(st.text, "field 'page_size' has the wrong wire type") != NULL);
    check(reply == NULL);
    echo_close(&echo);
}

/* A call that is submitted again from its own on_done. */
struct chain {
    struct rpc_client_call call;
    struct event done;
    unsigned nleft;
    struct status st;
};

static void chain_next(struct rpc_client_call *call, struct status st,
                       const ProtobufCMessage *reply)
{
    struct chain *chain = container_of(call, struct chain, call);
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;

    chain->st = st;
    chain->nleft--;
    if (st.code != STATUS_OK || chain->nleft == 0) {
        event_add(&chain->done);
        return;
    }
    request.id = ((const Pb__Task *)reply)->id;
    rpc_client_call_submit(call, &request.base);
}

test(a_call_may_be_submitted_again_when_it_is_done)
{
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;
    struct echo echo;
    struct chain chain = {.nleft = 200};

    echo_open(&echo, NULL);
    event_init(&chain.done);
    chain.call = (struct rpc_client_call){
        .channel = echo.channel,
        .method = ECHO,
        .reply_type = &pb__task__descriptor,
        .timeout_ms = 10000,
        .on_done = chain_next,
    };
    request.id = (char *)(uintptr_t)"proc-1"; /* is only read */
    rpc_client_call_submit(&chain.call, &request.base);
    check(event_wait(&chain.done, 1));
    check_status(chain.st, STATUS_OK);
    check_int(chain.nleft, 0);
    echo_close(&echo);
}

test(a_failure_is_described_for_whoever_called)
{
    static const struct {
        int code;
        bool is_of_server;
        const char *text;
        int expected_code;
        const char *expected;
    } cases[] = {
        {14, false,
         "failed to connect to all addresses; last error: UNKNOWN: ipv4:10.0.0.1:1: Failed to "
         "connect to remote host: Connection refused",
         14, "'gw:50051' cannot be reached: connection refused"},
        {14, false, "DNS resolution failed for gw:50051: Domain name not found", 14,
         "'gw:50051' cannot be reached: domain name not found"},
        {14, false, "Socket closed", 14, "'gw:50051' cannot be reached: socket closed"},
        {14, false, "GOAWAY received", 14, "'gw:50051' cannot be reached: GOAWAY received"},
        {14, false, "x: A", 14, "'gw:50051' cannot be reached: A"},
        {14, false, "", 14, "'gw:50051' cannot be reached: no reason given"},
        {14, false, "x: ipv6:%5B::1%5D:50051", 14, "'gw:50051' cannot be reached: no reason given"},
        {14, false, "x: ", 14, "'gw:50051' cannot be reached: no reason given"},
        {13, false, "unix:/run/x: Broken pipe", 13, "'gw:50051' cannot be reached: broken pipe"},
        {14, true, "the database: ipv4:1 is down", 14, "the database: ipv4:1 is down"},
        {4, false, "Deadline Exceeded", 4, "'gw:50051' did not answer within 250 ms"},
        {4, true, "the query took too long", 4, "the query took too long"},
        {1, false, "CANCELLED", 14, "'gw:50051' has dropped the call"},
        {1, true, "the worker is gone", 1, "the worker is gone"},
        {8, false, "Received message larger than max", 8, "Received message larger than max"},
        {99, false, "no such code", 2, "no such code"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct rpc_failure failure = {
            .code = cases[i].code,
            .text = str_from(cases[i].text),
            .is_of_server = cases[i].is_of_server,
            .target = "gw:50051",
            .timeout_ms = 250,
        };
        struct status st = rpc_failure_describe(&failure);
        check_str(st.text, cases[i].expected);
        check_int(st.code, cases[i].expected_code);
    }
}
