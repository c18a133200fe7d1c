/*
 * gateway/lease_refusal.h - what was leased, and cannot be handed out: the secrets that go with it do not open here.
 *
 * The worker is told that there is no work. A job waits and is tried again, as after any other passing failure, perhaps by a
 * gateway that has the key; it says what stands in its way. A check ends with that.
 */
#ifndef GATEWAY_LEASE_REFUSAL_H
#define GATEWAY_LEASE_REFUSAL_H

#include "base/status.h"
#include "sluice/worker/v1/worker_service.pb-c.h"

struct rpc_call;

/* Both end the call. st is why. */
void lease_refusal_end_job(struct rpc_call *call, const Pb__LeasedJob *job, struct status st);
void lease_refusal_end_check(struct rpc_call *call, const char *worker_id,
                             const Pb__LeasedCheck *check, struct status st);

#endif
