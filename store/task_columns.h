/*
 * store/task_columns.h - a task as columns, for the statements that return tasks.
 *
 * Literals, to be put together in a statement: t is a row of table task, p one of task_progress.
 */
#ifndef STORE_TASK_COLUMNS_H
#define STORE_TASK_COLUMNS_H

#include "store/spec_columns.h"

/* What the table has of it, but its spec. */
#define COLUMNS_OF_T \
    " t.id, t.kind, t.source, t.destination, t.state, t.stage, t.message," \
    " t.version::text AS etag, t.create_time, t.update_time, t.start_time, t.end_time," \
    " t.display_name, nullif(t.labels, '{}')::text AS labels"

/* The sums over its jobs, called p, as fields of the task. */
#define COLUMNS_OF_P \
    " p.rows_read AS \"progress.rows_read\"," \
    " p.rows_written AS \"progress.rows_written\"," \
    " p.bad_rows AS \"progress.bad_rows\"," \
    " p.bytes_read AS \"progress.bytes_read\"," \
    " p.bytes_total AS \"progress.bytes_total\"," \
    " p.fraction AS \"progress.fraction\"," \
    " p.checkpoint_time AS \"progress.checkpoint_time\"," \
    " p.sync_time AS \"progress.sync_time\""

/* What the data sources of a task, named SOURCE and DESTINATION, show of where they are. */
#define ADDRESSES(SOURCE, DESTINATION) \
    " (SELECT address FROM data_source WHERE name = " SOURCE ") AS source_address," \
    " (SELECT address FROM data_source WHERE name = " DESTINATION ") AS destination_address"

/* All the rest. */
#define SPEC_OF_T SPEC_COLUMNS("", "t.kind", "t.spec")
#define REST_OF_T SPEC_OF_T "," ADDRESSES("t.source", "t.destination")

/* A row of table job that is called j. */
#define COLUMNS_OF_J \
    " j.id AS \"job/id\", j.role AS \"job/role\", j.state AS \"job/state\"," \
    " j.table_name AS \"job/table\", j.attempt AS \"job/attempt\"," \
    " j.rows_read AS \"job/progress.rows_read\"," \
    " j.rows_written AS \"job/progress.rows_written\"," \
    " j.bad_rows AS \"job/progress.bad_rows\"," \
    " j.bytes_read AS \"job/progress.bytes_read\"," \
    " j.bytes_total AS \"job/progress.bytes_total\"," \
    " j.fraction AS \"job/progress.fraction\"," \
    " j.checkpoint_time AS \"job/progress.checkpoint_time\"," \
    " j.sync_time AS \"job/progress.sync_time\"," \
    " j.message AS \"job/message\", j.worker_id AS \"job/worker_id\"," \
    " j.start_time AS \"job/start_time\", j.end_time AS \"job/end_time\"," \
    " CASE WHEN j.state IN ('READY', 'RUNNING') THEN j.lease_end_time END AS \"job/lease_end_time\""

/* What a subquery reads of table task to be called t. */
#define COLUMNS_TO_LIST \
    " id, seq, kind, source, destination, spec, state, stage, message, version, create_time," \
    " update_time, start_time, end_time, display_name, labels"

#endif
