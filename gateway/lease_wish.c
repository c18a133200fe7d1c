#include "gateway/lease_wish.h"

#include "gateway/worker_id.h"
#include "spec/violations.h"

/* A duration in milliseconds, from 0 to LEASE_MAX_WAIT_MS; what is not whole is cut. */
static int64_t read_wait(const Google__Protobuf__Duration *wait, struct violations *violations)
{
    if (!wait)
        return 0;
    bool is_right = wait->seconds >= 0 && wait->seconds <= LEASE_MAX_WAIT_MS / 1000 &&
                    wait->nanos >= 0 && wait->nanos <= 999999999;
    int64_t wait_ms = is_right ? wait->seconds * 1000 + wait->nanos / 1000000 : 0;

    if (!is_right || wait_ms > LEASE_MAX_WAIT_MS)
        violations_add(violations, "wait_duration", "wait_duration is not from 0 to %d s",
                       LEASE_MAX_WAIT_MS / 1000);
    return wait_ms;
}

void lease_wish_read(const Pb__LeaseJobRequest *request, struct arena *arena,
                     struct violations *violations, struct lease_wish *ret)
{
    ret->worker_id = request->worker_id;
    ret->wait_ms = read_wait(request->wait_duration, violations);
    worker_id_validate(request->worker_id, violations);
    capability_set_read(request->capabilities, request->n_capabilities, arena, violations,
                        &ret->capabilities);
}
