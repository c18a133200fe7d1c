/*
 * connectors/postgres/encode.h - rows in the binary format of COPY.
 *
 * The format is that of PostgreSQL's manual, "COPY", section "Binary Format"; a value's
 * bytes are what the receive function of its type reads (src/backend/utils/adt in the
 * server's source), all in network order.
 */
#ifndef CONNECTORS_POSTGRES_ENCODE_H
#define CONNECTORS_POSTGRES_ENCODE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "connectors/batch.h"

/* What a value becomes. The batch's column must be of a type with such values. */
enum pg_wire {
    PG_WIRE_BOOL,        /* ints */
    PG_WIRE_INT2,        /* ints */
    PG_WIRE_INT4,        /* ints */
    PG_WIRE_INT8,        /* ints */
    PG_WIRE_DATE,        /* ints: days since 1970 */
    PG_WIRE_TIMESTAMP,   /* ints: microseconds since 1970 */
    PG_WIRE_INT_NUMERIC, /* ints, into a numeric column */
    PG_WIRE_FLOAT4,      /* reals */
    PG_WIRE_FLOAT8,      /* reals */
    PG_WIRE_NUMERIC,     /* decimals */
    PG_WIRE_BYTES,       /* texts: as they are */
    PG_WIRE_JSONB,       /* texts, behind a version */
};

struct pg_row_format {
    const enum pg_wire *wires; /* [0 .. ncolumns) */
    size_t ncolumns;
    bool has_row_number; /* the row's number in its file is one more column, an int8, at the end */
};

/* What stands before the first row, and behind the last one. */
void pg_encode_header(struct buf *ret);
void pg_encode_trailer(struct buf *ret);

/*
 * Appends one row of batch. False: the value of column *ret_column is out of its type's
 * range, or makes the row longer than 1 GiB, and nothing is appended.
 */
bool pg_encode_row(const struct pg_row_format *format, const struct batch *batch, size_t row,
                   struct buf *ret, size_t *ret_column);

#endif
