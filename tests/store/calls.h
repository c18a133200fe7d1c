/*
 * tests/store/calls.h - statements called as a worker or a client would, each until its answer is there.
 */
#ifndef TESTS_STORE_CALLS_H
#define TESTS_STORE_CALLS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sluice/v1/task.pb-c.h"
#include "store/query.h"
#include "store/store.h"

enum {
    CALL_TEXT_BYTES = 128,
    CALL_BYTES_PER_SECOND = 4096, /* of each task that is made */
};

/* A query and what its rows said. Texts are cut to fit. */
struct call {
    struct query query;
    char workers[CALL_TEXT_BYTES]; /* a parameter of job_lease */
    struct status st;
    size_t nrows;
    char outcome[CALL_TEXT_BYTES]; /* "note/outcome" */
    char id[CALL_TEXT_BYTES];      /* the first row's id, name or file; "" if there was none */
    char task_id[CALL_TEXT_BYTES]; /* of a leased job; "note/task_id" */
    char old_state[CALL_TEXT_BYTES];
    char etag[CALL_TEXT_BYTES];
    Pb__TaskState state; /* of the task */
    Pb__TaskStage stage;
    char message[CALL_TEXT_BYTES]; /* or parameters_json, or reason */
    int64_t rows_written;          /* the task's */
    double fraction;
    int64_t token; /* of a leased job */
    int attempt;
    char checkpoint[CALL_TEXT_BYTES];
    bool is_ready; /* "note/ready" */
    bool is_said;  /* "note/is_said" */
    int64_t bytes_per_second;
    bool is_last;     /* "note/is_last" */
    int64_t last_us;  /* "note/last_us" */
    int64_t last_seq; /* "note/last_seq" */
    int64_t row;      /* of a bad row */
    int64_t number;   /* of a difference */
    size_t njobs;
    Pb__JobState job_states[8];
    unsigned nanswers; /* how often on_done ran */
    pthread_mutex_t mutex;
    pthread_cond_t done;
    bool is_done;
};

/* A store of all statements; the test ends if it does not get ready. */
struct store *calls_open(const char *url, unsigned connections, unsigned max_batch);

/* statement and params are set. */
void call_start(struct store *store, struct call *call);
void call_wait(struct call *call);
void call_run(struct store *store, struct call *call);

/* Data sources "files" (FILE) and "db" (POSTGRES), which tasks name. */
void calls_add_sources(struct store *store);

/*
 * A task with jobs name-a, name-b, name-c of these roles and steps, arrays of three: "{FULL,FULL,CHECK}", "{0,0,1}".
 * Afterwards call->id is the task's id. name is at most 16 characters. call_create makes the two jobs of a bulk import.
 */
void call_prepare_create(struct call *call, const char *name, const char *roles, const char *steps);
void call_create(struct store *store, struct call *call, const char *name);
void call_get(struct store *store, struct call *call, const char *task_id);

/* The same without its jobs, but with the progress that they tell. */
void call_get_alone(struct store *store, struct call *call, const char *task_id);
void call_abort(struct store *store, struct call *call, const char *task_id);
void call_retry(struct store *store, struct call *call, const char *task_id, bool from_start);
void call_delete(struct store *store, struct call *call, const char *task_id);
void call_prepare_lease(struct call *call, const char *worker, int64_t lease_ms);
void call_lease(struct store *store, struct call *call, const char *worker, int64_t lease_ms);

/* For a job that was leased before. */
void call_report(struct store *store, struct call *call, const struct call *lease,
                 int64_t rows_written, const char *checkpoint);
void call_prepare_report(struct call *call, const struct call *lease, const char *progress,
                         const char *message);
void call_say(struct store *store, struct call *call, const struct call *lease,
              const char *message);
void call_prepare_finish(struct call *call, const struct call *lease, const char *outcome,
                         int64_t backoff_ms);
void call_finish(struct store *store, struct call *call, const struct call *lease,
                 const char *outcome);

#endif
