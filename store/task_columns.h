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
    " t.display_name, nullif(t.labels, '{}')::text AS labels, t.delete_time," \
    " t.trace_id"

/* A progress that is called ROW, as the field PREFIX "progress". */
#define PROGRESS_COLUMNS(PREFIX, ROW) \
    " " ROW ".rows_read AS \"" PREFIX "progress.rows_read\"," \
    " " ROW ".rows_written AS \"" PREFIX "progress.rows_written\"," \
    " " ROW ".bad_rows AS \"" PREFIX "progress.bad_rows\"," \
    " " ROW ".bytes_read AS \"" PREFIX "progress.bytes_read\"," \
    " " ROW ".bytes_total AS \"" PREFIX "progress.bytes_total\"," \
    " " ROW ".fraction AS \"" PREFIX "progress.fraction\"," \
    " " ROW ".checkpoint_time AS \"" PREFIX "progress.checkpoint_time\"," \
    " " ROW ".sync_time AS \"" PREFIX "progress.sync_time\"," \
    " " ROW ".regions_done AS \"" PREFIX "progress.regions_done\"," \
    " " ROW ".regions_total AS \"" PREFIX "progress.regions_total\"," \
    " " ROW ".lag AS \"" PREFIX "progress.lag\"," \
    " " ROW ".queued_logs AS \"" PREFIX "progress.queued_logs\"," \
    " " ROW ".cells AS \"" PREFIX "progress.comparison.cells\"," \
    " " ROW ".missing AS \"" PREFIX "progress.comparison.missing\"," \
    " " ROW ".extra AS \"" PREFIX "progress.comparison.extra\"," \
    " " ROW ".changed_values AS \"" PREFIX "progress.comparison.changed_values\"," \
    " " ROW ".changed_timestamps AS \"" PREFIX "progress.comparison.changed_timestamps\"," \
    " " ROW ".repaired AS \"" PREFIX "progress.comparison.repaired\""

/* The sums over its jobs, called p, as fields of the task. */
#define COLUMNS_OF_P PROGRESS_COLUMNS("", "p")

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
    " j.table_name AS \"job/table\", j.attempt AS \"job/attempt\"," PROGRESS_COLUMNS( \
        "job/", \
        "j") "," \
             " j.message AS \"job/message\", j.worker_id AS \"job/worker_id\"," \
             " j.start_time AS \"job/start_time\", j.end_time AS \"job/end_time\"," \
             " CASE WHEN j.state IN ('READY', 'RUNNING') THEN j.lease_end_time END AS \"job/lease_end_time\""

/* What a subquery reads of table task to be called t. */
#define COLUMNS_TO_LIST \
    " id, seq, kind, source, destination, spec, state, stage, message, version, create_time," \
    " update_time, start_time, end_time, display_name, labels, delete_time, trace_id"

#endif
