/*
 * connectors/csv/csv_reader.h - csv_reader.open with a choice that only tests and measurements need.
 */
#ifndef CONNECTORS_CSV_CSV_READER_H
#define CONNECTORS_CSV_CSV_READER_H

#include <stddef.h>

#include "base/status.h"
#include "connectors/reader.h"

/* As csv_reader.open, but reads block_bytes of the file at once, 1 or more. What is read does not depend on it. */
struct status csv_reader_open(const struct reader_options *options, size_t block_bytes,
                              struct reader **ret) MUST_CHECK;

#endif
