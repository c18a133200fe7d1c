/*
 * tests/unit/rpc/test_server.c - calls from a client of ours to a server of ours.
 */
#include <stdio.h>
#include <string.h>

#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"

test(a_unary_call_gets_its_reply)
{
    struct echo echo;
    const ProtobufCMessage *reply = NULL;

    echo_open(&echo, NULL);
    check_status(echo_call(&echo, ECHO, "proc-1", &reply), STATUS_OK);
    check(reply != NULL && strcmp(((const Pb__Task *)reply)->id, "proc-1") == 0);
    echo_close(&echo);
}

test(a_unix_socket_serves_as_well)
{
    struct echo echo;

    echo_open_unix(&echo, NULL);
    check_int(rpc_server_get_port(echo.server), 0);
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
    echo_close(&echo);
}

test(many_calls_at_a_time_get_their_own_replies)
{
    enum { NCALLS = 500 }; /* more than the server has accepts posted */
    static struct pending calls[NCALLS];
    struct echo echo;
    char id[32];

    echo_open(&echo, NULL);
    for (int i = 0; i < NCALLS; i++) {
        (void)snprintf(id, sizeof(id), "proc-%d", i);
        pending_start(&calls[i], &echo, ECHO, id, 10000);
    }
    for (int i = 0; i < NCALLS; i++) {
        (void)snprintf(id, sizeof(id), "proc-%d", i);
        check_status(pending_wait(&calls[i]), STATUS_OK);
        check_str(calls[i].reply_id, id);
    }
    echo_close(&echo);
}

test(an_unknown_method_is_unimplemented_and_named)
{
    static const char *const paths[] = {
        "/sluice.v1.TaskService/GetTas",
        "/sluice.v1.TaskService/GetTasks",
        "/no.such.Service/GetTask",
        "/sluice.v1.TaskService/",
        "/",
    };
    struct echo echo;
    struct pending pending;
    char text[128];

    echo_open(&echo, NULL);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        pending_start(&pending, &echo, paths[i], "x", 5000);
        check_status(pending_wait(&pending), STATUS_UNIMPLEMENTED);
        (void)snprintf(text, sizeof(text), "there is no method '%s'", paths[i]);
        check_str(pending.st.text, text);
    }
    echo_close(&echo);
}

/* Finds a detail by its type and unpacks it; owned by the caller. */
static void *find_detail(const Google__Rpc__Status *status, const ProtobufCMessageDescriptor *type)
{
    for (size_t i = 0; i < status->n_details; i++) {
        const Google__Protobuf__Any *any = status->details[i];
        if (strcmp(strrchr(any->type_url, '/') + 1, type->name) == 0)
            return protobuf_c_message_unpack(type, NULL, any->value.len, any->value.data);
    }
    return NULL;
}

static void check_details(const Google__Rpc__Status *status)
{
    Google__Rpc__ErrorInfo *info = find_detail(status, &google__rpc__error_info__descriptor);
    Google__Rpc__BadRequest *bad = find_detail(status, &google__rpc__bad_request__descriptor);
    Google__Rpc__RetryInfo *retry = find_detail(status, &google__rpc__retry_info__descriptor);
    Google__Rpc__ResourceInfo *resource =
        find_detail(status, &google__rpc__resource_info__descriptor);

    check(info && bad && retry && resource);
    if (!info || !bad || !retry || !resource)
        return;
    check_str(info->reason, "TASK_BROKEN");
    check_str(info->domain, "sluice");
    check_int(info->n_metadata, 1);
    check_str(info->metadata[0]->key, "state");
    check_str(info->metadata[0]->value, "KILLED");
    check_int(bad->n_field_violations, 2);
    check_str(bad->field_violations[1]->field, "task.name");
    check_str(bad->field_violations[1]->description, "is wrong, too");
    check_int(retry->retry_delay->seconds, 2);
    check_int(retry->retry_delay->nanos, 500000000);
    check_str(resource->resource_type, "task");
    check_str(resource->resource_name, "proc-7");
    google__rpc__error_info__free_unpacked(info, NULL);
    google__rpc__bad_request__free_unpacked(bad, NULL);
    google__rpc__retry_info__free_unpacked(retry, NULL);
    google__rpc__resource_info__free_unpacked(resource, NULL);
}

test(an_error_brings_its_details)
{
    struct echo echo;
    struct pending pending;

    echo_open(&echo, NULL);
    pending_start(&pending, &echo, FAIL, "proc-7", 5000);
    check_status(pending_wait(&pending), STATUS_FAILED_PRECONDITION);
    check_str(pending.st.text, "task 'proc-7' is broken");
    Google__Rpc__Status *status =
        google__rpc__status__unpack(NULL, pending.details_len, (const uint8_t *)pending.details);
    check(status != NULL);
    if (status) {
        check_int(status->code, STATUS_FAILED_PRECONDITION);
        check_str(status->message, "task 'proc-7' is broken");
        check_details(status);
        google__rpc__status__free_unpacked(status, NULL);
    }
    echo_close(&echo);
}

