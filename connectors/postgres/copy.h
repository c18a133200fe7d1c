/*
 * connectors/postgres/copy.h - a stream of rows to the server: COPY ... FROM STDIN.
 *
 * A copy belongs to one writer and is used for one stream after another.
 */
#ifndef CONNECTORS_POSTGRES_COPY_H
#define CONNECTORS_POSTGRES_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "connectors/batch.h"
#include "connectors/postgres/encode.h"

struct metric;
struct pg_link;

/*
 * From this line of the stream on, the rows of the file are numbered from row on, one by
 * one.
 */
struct pg_copy_run {
    int64_t line;
    int64_t row;
};

struct pg_copy {
    struct pg_row_format format;
    struct buf out;           /* rows that are encoded and not sent */
    int64_t nlines;           /* rows of the stream so far */
    struct pg_copy_run *runs; /* [0 .. nruns): by line */
    size_t nruns;
    size_t nruns_allocated;
    struct metric *bytes_sent; /* counts them, or is NULL */
};

/* {0} is a copy that has not started. */
void pg_copy_deinit(struct pg_copy *copy);

/* Runs sql, whose last statement is a COPY, and starts the stream. */
struct status pg_copy_start(struct pg_copy *copy, struct pg_link *link, const char *sql,
                            const struct pg_row_format *format) MUST_CHECK;

/* A value that is out of its type's range. */
struct pg_copy_value {
    size_t row; /* of the batch */
    size_t column;
};

/*
 * Sends rows. INVALID_ARGUMENT: *ret_value is out of range; the stream goes on without its
 * row and what follows. Any other failure ends the stream, and what the server said is the
 * link's error.
 */
struct status pg_copy_add(struct pg_copy *copy, struct pg_link *link, const struct batch *batch,
                          struct pg_copy_value *ret_value) MUST_CHECK;

/* Ends the stream; on failure what the server said is the link's error. */
struct status pg_copy_end(struct pg_copy *copy, struct pg_link *link) MUST_CHECK;

/* The number in the file of the row at a line of the stream; 0 if there is no such line. */
int64_t pg_copy_get_row(const struct pg_copy *copy, int64_t line);

#endif
