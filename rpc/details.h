/*
 * rpc/details.h - what an error says beyond code and text: google.rpc.Status with its details.
 *
 * The packed message travels in the trailer grpc-status-details-bin. It is a header for the peer,
 * whose headers are limited: what would take the details over RPC_DETAILS_MAX_BYTES is left out.
 */
#ifndef RPC_DETAILS_H
#define RPC_DETAILS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

struct arena;

enum { RPC_DETAILS_MAX_VIOLATIONS = 16, RPC_DETAILS_MAX_BYTES = 4096 };

struct rpc_violation {
    const char *field;
    const char *description;
};

/* {0} is empty. All texts are in the call's arena. */
struct rpc_details {
    struct rpc_violation *violations; /* RPC_DETAILS_MAX_VIOLATIONS of them, or NULL */
    size_t nviolations;
    const char *reason; /* NULL: no ErrorInfo */
    const char *metadata_key;
    const char *metadata_value;
    unsigned retry_ms;         /* 0: no RetryInfo */
    bool is_lasting;           /* clients leave it to their callers to try again */
    const char *resource_type; /* NULL: no ResourceInfo */
    const char *resource_name;
};

/* Appends the packed google.rpc.Status of st and its details to out. Temporary things are taken from arena. */
void rpc_details_write(const struct rpc_details *details, struct status st, struct arena *arena,
                       struct buf *out);

#endif
