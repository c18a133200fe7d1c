/*
 * worker/refused_rows.h - rows that the destination will not take, until they are stored as bad rows of the task.
 */
#ifndef WORKER_REFUSED_ROWS_H
#define WORKER_REFUSED_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "hbase/cell.h"

struct job_context;
struct refused_row;

/* {0} has none. One thread uses it. */
struct refused_rows {
    struct refused_row *items; /* items[0 .. count) */
    size_t count;
    size_t size;
};

/* Adds the row of a cell. One row may be added several times: its cells may travel in several batches. */
void refused_rows_add(struct refused_rows *rows, const struct hbase_cell *cell,
                      struct status reason);

/*
 * Stores those whose keys are before end (empty: all of them) as bad rows of table and forgets them; *ret_count is how many
 * rows they are. Errors are those of job_context_store_bad_rows.
 */
struct status refused_rows_store(struct refused_rows *rows, struct str end,
                                 struct job_context *context, const char *table, int64_t *ret_count)
    MUST_CHECK;

void refused_rows_deinit(struct refused_rows *rows);

/*
 * What tells a bad row of a table from others, as the number of a row tells those of a file: made of the key alone, so that a
 * row which is refused again is still one bad row. 1 to 2^53 - 1.
 */
int64_t refused_rows_get_number(struct str key);

#endif
