/*
 * tests/unit/rpc/test_server.c - calls from a client of ours to a server of ours.
 */
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

    echo_open_unix(&echo);
    check_int(rpc_server_get_port(echo.server), 0);
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
    echo_close(&echo);
}

test(an_unknown_method_is_unimplemented)
{
    struct echo echo;
    struct pending pending;

    echo_open(&echo, NULL);
    pending_start(&pending, &echo, "/sluice.v1.TaskService/GetTas", "x", 5000);
    struct status st = pending_wait(&pending);
    check_status(st, STATUS_UNIMPLEMENTED);
    check_str(st.text, "there is no method '/sluice.v1.TaskService/GetTas'");
    echo_close(&echo);
}
