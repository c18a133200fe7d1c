/*
 * rpc/otlp.h - sends spans to a collector by OTLP/gRPC.
 *
 * Recording a span never waits: it is packed and queued, and dropped if the queue is full. A thread of its own sends what
 * is queued in batches, and again if the collector is away; what is dropped is counted and told in the log now and then.
 */
#ifndef RPC_OTLP_H
#define RPC_OTLP_H

#include "base/metrics.h"
#include "base/span.h"
#include "base/status.h"

struct otlp;
struct rpc_loop;
struct tls_files;

enum {
    OTLP_MAX_QUEUED = 4096, /* spans */
    OTLP_MAX_QUEUED_BYTES = 8 << 20,
    OTLP_MAX_BATCH = 512,
    OTLP_BATCH_MS = 1000, /* how long a span waits for others */
    OTLP_FLUSH_MS = 1500, /* what otlp_stop takes at most */
};

struct otlp_options {
    const char *endpoint; /* of the collector, as for rpc_channel_open */
    struct tls_files
        *tls; /* taken over, as by rpc_channel_open, also on failure; NULL: without TLS */
    const char *service_name; /* of this program: "sluice-gateway" */
    double root_ratio;        /* as struct tracer has it */
    struct rpc_loop *loop;    /* borrowed until otlp_stop */
    struct metrics *metrics;  /* borrowed until otlp_stop; may be NULL */
};

extern const struct metric_family otlp_spans_total;

#define OTLP_METRIC_FAMILIES &otlp_spans_total

/* *ret is the caller's, for otlp_stop. RESOURCE_EXHAUSTED: the system refused a thread. */
struct status otlp_start(const struct otlp_options *options, struct otlp **ret) MUST_CHECK;

/* Borrowed until otlp_stop; NULL for NULL: spans go nowhere. */
struct tracer *otlp_get_tracer(struct otlp *otlp);

/* Sends what is queued, for OTLP_FLUSH_MS at most, and frees. Nothing is recorded any more. Blocks. NULL is allowed. */
void otlp_stop(struct otlp *otlp);

#endif
