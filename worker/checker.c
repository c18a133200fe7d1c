#include "worker/checker.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/thread.h"
#include "worker/check_run.h"
#include "worker/gateway_link.h"

enum {
    PAUSE_MS = 500, /* after a failed lease */
};

/* What connectors/check.h can try. */
static const char *const capabilities[] = {
    "check:file", "check:postgres", "check:hbase", "check:lindorm",
    "check:hdfs", "check:s3",       "check:spark",
};

struct checker {
    struct rpc_channel *channel;
    const char *worker_id;
    struct stop stop;
    struct check_run_owner owner;
    pthread_t thread;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct check_run *runs[CHECKER_MAX_CHECKS]; /* NULL: a free place */
    bool is_ended[CHECKER_MAX_CHECKS];          /* ... and to be destroyed */
};

/* Runs as the last thing on a run's thread. */
static void note_end(struct check_run_owner *owner, struct check_run *run)
{
    struct checker *checker = container_of(owner, struct checker, owner);

    (void)pthread_mutex_lock(&checker->mutex);
    for (unsigned i = 0; i < CHECKER_MAX_CHECKS; i++)
        if (checker->runs[i] == run)
            checker->is_ended[i] = true;
    (void)pthread_cond_signal(&checker->changed);
    (void)pthread_mutex_unlock(&checker->mutex);
}

/* Destroys the runs that have ended, which does not take long. The mutex is held. */
static unsigned count_runs(struct checker *checker)
{
    unsigned nruns = 0;

    for (unsigned i = 0; i < CHECKER_MAX_CHECKS; i++) {
        if (checker->is_ended[i]) {
            check_run_destroy(checker->runs[i]);
            checker->runs[i] = NULL;
            checker->is_ended[i] = false;
        }
        nruns += checker->runs[i] != NULL;
    }
    return nruns;
}

/* Waits while all places are taken. Returns whether to go on. */
static bool wait_for_place(struct checker *checker)
{
    (void)pthread_mutex_lock(&checker->mutex);
    while (count_runs(checker) == CHECKER_MAX_CHECKS && !stop_is_requested(&checker->stop))
        (void)pthread_cond_wait(&checker->changed, &checker->mutex);
    (void)pthread_mutex_unlock(&checker->mutex);
    return !stop_is_requested(&checker->stop);
}

/* There is a free place. The mutex is held over the start, so that a run that ends at once finds itself in its place. */
static void start(struct checker *checker, Pb__LeaseJobResponse *leased)
{
    const struct check_run_options options = {
        .channel = checker->channel, .worker_id = checker->worker_id, .owner = &checker->owner};
    unsigned i = 0;

    (void)pthread_mutex_lock(&checker->mutex);
    while (checker->runs[i])
        i++;
    struct status st = check_run_start(leased, &options, &checker->runs[i]);
    (void)pthread_mutex_unlock(&checker->mutex);
    if (st.code != STATUS_OK)
        log_error("check not started", log_code(st), log_str("error", st.text));
}

static void pause_after_failure(struct checker *checker, struct status st)
{
    log_warn("lease of checks failed", log_code(st), log_str("error", st.text));
    (void)pthread_mutex_lock(&checker->mutex);
    if (!stop_is_requested(&checker->stop))
        thread_wait_until(&checker->changed, &checker->mutex, clock_get_monotonic_ms() + PAUSE_MS);
    (void)pthread_mutex_unlock(&checker->mutex);
}

static void *run(void *arg)
{
    struct checker *checker = arg;
    const struct link_worker worker = {checker->channel, checker->worker_id, capabilities,
                                       ARRAY_LEN(capabilities)};

    while (wait_for_place(checker)) {
        Pb__LeaseJobResponse *leased = NULL;
        struct status st = link_lease(&worker, LINK_LEASE_WAIT_S, &checker->stop, &leased);

        if (leased && leased->check && leased->check->data_source)
            start(checker, leased);
        else if (leased)
            pb__lease_job_response__free_unpacked(leased, NULL);
        else if (st.code != STATUS_OK)
            pause_after_failure(checker, st);
    }
    return NULL;
}

struct status checker_create(struct rpc_channel *channel, const char *worker_id,
                             struct checker **ret)
{
    struct checker *checker = mem_alloc(sizeof(*checker));

    checker->channel = channel;
    checker->worker_id = worker_id;
    checker->owner.on_end = note_end;
    (void)pthread_mutex_init(&checker->mutex, NULL);
    thread_init_condition(&checker->changed);
    struct status st = thread_start("checker", run, checker, &checker->thread);
    if (st.code != STATUS_OK) {
        mem_free(checker);
        return st;
    }
    *ret = checker;
    return st;
}

void checker_stop(struct checker *checker)
{
    if (!checker)
        return;

    stop_request(&checker->stop);
    (void)pthread_mutex_lock(&checker->mutex);
    for (unsigned i = 0; i < CHECKER_MAX_CHECKS; i++)
        if (checker->runs[i])
            check_run_stop(checker->runs[i]);
    (void)pthread_cond_signal(&checker->changed);
    (void)pthread_mutex_unlock(&checker->mutex);
}

void checker_destroy(struct checker *checker)
{
    if (!checker)
        return;

    checker_stop(checker);
    (void)pthread_join(checker->thread, NULL);
    checker_stop(checker); /* what was leased in the last moment */

    (void)pthread_mutex_lock(&checker->mutex);
    while (count_runs(checker) > 0)
        (void)pthread_cond_wait(&checker->changed, &checker->mutex);
    (void)pthread_mutex_unlock(&checker->mutex);
    (void)pthread_cond_destroy(&checker->changed);
    (void)pthread_mutex_destroy(&checker->mutex);
    mem_free(checker);
}
