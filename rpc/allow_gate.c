#include "rpc/allow_gate.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "rpc/caller.h"

bool allow_gate_has(const struct cidr_list *allowed, struct rpc_call *call)
{
    struct cidr_address address;

    if (allowed->count == 0)
        return true;
    const char *host = rpc_caller_copy_host(call);
    if (*host == '\0')
        return true;
    return cidr_read_address(str_from(host), &address) && cidr_list_has(allowed, &address);
}

static struct status admit(struct rpc_gate *base, struct rpc_call *call)
{
    struct allow_gate *gate = container_of(base, struct allow_gate, gate);
    unsigned nskipped;

    if (allow_gate_has(&gate->allowed, call))
        return status_ok();
    if (log_limit_pass(&gate->refusals, clock_get_monotonic_ms(), &nskipped))
        log_warn("call refused", log_str("error", "its address is not allowed"),
                 log_str("peer", rpc_caller_copy_host(call)), log_int("not_logged", nskipped));
    return status_error(STATUS_PERMISSION_DENIED, "permission denied");
}

void allow_gate_init(struct allow_gate *gate, const struct cidr_list *allowed)
{
    *gate = (struct allow_gate){.gate = {.admit = admit}, .allowed = *allowed};
}
