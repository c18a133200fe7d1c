/*
 * connectors/parquet/parquet_pages.h - how much memory a Parquet file takes to read.
 *
 * A reader holds one page of each column, packed and unpacked, whatever a row group's size. Most writers make pages of
 * about 1 MiB; some make one page of a whole row group, which may have tens of megabytes.
 */
#ifndef CONNECTORS_PARQUET_PARQUET_PAGES_H
#define CONNECTORS_PARQUET_PARQUET_PAGES_H

#include <stdint.h>

#include "base/status.h"

struct import_spec;
struct parquet_file;

/*
 * How many readers of the file may be open at once, 1 to PARQUET_MAX_THREADS, by the first pages of spec's columns in
 * a row group, which is best the largest one.
 */
struct status parquet_pages_choose_threads(struct parquet_file *file,
                                           const struct import_spec *spec, uint64_t row_group,
                                           unsigned *ret) MUST_CHECK;

#endif
