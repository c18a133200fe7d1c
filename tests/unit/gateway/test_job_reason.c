/*
 * tests/unit/gateway/test_job_reason.c - every reason, and its words.
 */
#include "gateway/job_reason.h"
#include "tests/harness/test.h"

#define REASON(name) PB__JOB_REASON__JOB_REASON_##name
#define CAPABILITY "bulkload:file:postgres"

static void check_told(const char *state, struct job_facts facts, Pb__JobReason reason,
                       const char *expected)
{
    struct buf text = {0};

    facts.state = str_from(state);
    facts.capability = str_from(CAPABILITY);
    facts.worker_id = str_from("w1");
    facts.attempt = 2;
    check_int(job_reason_tell(&facts, &text), reason);
    check_str(buf_get_text(&text), expected);
    buf_deinit(&text);
}

test(what_waits_says_for_what)
{
    check_told("WAITING", (struct job_facts){.nearlier = 3}, REASON(EARLIER_STEP),
               "waits for earlier steps, of which 3 jobs are not done");
    check_told("READY", (struct job_facts){.left_ms = 12345, .message = str_from("no route")},
               REASON(BACKOFF),
               "try 2 did not succeed; the next one may begin in 12.3 s: no route");
    check_told("READY", (struct job_facts){.left_ms = 0}, REASON(BACKOFF),
               "try 2 did not succeed; the next one may begin in 0.0 s");
}

test(what_is_ready_says_where_workers_are)
{
    check_told("READY", (struct job_facts){.left_ms = -5, .nleasable = 1}, REASON(NO_WORKER),
               "waits for a worker that can do " CAPABILITY
               ": none waits at this gateway, and none does such "
               "jobs now; is one started, and connected?");
    check_told("READY", (struct job_facts){.left_ms = -5, .nleasable = 7, .nrunning = 4},
               REASON(WORKERS_BUSY),
               "waits for a worker that can do " CAPABILITY
               ": all that are known are at work, on 4 jobs; 7 "
               "wait, this one among them");
    check_told("READY", (struct job_facts){.left_ms = -5, .nrunning = 4, .nwaiting = 1},
               REASON(STARTING), "is about to be given to a worker that waits");
}

test(what_was_given_out_says_to_whom)
{
    check_told("RUNNING", (struct job_facts){.left_ms = 900}, REASON(RUNNING),
               "is done by worker w1, try 2, whose lease is good for 0.9 s");
    check_told(
        "RUNNING", (struct job_facts){.left_ms = 14000, .message = str_from("table t is disabled")},
        REASON(RUNNING),
        "is done by worker w1, try 2, whose lease is good for 14.0 s; it says: table t is disabled");
    check_told(
        "RUNNING", (struct job_facts){.left_ms = -2100, .nwaiting = 1}, REASON(LEASE_ENDED),
        "was given to worker w1, whose lease ended 2.1 s ago without a report; the next worker "
        "that asks gets it");
    check_told(
        "RUNNING", (struct job_facts){.left_ms = -2100}, REASON(LEASE_ENDED),
        "was given to worker w1, whose lease ended 2.1 s ago without a report; the next worker "
        "that asks gets it, and none is known that can do " CAPABILITY);
}

test(what_failed_says_why)
{
    check_told("FAILED", (struct job_facts){.message = str_from("no such table")}, REASON(FAILED),
               "failed at try 2: no such table; RetryTask takes the task up again");
}
