/*
 * connectors/csv/csv_plan.h - cuts CSV files into splits that begin and end with records.
 */
#ifndef CONNECTORS_CSV_CSV_PLAN_H
#define CONNECTORS_CSV_CSV_PLAN_H

#include <stdint.h>

#include "base/status.h"
#include "base/stop.h"
#include "connectors/reader.h"

enum { CSV_SPLIT_BYTES = 32 * 1024 * 1024 };

/*
 * What csv_reader.plan does, with splits that end at the first end of a record at or behind split_bytes. Reads all of
 * each file. The row of a split counts all records of the file before it: header and empty lines, too.
 */
struct status csv_plan_make(const struct import_spec *spec, const struct file_root *root,
                            const struct stop *stop, uint64_t split_bytes, struct plan *plan)
    MUST_CHECK;

#endif
