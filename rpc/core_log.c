#include "rpc/core_log.h"

#include <stddef.h>

#include <grpc/support/log.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/log_limit.h"
#include "base/str.h"

/* How core begins to complain of a peer, which may have it do so as often as it likes. */
static const char *const peer_faults[] = {"Error parsing metadata"};
static const char HANDSHAKE_FAULT[] = "Handshake failed";

/* Core's function has no place for what is its user's. */
static struct log_limit handshakes;

/* The reason is what comes last: "... error:0A000086:SSL routines::certificate verify failed". */
static struct str find_reason(struct str text)
{
    size_t at;

    while ((at = str_find(text, ":")) < text.len)
        text = str_skip(text, at + 1);
    return str_trim(text);
}

/* Somebody who cannot speak TLS as we want it, whichever side began. Core does not say who. */
static void log_handshake(struct str text)
{
    unsigned nskipped;

    if (log_limit_pass(&handshakes, clock_get_monotonic_ms(), &nskipped))
        log_warn("a handshake has failed", log_text("error", find_reason(text)),
                 log_int("not_logged", nskipped));
}

/* Core's errors are not ours: we go on. */
static void log_core(gpr_log_func_args *args)
{
    struct str text = str_from(args->message);
    enum log_level level = args->severity == GPR_LOG_SEVERITY_ERROR ? LOG_WARN : LOG_DEBUG;

    if (str_has_prefix(text, HANDSHAKE_FAULT)) {
        log_handshake(text);
        return;
    }
    for (size_t i = 0; i < ARRAY_LEN(peer_faults); i++) {
        if (str_has_prefix(text, peer_faults[i]))
            level = LOG_DEBUG;
    }
    log_write(level, "grpc", LOG_FIELDS(log_text("text", text)));
}

void rpc_core_log_set(void)
{
    gpr_set_log_function(log_core);
}
