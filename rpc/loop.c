#include "rpc/loop.h"

#include <assert.h>
#include <pthread.h>

#include <grpc/grpc.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/thread.h"
#include "base/watchdog.h"
#include "rpc/core_locks.h"
#include "rpc/core_log.h"

struct loop_thread {
    struct rpc_loop *loop;
    struct pulse pulse;
    pthread_t thread;
};

struct rpc_loop {
    grpc_completion_queue *queue;
    unsigned nthreads; /* how many of threads[] are running */
    struct loop_thread threads[RPC_LOOP_MAX_THREADS];
};

static void *run(void *arg)
{
    struct loop_thread *self = arg;
    gpr_timespec pulse_time = gpr_inf_past(GPR_CLOCK_MONOTONIC);

    for (;;) {
        grpc_event event = grpc_completion_queue_next(self->loop->queue, pulse_time, NULL);
        pulse_beat(&self->pulse);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;
        if (event.type == GRPC_QUEUE_TIMEOUT) {
            pulse_time = gpr_time_add(gpr_now(GPR_CLOCK_MONOTONIC),
                                      gpr_time_from_millis(PULSE_MS, GPR_TIMESPAN));
            continue;
        }
        struct rpc_tag *tag = event.tag;
        HANDOFF_TAKE(tag); /* given where the operation was started */
        tag->on_event(tag, event.success != 0);
    }
}

struct status rpc_loop_create(unsigned nthreads, struct rpc_loop **ret)
{
    assert(nthreads >= 1 && nthreads <= RPC_LOOP_MAX_THREADS);

    struct rpc_loop *loop = mem_alloc(sizeof(*loop));

    rpc_core_log_set();
    rpc_core_locks_set();
    grpc_init();
    loop->queue = grpc_completion_queue_create_for_next(NULL);
    while (loop->nthreads < nthreads) {
        struct loop_thread *next = &loop->threads[loop->nthreads];
        next->loop = loop;
        struct status st = thread_start("rpc-loop", run, next, &next->thread);
        if (st.code != STATUS_OK) {
            rpc_loop_destroy(loop);
            return st;
        }
        loop->nthreads++;
    }
    *ret = loop;
    return status_ok();
}

struct grpc_completion_queue *rpc_loop_get_queue(struct rpc_loop *loop)
{
    return loop->queue;
}

struct pulse *rpc_loop_get_pulse(struct rpc_loop *loop, unsigned thread)
{
    assert(thread < loop->nthreads);
    return &loop->threads[thread].pulse;
}

void rpc_loop_destroy(struct rpc_loop *loop)
{
    if (!loop)
        return;

    /* Once shut down, the queue still yields what is outstanding; only then do threads end. */
    grpc_completion_queue_shutdown(loop->queue);
    for (unsigned i = 0; i < loop->nthreads; i++)
        pthread_join(loop->threads[i].thread, NULL);
    grpc_completion_queue_destroy(loop->queue);
    grpc_shutdown_blocking();
    mem_free(loop);
}
