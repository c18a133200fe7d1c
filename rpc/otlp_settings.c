#include "rpc/otlp_settings.h"

#include <stdbool.h>

#include "base/host_port.h"
#include "base/number.h"
#include "base/str.h"
#include "base/tls_files.h"
#include "rpc/otlp.h"

/* As OpenTelemetry's own settings have it; without a scheme it is what a channel takes (rpc/channel.h). */
static const char plain_scheme[] = "http://";
static const char tls_scheme[] = "https://";

struct endpoint {
    const char *target;
    bool has_scheme;
    bool has_tls;
};

static struct endpoint read_endpoint(const char *text)
{
    if (str_has_prefix(str_from(text), tls_scheme))
        return (struct endpoint){text + sizeof(tls_scheme) - 1, true, true};
    if (str_has_prefix(str_from(text), plain_scheme))
        return (struct endpoint){text + sizeof(plain_scheme) - 1, true, false};
    return (struct endpoint){text, false, false};
}

void otlp_settings_validate(const struct otlp_settings *settings, struct buf *errors)
{
    struct str host;
    struct str port;
    int64_t number = 0;

    if (!settings->endpoint)
        return;
    struct endpoint endpoint = read_endpoint(settings->endpoint);
    if (endpoint.has_scheme &&
        (!host_port_cut(endpoint.target, &host, &port) ||
         number_read("port", port, 1, UINT16_MAX, &number).code != STATUS_OK))
        buf_printf(errors,
                   "otlp-endpoint: '%.100s' is not like collector.example:4317, or "
                   "https://collector.example:4317\n",
                   settings->endpoint);
}

struct status otlp_settings_start(const struct otlp_settings *settings, const char *service_name,
                                  struct rpc_loop *loop, struct metrics *metrics, struct otlp **ret)
{
    const struct tls_paths paths = {.ca = settings->ca};
    struct tls_files *tls = NULL;
    struct status st = status_ok();

    *ret = NULL;
    if (!settings->endpoint)
        return st;
    struct endpoint endpoint = read_endpoint(settings->endpoint);
    if (endpoint.has_tls)
        st = tls_files_open(TLS_EXPORTER, &paths, &tls);
    if (st.code != STATUS_OK)
        return st;
    return otlp_start(
        &(struct otlp_options){
            .endpoint = endpoint.target,
            .tls = tls,
            .service_name = service_name,
            .root_ratio = settings->one_in > 0 ? 1.0 / (double)settings->one_in : 0,
            .loop = loop,
            .metrics = metrics,
        },
        ret);
}
