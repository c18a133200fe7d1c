/*
 * gateway/job_reason.h - where a job stands, and what it waits for, in words.
 *
 * Pure: what is known comes in, and text goes out.
 */
#ifndef GATEWAY_JOB_REASON_H
#define GATEWAY_JOB_REASON_H

#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "sluice/v1/task.pb-c.h"

/* What store/explain_store.h tells of a job, and who waits. */
struct job_facts {
    struct str state; /* as table job has it */
    struct str message;
    struct str worker_id;
    struct str capability;
    int64_t attempt;
    int64_t left_ms;  /* until its lease ends, or until it may be leased; negative: since then */
    int64_t nearlier; /* jobs of earlier steps that are not done */
    int64_t
        nleasable; /* jobs of all tasks that the same workers may take now, this one among them */
    int64_t nrunning; /* and those that they have */
    int64_t nwaiting; /* workers that could do it and wait at this gateway */
};

/* The state is none of those that end well. Appends the words. */
Pb__JobReason job_reason_tell(const struct job_facts *facts, struct buf *ret_text);

#endif