test(details_that_are_too_large_are_left_out)
{
    static char id[6001];
    struct echo echo;
    struct pending pending;

    memset(id, 'x', sizeof(id) - 1);
    echo_open(&echo, NULL);
    pending_start(&pending, &echo, FAIL, id, 5000);
    check_status(pending_wait(&pending), STATUS_FAILED_PRECONDITION);
    Google__Rpc__Status *status =
        google__rpc__status__unpack(NULL, pending.details_len, (const uint8_t *)pending.details);
    check(status && status->n_details == 3); /* all but the resource, which has the id */
    google__rpc__status__free_unpacked(status, NULL);
    echo_close(&echo);
}

test(an_internal_error_shows_a_request_id_only)
{
    struct echo echo;
    struct pending pending;

    echo_open(&echo, NULL);
    pending_start(&pending, &echo, BREAK, "x", 5000);
    struct status st = pending_wait(&pending);
    check_status(st, STATUS_INTERNAL);
    check(strncmp(st.text, "internal error, request id ", 27) == 0);
    check_int(strlen(st.text), 27 + 32);
    check(!memmem(pending.details, pending.details_len, "secret", 6));
    echo_close(&echo);
}

enum { DEADLINE_MS = 1500, ROUNDED_MS = 20 }; /* gRPC tells times in three digits, and rounds up */

test(a_deadline_ends_the_call_and_is_seen_by_its_handler)
{
    struct echo echo;
    struct pending pending;

    echo_open(&echo, NULL);
    check_status(echo_call(&echo, ECHO, "proc-1", NULL),
                 STATUS_OK); /* so that there is a connection */
    pending_start(&pending, &echo, TIME, "", DEADLINE_MS);
    struct status st = pending_wait(&pending);
    check_status(st, STATUS_DEADLINE_EXCEEDED);
    check(strstr(st.text, echo.target) != NULL);
    check(event_wait(&echo.cancelled, 1));
    check(echo.time_left_ms > 0 && echo.time_left_ms <= DEADLINE_MS + ROUNDED_MS);
    echo_close(&echo);
}

test(the_time_left_is_limited)
{
    struct echo echo;
    struct pending pending;

    echo_open(&echo, NULL);
    pending_start(&pending, &echo, TIME, "", 3600000);
    check(event_wait(&echo.started, 1));
    check_int(echo.time_left_ms, RPC_MAX_TIME_LEFT_MS);
    rpc_client_call_cancel(&pending.call);
    check_status(pending_wait(&pending), STATUS_CANCELLED);
    echo_close(&echo);
}

test(a_cancelled_call_is_told_to_its_handler)
{
    struct echo echo;
    struct pending pending;

    echo_open(&echo, NULL);
    pending_start(&pending, &echo, WAIT, "x", 10000);
    check(event_wait(&echo.started, 1));
    rpc_client_call_cancel(&pending.call);
    check_status(pending_wait(&pending), STATUS_CANCELLED);
    check(event_wait(&echo.cancelled, 1));
    rpc_client_call_cancel(&pending.call); /* it has ended: nothing happens */
    echo_close(&echo);
}

test(a_reply_to_a_client_that_is_gone_is_dropped)
{
    Pb__Task task = PB__TASK__INIT;
    struct echo echo;
    struct pending pending;

    echo_open(&echo, NULL);
    pending_start(&pending, &echo, HOLD, "x", 10000);
    check(event_wait(&echo.started, 1));
    rpc_client_call_cancel(&pending.call);
    check_status(pending_wait(&pending), STATUS_CANCELLED);
    rpc_call_end(echo.held, status_ok(), &task.base);
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
    echo_close(&echo);
}

test(a_taken_port_is_an_error_that_names_it)
{
    struct echo echo;
    struct rpc_server *second = NULL;

    echo_open(&echo, NULL);
    struct rpc_server_options options = {.listen = echo.target, .loop = echo.loop};
    struct status st = rpc_server_create(&options, &second);
    check_status(st, STATUS_UNAVAILABLE);
    check(strstr(st.text, echo.target) != NULL);
    check(second == NULL);
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
    echo_close(&echo);
}

test(a_socket_in_use_is_taken_and_a_stale_one_is_replaced)
{
    struct echo echo;
    struct rpc_server *second = NULL;

    echo_open_unix(&echo, NULL);
    struct rpc_server_options options = {.listen = echo.target, .loop = echo.loop};
    check_status(rpc_server_create(&options, &second), STATUS_UNAVAILABLE);
    rpc_server_destroy(echo.server);
    echo.server = NULL;
    check_status(rpc_server_create(&options, &echo.server), STATUS_OK);
    echo_close(&echo);
}

test(a_path_too_long_for_a_socket_is_refused)
{
    char listen[256] = "unix:/tmp/";
    struct rpc_loop *loop;
    struct rpc_server *server = NULL;
    struct rpc_server_options options = {.listen = listen};

    memset(listen + strlen(listen), 'x', 200);
    check_status(rpc_loop_create(1, &loop), STATUS_OK);
    options.loop = loop;
    check_status(rpc_server_create(&options, &server), STATUS_UNAVAILABLE);
    rpc_loop_destroy(loop);
}
