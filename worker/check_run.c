#include "worker/check_run.h"

#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/stop.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "connectors/check.h"
#include "worker/gateway_link.h"

enum {
    MAX_STEPS = 256, /* what FinishCheck takes, as are the limits that follow */
    MAX_NAME_BYTES = 64,
    MAX_TARGET_BYTES = 512,
    MAX_MESSAGE_BYTES = 1024,
    TELL_MS = 2000,       /* of the time that there is, at most, for telling */
    LAST_WORDS_MS = 1000, /* for telling when the worker stops */
};

static const char BROKEN_OFF[] = "broken off: the worker stops";

struct check_run {
    struct check_run_options options;
    Pb__LeaseJobResponse *leased;
    int64_t deadline_ms; /* for telling */
    struct check_log log;
    struct stop stop;
    pthread_t thread;

    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    Pb__DataSourceCheckStep *steps[MAX_STEPS]; /* not those that begin once all is told */
    unsigned nsteps;
    bool is_in_step; /* the last one has not ended */
    int64_t step_start_us;
    bool is_done; /* all steps have been tried */
    bool is_told;
};

static char *copy_text(const char *text, size_t max_bytes)
{
    struct str whole = str_from(text);
    char *copy = mem_copy_str(str_from_bytes(whole.data, utf8_fit(whole, max_bytes)));

    /* What the system or a server says need not be UTF-8; the gateway would not take it then. */
    for (size_t at; (at = utf8_find_invalid(str_from(copy))) < strlen(copy);)
        copy[at] = '?';
    return copy;
}

static void free_step(Pb__DataSourceCheckStep *step)
{
    mem_free(step->name);
    mem_free(step->target);
    mem_free(step->message); /* never the empty text that init has set: all have ended */
    mem_free(step->duration);
    mem_free(step);
}

/* The mutex is held. */
static void open_step(struct check_run *run, const char *name, const char *target)
{
    Pb__DataSourceCheckStep *step = mem_alloc(sizeof(*step));

    pb__data_source_check_step__init(step);
    step->name = copy_text(name, MAX_NAME_BYTES);
    step->target = copy_text(target, MAX_TARGET_BYTES);
    step->duration = mem_alloc(sizeof(*step->duration));
    google__protobuf__duration__init(step->duration);
    run->steps[run->nsteps++] = step;
    run->is_in_step = true;
    run->step_start_us = clock_get_monotonic_us();
}

static void begin_step(struct check_log *log, const char *name, const char *target)
{
    struct check_run *run = container_of(log, struct check_run, log);

    (void)pthread_mutex_lock(&run->mutex);
    if (!run->is_told && run->nsteps < MAX_STEPS)
        open_step(run, name, target);
    (void)pthread_mutex_unlock(&run->mutex);
}

/* The mutex is held. */
static void close_step(struct check_run *run, bool is_ok, const char *message)
{
    Pb__DataSourceCheckStep *step = run->steps[run->nsteps - 1];
    int64_t took_us = clock_get_monotonic_us() - run->step_start_us;

    step->ok = is_ok;
    step->message = copy_text(message, MAX_MESSAGE_BYTES);
    step->duration->seconds = took_us / 1000000;
    step->duration->nanos = (int32_t)(took_us % 1000000) * 1000;
    run->is_in_step = false;
}

static void end_step(struct check_log *log, bool is_ok, const char *message)
{
    struct check_run *run = container_of(log, struct check_run, log);

    (void)pthread_mutex_lock(&run->mutex);
    if (run->is_in_step)
        close_step(run, is_ok, !is_ok && stop_is_requested(&run->stop) ? BROKEN_OFF : message);
    (void)pthread_mutex_unlock(&run->mutex);
}

static void *try_all(void *arg)
{
    struct check_run *run = arg;
    const Pb__DataSource *source = run->leased->check->data_source;

    check_try_all(&(struct check_options){.type = source->type,
                                          .name = source->name,
                                          .parameters_json = source->parameters_json,
                                          .stop = &run->stop,
                                          .deadline_ms = run->deadline_ms,
                                          .log = &run->log});
    (void)pthread_mutex_lock(&run->mutex);
    run->is_done = true;
    (void)pthread_cond_signal(&run->changed);
    (void)pthread_mutex_unlock(&run->mutex);
    return NULL;
}

/*
 * Steps that went well are no success if others were not tried: a last one says so. The mutex is held.
 */
