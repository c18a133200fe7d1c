/*
 * rpc/origin.h - what a call belongs to: the request that caused it, and the trace.
 *
 * Both come with the call's metadata, "x-request-id", "traceparent" and "tracestate", which are looked at only when somebody
 * asks. The functions are for the thread that has the call.
 */
#ifndef RPC_ORIGIN_H
#define RPC_ORIGIN_H

#include "base/span.h"
#include "base/str.h"

struct rpc_call;

/* The id that the caller has given, if it is one, else a new one, always the same. Lives as long as the call. */
const char *rpc_origin_get_request_id(struct rpc_call *call);

/* The call's span: what is done for the call is done below its context. Lives until rpc_call_end. */
struct span *rpc_origin_get_span(struct rpc_call *call);

/* The same if it is recorded, else NULL; it costs nothing to ask. */
struct span *rpc_origin_find_recorded(const struct rpc_call *call);

/* What other systems have to say of the trace, to be passed on with it; empty: nothing. Borrowed. */
struct str rpc_origin_get_trace_state(const struct rpc_call *call);

/* Who makes the call, for the log; borrowed until rpc_call_end. */
void rpc_origin_set_actor(struct rpc_call *call, const char *actor);

/* The task that the call is about, for log and span; borrowed until rpc_call_end. */
void rpc_origin_set_task(struct rpc_call *call, const char *task_id);

#endif
