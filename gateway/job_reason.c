#include "gateway/job_reason.h"

#include <inttypes.h>

enum { MS_PER_S = 1000 };

#define REASON(name) PB__JOB_REASON__JOB_REASON_##name

static void append_seconds(struct buf *text, int64_t ms)
{
    buf_printf(text, "%" PRId64 ".%" PRId64 " s", ms / MS_PER_S, ms % MS_PER_S / 100);
}

static void append_text(struct buf *text, const char *before, struct str more)
{
    if (more.len == 0)
        return;
    buf_append_text(text, before);
    buf_append_str(text, more);
}

static Pb__JobReason tell_waiting(const struct job_facts *facts, struct buf *text)
{
    buf_printf(text, "waits for earlier steps, of which %" PRId64 " jobs are not done",
               facts->nearlier);
    return REASON(EARLIER_STEP);
}

static Pb__JobReason tell_backoff(const struct job_facts *facts, struct buf *text)
{
    buf_printf(text, "try %" PRId64 " did not succeed; the next one may begin in ", facts->attempt);
    append_seconds(text, facts->left_ms);
    append_text(text, ": ", facts->message);
    return REASON(BACKOFF);
}

static Pb__JobReason tell_leasable(const struct job_facts *facts, struct buf *text)
{
    if (facts->nwaiting > 0) {
        buf_append_text(text, "is about to be given to a worker that waits");
        return REASON(STARTING);
    }
    append_text(text, "waits for a worker that can do ", facts->capability);
    if (facts->nrunning == 0) {
        buf_append_text(text, ": none waits at this gateway, and none does such jobs now; is one "
                              "started, and connected?");
        return REASON(NO_WORKER);
    }
    buf_printf(text,
               ": all that are known are at work, on %" PRId64 " jobs; %" PRId64
               " wait, this one among them",
               facts->nrunning, facts->nleasable);
    return REASON(WORKERS_BUSY);
}

static Pb__JobReason tell_running(const struct job_facts *facts, struct buf *text)
{
    append_text(text, "is done by worker ", facts->worker_id);
    buf_printf(text, ", try %" PRId64 ", whose lease is good for ", facts->attempt);
    append_seconds(text, facts->left_ms);
    append_text(text, "; it says: ", facts->message);
    return REASON(RUNNING);
}

static Pb__JobReason tell_lost(const struct job_facts *facts, struct buf *text)
{
    append_text(text, "was given to worker ", facts->worker_id);
    buf_append_text(text, ", whose lease ended ");
    append_seconds(text, -facts->left_ms);
    buf_append_text(text, " ago without a report; the next worker that asks gets it");
    if (facts->nwaiting == 0 && facts->nrunning == 0)
        append_text(text, ", and none is known that can do ", facts->capability);
    return REASON(LEASE_ENDED);
}

Pb__JobReason job_reason_tell(const struct job_facts *facts, struct buf *ret_text)
{
    if (str_is(facts->state, "WAITING"))
        return tell_waiting(facts, ret_text);
    if (str_is(facts->state, "READY"))
        return facts->left_ms >= 0 ? tell_backoff(facts, ret_text) : tell_leasable(facts, ret_text);
    if (str_is(facts->state, "RUNNING"))
        return facts->left_ms >= 0 ? tell_running(facts, ret_text) : tell_lost(facts, ret_text);
    buf_printf(ret_text, "failed at try %" PRId64, facts->attempt);
    append_text(ret_text, ": ", facts->message);
    buf_append_text(ret_text, "; RetryTask takes the task up again");
    return REASON(FAILED);
}
