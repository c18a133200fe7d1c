/*
 * cli/health_command.c - sluice healthcheck: is the gateway serving?
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/session.h"
#include "grpc/health/v1/health.pb-c.h"

enum { EXIT_NOT_SERVING = 1 };

static struct status healthcheck(const struct cli_settings *settings, const char *const *operands,
                                 int *ret_exit)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct session *session = NULL;
    const ProtobufCMessage *reply = NULL;
    struct status st = session_open(settings, &session);

    (void)operands;
    if (st.code != STATUS_OK)
        return st;
    st = session_call(session, "/grpc.health.v1.Health/Check", &request.base,
                      &grpc__health__v1__health_check_response__descriptor, &reply);
    if (st.code == STATUS_OK) {
        const Grpc__Health__V1__HealthCheckResponse *health =
            (const Grpc__Health__V1__HealthCheckResponse *)reply;
        const ProtobufCEnumValue *value = protobuf_c_enum_descriptor_get_value(
            &grpc__health__v1__health_check_response__serving_status__descriptor,
            (int)health->status);
        (void)printf("%s\n", value ? value->name : "UNKNOWN");
        if (health->status != GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING)
            *ret_exit = EXIT_NOT_SERVING;
    }
    session_close(session);
    return st;
}

const struct command health_commands[] = {
    {"healthcheck", "", "", 0, "ask the gateway whether it serves; exit code 1 if not",
     healthcheck},
    {0},
};
