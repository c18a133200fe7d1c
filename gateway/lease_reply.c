#include "gateway/lease_reply.h"

#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/enum_text.h"
#include "gateway/gateway.h"
#include "gateway/gateway_status.h"
#include "gateway/lease_refusal.h"
#include "gateway/source_secrets.h"
#include "rpc/call.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "store/row.h"

static void set_duration(Google__Protobuf__Duration *duration, int64_t ms)
{
    duration->seconds = ms / 1000;
    duration->nanos = (int32_t)(ms % 1000) * 1000000;
}

/* Both data sources, which a row of job_lease has. */
static struct status open_secrets(struct rpc_call *call, const Pb__LeasedJob *job)
{
    struct status st = source_secrets_open(call, job->source);

    return st.code == STATUS_OK ? source_secrets_open(call, job->destination) : st;
}

void lease_reply_end_with_job(struct rpc_call *call, const char *worker_id, int64_t lease_ms,
                              const struct pg_result *rows, size_t row)
{
    Pb__LeaseJobResponse reply = PB__LEASE_JOB_RESPONSE__INIT;
    Pb__LeasedJob job = PB__LEASED_JOB__INIT; /* its texts are borrowed from rows */
    Google__Protobuf__Duration lease = GOOGLE__PROTOBUF__DURATION__INIT;
    struct status st = row_read(rows, row, "", rpc_call_get_arena(call), &job.base);

    if (st.code == STATUS_OK) {
        struct status opened = open_secrets(call, &job);
        if (opened.code != STATUS_OK) {
            lease_refusal_end_job(call, &job, opened);
            return;
        }
    }
    set_duration(&lease, lease_ms);
    job.lease_duration = &lease;
    reply.job = &job;
    const struct gateway *gateway = rpc_call_get_self(call);
    if (st.code == STATUS_OK)
        gateway_status_count_lease(gateway->metrics,
                                   enum_text_find(&pb__job_role__descriptor, (int)job.role),
                                   job.attempt, row_get_int(rows, row, "note/taken_over") != 0);
    if (st.code == STATUS_OK)
        log_debug("job leased", log_str("job", job.id), log_str("task", job.task_id),
                  log_str("trace_id", job.task ? job.task->trace_id : ""),
                  log_str("worker", worker_id), log_int("attempt", job.attempt));
    if (FAILPOINT("gateway.after-lease"))
        st = status_error(STATUS_UNAVAILABLE, "the answer was lost");
    rpc_call_end(call, st, &reply.base);
}

void lease_reply_end_with_check(struct rpc_call *call, const char *worker_id,
                                const struct pg_result *rows)
{
    Pb__LeaseJobResponse reply = PB__LEASE_JOB_RESPONSE__INIT;
    Pb__LeasedCheck check = PB__LEASED_CHECK__INIT; /* its texts are borrowed from rows */
    Google__Protobuf__Duration timeout = GOOGLE__PROTOBUF__DURATION__INIT;
    struct status st = row_read(rows, 0, "", rpc_call_get_arena(call), &check.base);

    if (st.code == STATUS_OK) {
        struct status opened = source_secrets_open(call, check.data_source);
        if (opened.code != STATUS_OK) {
            lease_refusal_end_check(call, worker_id, &check, opened);
            return;
        }
    }
    set_duration(&timeout, row_get_int(rows, 0, "note/timeout_ms"));
    check.timeout = &timeout;
    reply.check = &check;
    if (st.code == STATUS_OK)
        log_debug("check leased", log_str("check", check.id), log_str("worker", worker_id));
    rpc_call_end(call, st, &reply.base);
}

void lease_reply_end_with_none(struct rpc_call *call)
{
    Pb__LeaseJobResponse reply = PB__LEASE_JOB_RESPONSE__INIT;

    rpc_call_end(call, status_ok(), &reply.base);
}
