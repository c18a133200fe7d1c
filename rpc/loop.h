/*
 * rpc/loop.h - threads that turn gRPC completion events into function calls.
 *
 * gRPC core reports the end of every operation by giving back the pointer that started it.
 * Here that pointer is always a struct rpc_tag, embedded in the object that waits, so one
 * indirect call takes the place of a switch over kinds of event.
 */
#ifndef RPC_LOOP_H
#define RPC_LOOP_H

#include <stdbool.h>

#include "base/status.h"

struct grpc_completion_queue;
struct pulse;
struct rpc_loop;

/* What waits for one operation. It must stay valid until on_event has run, once. */
struct rpc_tag {
    /*
     * Runs on a loop thread and must not block. ok is false when the operation did not
     * take place: the call was cancelled, the peer is gone, or the server is stopping.
     */
    void (*on_event)(struct rpc_tag *tag, bool ok);
};

enum { RPC_LOOP_MAX_THREADS = 64 };

/*
 * Starts a loop of 1 to RPC_LOOP_MAX_THREADS threads and sets *ret to it, owned by the
 * caller. RESOURCE_EXHAUSTED: the system refused a thread; *ret is as it was.
 */
struct status rpc_loop_create(unsigned nthreads, struct rpc_loop **ret) MUST_CHECK;

/* The queue to start operations on. Borrowed until rpc_loop_destroy. */
struct grpc_completion_queue *rpc_loop_get_queue(struct rpc_loop *loop);

/* Beats at each turn of a thread, 0 to nthreads - 1. Borrowed until rpc_loop_destroy. */
struct pulse *rpc_loop_get_pulse(struct rpc_loop *loop, unsigned thread);

/*
 * Waits until every operation that was started has ended and its tag has run, then frees
 * the loop. Blocks, so it must not be called from a tag. NULL is allowed.
 */
void rpc_loop_destroy(struct rpc_loop *loop);

#endif
