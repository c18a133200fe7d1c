/*
 * gateway/lease_wish.h - who asks for a job, and what it says of itself.
 */
#ifndef GATEWAY_LEASE_WISH_H
#define GATEWAY_LEASE_WISH_H

#include <stddef.h>
#include <stdint.h>

#include <google/protobuf/duration.pb-c.h>

#include "gateway/capability_set.h"

struct arena;
struct violations;

enum { LEASE_MAX_WAIT_MS = 60000 };

struct lease_wish {
    const char *worker_id; /* at most WORKER_ID_MAX_BYTES; the request's */
    int64_t wait_ms;       /* 0 .. LEASE_MAX_WAIT_MS */
    struct capability_set capabilities;
};

/* From the fields of a request; wait may be NULL: 0. What is wrong is added to violations. */
void lease_wish_read(const char *worker_id, const Google__Protobuf__Duration *wait,
                     char *const *capabilities, size_t ncapabilities, struct arena *arena,
                     struct violations *violations, struct lease_wish *ret);

#endif
