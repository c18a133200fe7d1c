/*
 * connectors/csv/csv_records.h - the records of a part of a file, cut into fields where they lie.
 *
 * A block of the file is in memory, and records are pieces of it: nothing is copied, and a record lives until the
 * next block is read.
 */
#ifndef CONNECTORS_CSV_CSV_RECORDS_H
#define CONNECTORS_CSV_CSV_RECORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"
#include "connectors/csv/csv_scan.h"

enum {
    CSV_MAX_RECORD_BYTES = 16 * 1024 * 1024, /* without the line feed */
    CSV_MAX_FIELDS = 16384,                  /* of a record */
    CSV_BLOCK_BYTES = 1024 * 1024,
};

struct csv_records;

/* A part of a file that begins with a record and ends with one. */
struct csv_part {
    const char *path; /* for messages; borrowed until csv_records_close */
    int fd;           /* borrowed until then */
    uint64_t first;
    uint64_t end;
    bool is_last;      /* the file ends with it: a record may lack its line end */
    int64_t first_row; /* the number of the first record in the file, from 1 */
    char delimiter;
    size_t max_fields;  /* how many ends are kept of a record, 1 to CSV_MAX_FIELDS */
    size_t block_bytes; /* how much is read at once; CSV_BLOCK_BYTES but in tests */
};

/* A record; what it points to is borrowed until csv_records_fill. */
struct csv_record {
    struct str text; /* without its line end, LF or CR LF */
    uint64_t offset; /* in the file */
    int64_t row;     /* its number in the file, from 1 */
    size_t nfields;  /* 1 or more */
    const uint32_t *
        ends; /* [0 .. min(nfields, max_fields)): where in text the fields end; the last one's is too large
                             by 1 where the line ends with CR LF */
    bool has_quotes; /* false: there is no quote in it */
    bool is_ascii;   /* true: neither 0x00 nor a byte beyond ASCII is in it */
};

enum csv_step {
    CSV_STEP_RECORD, /* *ret is the next record */
    CSV_STEP_FILL,   /* call csv_records_fill */
};

struct csv_records *csv_records_open(const struct csv_part *part);

/* NULL is allowed. */
void csv_records_close(struct csv_records *records);

enum csv_step csv_records_next(struct csv_records *records, struct csv_record *ret);

/*
 * Reads on; *ret_is_end: there is no further record. Blocks. INVALID_ARGUMENT: a record is too long, or a quote is never
 * closed; FAILED_PRECONDITION: the part is not what it was said to be, so the file has changed.
 */
struct status csv_records_fill(struct csv_records *records, bool *ret_is_end) MUST_CHECK;

/* The place in the file behind the last record that was given. */
uint64_t csv_records_get_offset(const struct csv_records *records);

/* pread(2), again and again until size bytes are read or the file ends. path is for messages. */
struct status csv_read_at(int fd, const char *path, uint64_t offset, void *ret, size_t *size)
    MUST_CHECK;

#endif
