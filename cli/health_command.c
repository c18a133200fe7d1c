/*
 * cli/health_command.c - sluice healthcheck ...: do the programs serve? For container engines and orchestrators, too.
 */
#include <stdio.h>

#include "cli/command.h"
#include "cli/http_probe.h"
#include "cli/session.h"
#include "grpc/health/v1/health.pb-c.h"

enum { EXIT_NOT_SERVING = 1 };

/* TLS as rest and worker serve it, which may do without it where the gateway does not. */
static struct tls_paths make_paths(const struct cli_settings *settings)
{
    struct tls_paths paths = settings->tls;

    paths.ca = settings->health_ca;
    return paths;
}

/* grpc.health.v1 at one address. */
static struct status check_grpc(const struct cli_settings *settings, const char *address,
                                const struct tls_paths *tls, int *ret_exit)
{
    Grpc__Health__V1__HealthCheckRequest request = GRPC__HEALTH__V1__HEALTH_CHECK_REQUEST__INIT;
    struct cli_settings there = *settings;
    struct session *session = NULL;
    const ProtobufCMessage *reply = NULL;

    there.gateway = address;
    there.tls = *tls;
    struct status st = session_open(&there, &session);
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

static struct status check_gateway(const struct cli_settings *settings, const char *const *operands,
                                   int *ret_exit)
{
    (void)operands;
    return check_grpc(settings, settings->gateway, &settings->tls, ret_exit);
}

static struct status check_worker(const struct cli_settings *settings, const char *const *operands,
                                  int *ret_exit)
{
    struct tls_paths tls = make_paths(settings);

    (void)operands;
    return check_grpc(settings, settings->worker, &tls, ret_exit);
}

static struct status check_rest(const struct cli_settings *settings, const char *const *operands,
                                int *ret_exit)
{
    int http_status = 0;
    struct tls_paths tls = make_paths(settings);
    struct status st =
        http_probe_get(settings->rest, "/readyz", &tls, settings->timeout_ms, &http_status);

    (void)operands;
    if (st.code != STATUS_OK)
        return st;
    if (http_status == 200) {
        (void)printf("SERVING\n");
    } else {
        (void)printf("NOT_SERVING: /readyz says %d\n", http_status);
        *ret_exit = EXIT_NOT_SERVING;
    }
    return st;
}

const struct command health_commands[] = {
    {"healthcheck", "rest", "", 0, "ask sluice-rest at --rest", check_rest},
    {"healthcheck", "worker", "", 0, "ask sluice-worker at --worker, its --health-listen",
     check_worker},
    {"healthcheck", "", "", 0, "ask the gateway whether it serves; exit code 1 if not",
     check_gateway},
    {0},
};
