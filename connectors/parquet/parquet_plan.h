/*
 * connectors/parquet/parquet_plan.h - Parquet files cut into splits along their row groups.
 *
 * Neighbouring row groups are one split as long as they have PARQUET_SPLIT_ROWS rows at most together. A larger group is a
 * split of its own: to start in its middle, all before it would have to be decoded once more.
 */
#ifndef CONNECTORS_PARQUET_PARQUET_PLAN_H
#define CONNECTORS_PARQUET_PARQUET_PLAN_H

#include "connectors/reader.h"

enum { PARQUET_SPLIT_ROWS = 122880 };

/* As struct reader_type has it. */
struct status parquet_plan(const struct import_spec *spec, const struct file_root *root,
                           const struct stop *stop, struct plan *plan);

#endif
