/*
 * tests/unit/rpc/test_health.c - the health service of a server.
 */
#include "grpc/health/v1/health.pb-c.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"
#include "tests/unit/rpc/raw_client.h"

#define SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
#define NOT_SERVING GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING
#define SERVICE_UNKNOWN GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN

/* Check's answer, or -1 when it fails; *ret_st is its status. */
static int ask(struct echo *echo, const char *service, struct status *ret_st)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    const ProtobufCMessage *reply = NULL;
    struct rpc_request wanted = {
        .channel = echo->channel,
        .method = "/grpc.health.v1.Health/Check",
        .message = &request.base,
        .reply_type = &grpc__health__v1__health_check_response__descriptor,
        .timeout_ms = 10000,
    };

    request.service = (char *)(uintptr_t)service; /* is only read */
    *ret_st = rpc_client_call_wait(&wanted, echo->arena, &reply);
    if (ret_st->code != STATUS_OK)
        return -1;
    return (int)((const Grpc__Health__V1__HealthCheckResponse *)reply)->status;
}

test(check_answers_for_the_server_and_each_service)
{
    struct echo echo;
    struct status st;

    echo_open(&echo, NULL);
    check_int(ask(&echo, "", &st), SERVING);
    check_int(ask(&echo, "sluice.v1.TaskService", &st), SERVING);
    rpc_server_set_serving(echo.server, false);
    check_int(ask(&echo, "", &st), NOT_SERVING);
    check_int(ask(&echo, "sluice.v1.TaskService", &st), NOT_SERVING);
    check_int(ask(&echo, "sluice.v1.DataSourceService", &st), -1);
    check_status(st, STATUS_NOT_FOUND);
    echo_close(&echo);
}

static void begin_watch(struct raw *raw, const char *service)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;

    request.service = (char *)(uintptr_t)service; /* is only read */
    raw_begin(raw, "/grpc.health.v1.Health/Watch");
    raw_send_message(raw, &request.base);
    raw_send_close(raw);
}

/* The next answer of a watch, or -1 when it has ended. */
static int take_answer(struct raw *raw)
{
    struct buf bytes = {0};
    int answer = -1;

    if (raw_receive(raw, &bytes)) {
        Grpc__Health__V1__HealthCheckResponse *reply =
            grpc__health__v1__health_check_response__unpack(NULL, bytes.len,
                                                            (const uint8_t *)bytes.data);
        if (reply)
            answer = (int)reply->status;
        grpc__health__v1__health_check_response__free_unpacked(reply, NULL);
    }
    buf_deinit(&bytes);
    return answer;
}

test(a_watch_follows_each_change_until_the_server_stops)
{
    struct echo echo;
    struct raw raw;

    echo_open(&echo, NULL);
    raw_open(&raw, echo.target);
    begin_watch(&raw, "sluice.v1.TaskService");
    check_int(take_answer(&raw), SERVING);
    rpc_server_set_serving(echo.server, false);
    check_int(take_answer(&raw), NOT_SERVING);
    rpc_server_set_serving(echo.server, false); /* no change, nothing is sent */
    rpc_server_set_serving(echo.server, true);
    check_int(take_answer(&raw), SERVING);
    rpc_server_stop(echo.server, 60000);
    check_int(take_answer(&raw), NOT_SERVING);
    check_int(take_answer(&raw), -1);
    check_status(raw_end(&raw), STATUS_UNAVAILABLE);
    raw_close(&raw);
    echo_close(&echo);
}

test(a_watch_of_an_unknown_service_says_so_and_stays)
{
    struct echo echo;
    struct raw raw;

    echo_open(&echo, NULL);
    raw_open(&raw, echo.target);
    begin_watch(&raw, "no.such.Service");
    check_int(take_answer(&raw), SERVICE_UNKNOWN);
    rpc_server_set_serving(echo.server, false); /* not told: it knows nothing of this service */
    raw_cancel(&raw);
    check_int(take_answer(&raw), -1);
    check_status(raw_end(&raw), STATUS_CANCELLED);
    raw_close(&raw);
    echo_close(&echo);
}

test(a_watch_that_is_left_does_not_disturb_the_others)
{
    struct echo echo;
    struct raw left;
    struct raw stays;

    echo_open(&echo, NULL);
    raw_open(&left, echo.target);
    raw_open(&stays, echo.target);
    begin_watch(&left, "");
    begin_watch(&stays, "");
    check_int(take_answer(&left), SERVING);
    check_int(take_answer(&stays), SERVING);
    raw_cancel(&left);
    check_status(raw_end(&left), STATUS_CANCELLED);
    for (int i = 0; i < 50; i++) {
        rpc_server_set_serving(echo.server, i % 2 != 0);
        check_int(take_answer(&stays), i % 2 != 0 ? SERVING : NOT_SERVING);
    }
    raw_cancel(&stays);
    check_status(raw_end(&stays), STATUS_CANCELLED);
    raw_close(&left);
    raw_close(&stays);
    echo_close(&echo);
}
