/*
 * gateway/lease_wish.h - who asks for a job, and what it says of itself.
 */
#ifndef GATEWAY_LEASE_WISH_H
#define GATEWAY_LEASE_WISH_H

#include <stdint.h>

#include "gateway/capability_set.h"
#include "sluice/worker/v1/worker_service.pb-c.h"

struct arena;
struct violations;

enum { LEASE_MAX_WAIT_MS = 60000 };

struct lease_wish {
    const char *worker_id; /* at most WORKER_ID_MAX_BYTES; the request's */
    int64_t wait_ms;       /* 0 .. LEASE_MAX_WAIT_MS */
    struct capability_set capabilities;
};

/* Texts are the request's and the arena's. What is wrong is added to violations. */
void lease_wish_read(const Pb__LeaseJobRequest *request, struct arena *arena,
                     struct violations *violations, struct lease_wish *ret);

#endif
