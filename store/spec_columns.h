/*
 * store/spec_columns.h - a task's spec as columns: an arm of the oneof for each kind.
 */
#ifndef STORE_SPEC_COLUMNS_H
#define STORE_SPEC_COLUMNS_H

/*
 * The columns, literals put together: PREFIX is "" or "task.", KIND and SPEC are the expressions of the kind and of the
 * packed message. Only the arm of the task's kind is not NULL.
 */
#define SPEC_COLUMNS(PREFIX, KIND, SPEC) \
    " CASE " KIND " WHEN 'BULKLOAD' THEN " SPEC " END AS \"" PREFIX "bulkload\"," \
    " CASE " KIND " WHEN 'FULL_MIGRATION' THEN " SPEC " END AS \"" PREFIX "full_migration\"," \
    " CASE " KIND " WHEN 'INCREMENTAL_SYNC' THEN " SPEC " END AS \"" PREFIX "incremental_sync\""

#endif
