/*
 * worker/verify_tables.h - the two tables of a comparison, as one thread reads them.
 */
#ifndef WORKER_VERIFY_TABLES_H
#define WORKER_VERIFY_TABLES_H

#include "worker/range_work.h"
#include "worker/throttle.h"
#include "worker/verify_rows.h"

/* How tables are compared: the same for all threads. */
struct verify_rules {
    struct verify_families families[VERIFY_NSIDES];
    bool has_values;    /* false: only keys and timestamps are compared */
    bool has_to_repair; /* the destination is made as the source is */
};

/* {.options, .rules}: nothing was read yet. Both are borrowed. */
struct verify_tables {
    const struct range_options *options;
    const struct verify_rules *rules;
    struct throttle throttle;
};

/* A comparison of a range under way. */
struct verify_view;

struct verify_view_options {
    struct key_range range; /* borrowed for the call */
    struct verify_sink *sink;
    /* As verify_rows_options has it. */
    struct status (*on_lacking)(struct verify_sink *sink, const struct hbase_cell *cell);
};

struct verify_view *verify_view_open(struct verify_tables *tables,
                                     const struct verify_view_options *options) MUST_CHECK;
void verify_view_close(struct verify_view *view); /* NULL is allowed */

struct verify_rows *verify_view_get_rows(struct verify_view *view);

#endif