static void open_step_of_rest(struct check_run *run, bool is_stopped)
{
    if (run->nsteps == 0)
        open_step(run, "begin", "");
    else if ((is_stopped || !run->is_done) && run->steps[run->nsteps - 1]->ok &&
             run->nsteps < MAX_STEPS)
        open_step(run, "go on", "");
}

/* Waits until all is tried or the time is up; from then on no step is added. */
static void wait_for_steps(struct check_run *run)
{
    (void)pthread_mutex_lock(&run->mutex);
    while (!run->is_done && !stop_is_requested(&run->stop) &&
           clock_get_monotonic_ms() < run->deadline_ms)
        thread_wait_until(&run->changed, &run->mutex, run->deadline_ms);
    bool is_stopped = stop_is_requested(&run->stop);
    if (!run->is_in_step)
        open_step_of_rest(run, is_stopped);
    if (run->is_in_step)
        close_step(run, false,
                   is_stopped ? BROKEN_OFF
                              : "not finished in time; what comes after it was not tried");
    run->is_told = true;
    (void)pthread_mutex_unlock(&run->mutex);
}

static void tell(struct check_run *run)
{
    Pb__FinishCheckRequest request = PB__FINISH_CHECK_REQUEST__INIT;
    const struct link_caller caller = {.channel = run->options.channel};
    struct status st;

    request.id = run->leased->check->id;
    request.worker_id = (char *)(uintptr_t)run->options.worker_id;
    request.steps = run->steps;
    request.n_steps = run->nsteps;
    if (stop_is_requested(&run->stop))
        st = link_call(&caller, &link_finish_check, &request.base, LAST_WORDS_MS, NULL, NULL);
    else
        st = link_call_until_answered(&caller, &link_finish_check, &request.base, &run->stop, NULL);
    log_info("check finished", log_str("check", request.id),
             log_str("data_source", run->leased->check->data_source->name),
             log_int("steps", run->nsteps), log_bool("is_accepted", st.code == STATUS_OK));
}

static void *run_check(void *arg)
{
    struct check_run *run = arg;
    pthread_t tries;
    struct status st = thread_start("check", try_all, run, &tries);

    if (st.code == STATUS_OK) {
        wait_for_steps(run);
        tell(run);
        stop_request(&run->stop);
        (void)pthread_join(tries, NULL);
    } else {
        log_error("check not started", log_code(st), log_str("error", st.text));
    }
    run->options.owner->on_end(run->options.owner, run);
    return NULL;
}

static void free_run(struct check_run *run)
{
    for (unsigned i = 0; i < run->nsteps; i++)
        free_step(run->steps[i]);
    (void)pthread_cond_destroy(&run->changed);
    (void)pthread_mutex_destroy(&run->mutex);
    pb__lease_job_response__free_unpacked(run->leased, NULL);
    mem_free(run);
}

/* When to tell: a while before the gateway stops waiting. */
static int64_t get_deadline_ms(const Pb__LeasedCheck *check)
{
    int64_t timeout_ms =
        check->timeout ? check->timeout->seconds * 1000 + check->timeout->nanos / 1000000 : 0;
    int64_t tell_ms = timeout_ms / 4 < TELL_MS ? timeout_ms / 4 : TELL_MS;

    return clock_get_monotonic_ms() + timeout_ms - tell_ms;
}

struct status check_run_start(Pb__LeaseJobResponse *leased, const struct check_run_options *options,
                              struct check_run **ret)
{
    struct check_run *run = mem_alloc(sizeof(*run));

    run->options = *options;
    run->leased = leased;
    run->deadline_ms = get_deadline_ms(leased->check);
    run->log = (struct check_log){.begin = begin_step, .end = end_step};
    (void)pthread_mutex_init(&run->mutex, NULL);
    thread_init_condition(&run->changed);
    log_info("check leased", log_str("check", leased->check->id),
             log_str("data_source", leased->check->data_source->name));

    struct status st = thread_start("check run", run_check, run, &run->thread);
    if (st.code != STATUS_OK) {
        free_run(run);
        return st;
    }
    *ret = run;
    return st;
}

void check_run_stop(struct check_run *run)
{
    stop_request(&run->stop);
    (void)pthread_mutex_lock(&run->mutex);
    (void)pthread_cond_signal(&run->changed);
    (void)pthread_mutex_unlock(&run->mutex);
}

void check_run_destroy(struct check_run *run)
{
    (void)pthread_join(run->thread, NULL);
    free_run(run);
}
