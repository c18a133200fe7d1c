/*
 * connectors/check.h - tries what a data source names, step by step.
 *
 * A step is told when it begins, too: one that hangs in the system (a name server, a folder that is mounted from
 * elsewhere) can then be told of while it still hangs.
 */
#ifndef CONNECTORS_CHECK_H
#define CONNECTORS_CHECK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/stop.h"
#include "spec/data_source_spec.h"

/* Takes the steps of one check, one after another. Texts are borrowed for the call and hold no secrets. */
struct check_log {
    void (*begin)(struct check_log *log, const char *name, const char *target);
    void (*end)(struct check_log *log, bool is_ok, const char *message);
};

struct check_options {
    Pb__DataSourceType type;
    const char *name;            /* of the data source, for messages */
    const char *parameters_json; /* secrets included */
    const struct stop *stop;     /* seen within 100 ms where the system lets us */
    int64_t deadline_ms;         /* by clock_get_monotonic_ms: nothing is waited for beyond it */
    struct check_log *log;
};

/* Tries all that there is to try; what depends on a step that failed is left out. At least one step. Blocks. */
void check_try_all(const struct check_options *options);

/* Ends a step: with found, or with what is wrong. Returns whether it worked. */
bool check_end_step(struct check_log *log, struct status st, const char *found);

#endif
