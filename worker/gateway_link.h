/*
 * worker/gateway_link.h - the worker's calls to the gateway, blocking and patient.
 */
#ifndef WORKER_GATEWAY_LINK_H
#define WORKER_GATEWAY_LINK_H

#include "base/status.h"
#include "base/stop.h"
#include "base/trace_context.h"
#include "rpc/client.h"
#include "sluice/worker/v1/worker_service.pb-c.h"

/* A method of sluice.worker.v1.WorkerService. */
struct link_method {
    const char *path;
    const ProtobufCMessageDescriptor *reply_type;
};

extern const struct link_method link_report_job;
extern const struct link_method link_report_bad_rows;
extern const struct link_method link_report_differences;
extern const struct link_method link_finish_job;
extern const struct link_method link_exchange_job;
extern const struct link_method link_finish_check;

/* Who calls: over which channel, and for which trace, if for one. */
struct link_caller {
    struct rpc_channel *channel;
    struct trace_context trace;
};

/*
 * Calls once. *ret_reply is owned by the caller (protobuf_c_message_free_unpacked with a NULL allocator); may be NULL.
 * The call ends early, as CANCELLED, within about 0.1 s of a request to stop; stop may be NULL. Blocks.
 */
struct status link_call(const struct link_caller *caller, const struct link_method *method,
                        const ProtobufCMessage *request, unsigned timeout_ms,
                        const struct stop *stop, ProtobufCMessage **ret_reply) MUST_CHECK;

/*
 * Calls until the gateway has answered: what may pass (it is down or restarting, the database is away, the outcome is
 * not known) is tried again after a pause. All methods may be repeated. *ret_reply as by link_call. CANCELLED: stop was
 * requested.
 */
struct status link_call_until_answered(const struct link_caller *caller,
                                       const struct link_method *method,
                                       const ProtobufCMessage *request, const struct stop *stop,
                                       ProtobufCMessage **ret_reply) MUST_CHECK;

enum { LINK_LEASE_WAIT_S = 20 }; /* for how long a question is out if there is no work */

/* Who asks for work, and what it can do: capabilities[0 .. ncapabilities). */
struct link_worker {
    struct rpc_channel *channel;
    const char *worker_id;
    const char *const *capabilities;
    size_t ncapabilities;
};

/*
 * Waits for work, wait_s at most, and less when stop is requested: then *ret_leased is NULL and the status OK, as if
 * there were none. *ret_leased is owned by the caller (pb__lease_job_response__free_unpacked), and NULL on an error. Blocks.
 */
struct status link_lease(const struct link_worker *worker, unsigned wait_s, const struct stop *stop,
                         Pb__LeaseJobResponse **ret_leased) MUST_CHECK;

/* Gives back the lease of a job. If the gateway does not answer within a second, it ends by itself. Blocks. */
void link_release(struct rpc_channel *channel, const Pb__LeasedJob *job);

/* The same for a job that was not begun, and frees it. */
void link_give_back(struct rpc_channel *channel, Pb__LeaseJobResponse *leased);

#endif
