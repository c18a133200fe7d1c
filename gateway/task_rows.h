/*
 * gateway/task_rows.h - tasks with their jobs from the rows of a query.
 */
#ifndef GATEWAY_TASK_ROWS_H
#define GATEWAY_TASK_ROWS_H

#include <stddef.h>

#include "base/status.h"
#include "sluice/v1/task.pb-c.h"

struct arena;
struct pg_result;

/*
 * Reads the task that begins in row *row, its jobs and what may be seen of its spec, and leaves in *row where the next
 * one begins. Where its jobs come along the progress is summed up from them. Its texts are borrowed from rows, all else
 * is allocated from arena. INTERNAL: as row_read.
 */
struct status task_rows_read(const struct pg_result *rows, size_t *row, struct arena *arena,
                             Pb__Task **ret) MUST_CHECK;

#endif
