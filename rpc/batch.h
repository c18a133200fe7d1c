/*
 * rpc/batch.h - the operations of core, in the few shapes that we use, and its clock.
 *
 * A batch is filled and started in one function; it may be thrown away once it is started.
 */
#ifndef RPC_BATCH_H
#define RPC_BATCH_H

#include <stddef.h>

#include <grpc/grpc.h>

#include "rpc/loop.h"

enum { RPC_BATCH_MAX_OPS = 6 };

/* {0} is an empty batch; started, it only has its tag come back. */
struct rpc_batch {
    size_t nops;
    grpc_op ops[RPC_BATCH_MAX_OPS];
};

/* Appends an operation for the caller to fill in further; it is of use until the next one is added. */
grpc_op *rpc_batch_add(struct rpc_batch *batch, grpc_op_type type);

/*
 * Sends a header of a server's that has core compress what is sent in this call, by gzip if the client takes it; but no
 * message that is smaller than RPC_BATCH_MIN_GZIP_BYTES: there it costs more than it saves.
 */
enum { RPC_BATCH_MIN_GZIP_BYTES = 4096 };
void rpc_batch_add_gzip_header(struct rpc_batch *batch);

/* Sends a message. Core takes the content; bytes still is the caller's to destroy. */
void rpc_batch_add_message(struct rpc_batch *batch, grpc_byte_buffer *bytes);

/* Receives a message: *ret, owned by the caller, is NULL when there is none. */
void rpc_batch_add_receive(struct rpc_batch *batch, grpc_byte_buffer **ret);

/*
 * Starts the batch; tag comes back when all of it is done, maybe before this returns. A batch that core refuses is a
 * mistake of ours and aborts. Any thread.
 */
void rpc_batch_start(const struct rpc_batch *batch, grpc_call *call, struct rpc_tag *tag);

/* The point in time that is delay_ms from now. */
gpr_timespec rpc_deadline_from_ms(unsigned delay_ms);

/* How long until the deadline: 0 when it has passed, at most max_ms. */
unsigned rpc_deadline_get_left_ms(gpr_timespec deadline, unsigned max_ms);

#endif
