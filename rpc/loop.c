#include "rpc/loop.h"

#include <assert.h>
#include <pthread.h>

#include <grpc/grpc.h>
#include <grpc/support/log.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/thread.h"

struct rpc_loop {
    grpc_completion_queue *queue;
    unsigned nthreads; /* how many of threads[] are running */
    pthread_t threads[RPC_LOOP_MAX_THREADS];
};

/* How core begins to complain of a peer, which may have it do so as often as it likes. */
static const char *const peer_faults[] = {"Error parsing metadata"};

/* What core has to say becomes lines of our log. Its errors are not ours: we go on. */
static void log_core(gpr_log_func_args *args)
{
    enum log_level level = args->severity == GPR_LOG_SEVERITY_ERROR ? LOG_WARN : LOG_DEBUG;

    for (size_t i = 0; i < ARRAY_LEN(peer_faults); i++) {
        if (str_has_prefix(str_from(args->message), peer_faults[i]))
            level = LOG_DEBUG;
    }
    log_write(level, "grpc", LOG_FIELDS(log_str("text", args->message)));
}

static void *run(void *arg)
{
    struct rpc_loop *loop = arg;

    for (;;) {
        grpc_event event =
            grpc_completion_queue_next(loop->queue, gpr_inf_future(GPR_CLOCK_MONOTONIC), NULL);
        if (event.type == GRPC_QUEUE_SHUTDOWN)
            return NULL;

        struct rpc_tag *tag = event.tag;
        HANDOFF_TAKE(tag); /* given where the operation was started */
        tag->on_event(tag, event.success != 0);
    }
}

struct status rpc_loop_create(unsigned nthreads, struct rpc_loop **ret)
{
    assert(nthreads >= 1 && nthreads <= RPC_LOOP_MAX_THREADS);

    struct rpc_loop *loop = mem_alloc(sizeof(*loop));

    gpr_set_log_function(log_core);
    grpc_init();
    loop->queue = grpc_completion_queue_create_for_next(NULL);
    while (loop->nthreads < nthreads) {
        struct status st = thread_start("rpc-loop", run, loop, &loop->threads[loop->nthreads]);
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

void rpc_loop_destroy(struct rpc_loop *loop)
{
    if (!loop)
        return;

    /* Once shut down, the queue still yields what is outstanding; only then do threads end. */
    grpc_completion_queue_shutdown(loop->queue);
    for (unsigned i = 0; i < loop->nthreads; i++)
        pthread_join(loop->threads[i], NULL);
    grpc_completion_queue_destroy(loop->queue);
    grpc_shutdown_blocking();
    mem_free(loop);
}
