/*
 * gateway/op.h - a call whose query is under way.
 *
 * An operation lives in its call's arena, and so as long as the call: a call does not end
 * before its query has come back. A method that keeps more embeds it.
 */
#ifndef GATEWAY_OP_H
#define GATEWAY_OP_H

#include <protobuf-c/protobuf-c.h>

#include "base/compiler.h"
#include "base/status.h"
#include "gateway/fault.h"
#include "store/query.h"

struct pg_result;
struct rpc_call;
struct span;

struct op {
    struct rpc_call *call;
    const char *name; /* what the call is about, as the request has it; for errors */
    struct query query;

    /* While the query is under way, in a call whose trace is recorded; else NULL. */
    struct span *span;
    void (*on_done)(struct query *query, struct status st, const struct pg_result *rows);
};

static inline struct op *op_of(struct query *query)
{
    return container_of(query, struct op, query);
}

/* A new operation of the call, for methods that keep no more than this. */
struct op *op_create(struct rpc_call *call, const char *name) MUST_CHECK;

/*
 * Submits a copy of query, whose timeout_ms is what the call has left. on_done finds the
 * operation by op_of. May be called again once on_done has run.
 */
void op_submit(struct op *op, const struct query *query);

/*
 * For on_done: reads the first row into message, whose strings are then borrowed from rows. False: the call has been
 * ended, as missing about op's name if there is no row, otherwise by what went wrong.
 */
bool op_take_row(struct op *op, struct status st, const struct pg_result *rows, enum fault missing,
                 ProtobufCMessage *message) MUST_CHECK;

#endif
