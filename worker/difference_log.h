/*
 * worker/difference_log.h - the first differences of a table, on their way to the gateway.
 */
#ifndef WORKER_DIFFERENCE_LOG_H
#define WORKER_DIFFERENCE_LOG_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "sluice/v1/task.pb-c.h"

struct arena;
struct job_context;

enum { DIFFERENCE_LOG_MAX_NUMBER = 1000 }; /* what the gateway keeps of a table */

/* {0} is empty. */
struct difference_log {
    struct arena *arena;
    Pb__Difference **items; /* items[0 .. nitems) */
    size_t nitems;
    size_t max_items;
};

/*
 * Adds copies of differences[0 .. count), with numbers from ncounted + 1 on, the number of all differences before them; those
 * whose numbers are beyond what is kept are left out.
 */
void difference_log_add(struct difference_log *log, Pb__Difference *const *differences,
                        size_t count, int64_t ncounted);

/* Stores all of them, as job_context_store_differences does. Blocks. */
struct status difference_log_store(const struct difference_log *log, struct job_context *context)
    MUST_CHECK;

void difference_log_deinit(struct difference_log *log);

#endif
