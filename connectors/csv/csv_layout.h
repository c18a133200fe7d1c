/*
 * connectors/csv/csv_layout.h - where in a file the data begins and which field is which column.
 */
#ifndef CONNECTORS_CSV_CSV_LAYOUT_H
#define CONNECTORS_CSV_CSV_LAYOUT_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "spec/import_spec.h"

struct csv_layout {
    uint64_t first;    /* the first byte behind byte order mark and header */
    int64_t first_row; /* the number of the record there: 2 behind a header, else 1 */
    size_t nfields;    /* how many a record must have */
    uint32_t *fields;  /* [0 .. ncolumns): the field, from 0, of each of the spec's columns */
};

/*
 * Finds the layout of an open file of size_bytes; path is for messages. With a header columns are found by name, without
 * one by place. A file without any record has no header either. INVALID_ARGUMENT: the header lacks a column, or has it
 * twice, or is no record.
 */
struct status csv_layout_read(const struct import_spec *spec, int fd, const char *path,
                              uint64_t size_bytes, struct csv_layout *ret) MUST_CHECK;

void csv_layout_deinit(struct csv_layout *layout);

#endif
