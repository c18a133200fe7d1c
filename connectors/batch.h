/*
 * connectors/batch.h - typed columns of up to BATCH_MAX_ROWS rows: how rows travel from reader to writer.
 */
#ifndef CONNECTORS_BATCH_H
#define CONNECTORS_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/str.h"
#include "spec/column_type.h"

enum { BATCH_MAX_ROWS = 2048 };

/* unscaled / 10^scale; at most 38 digits, scale 0 to 38. Or not a number: is_nan. */
struct decimal {
    int128 unscaled;
    uint8_t scale;
    bool is_nan;
};

/* What a reader must know of a column: the destination's type and limits, so that bad values are caught early. */
struct target_column {
    const char *source; /* the reader's name of the column */
    const char *target; /* the destination's name of it, for messages */
    enum column_type type;
    bool is_nullable;   /* false: a null makes the row bad */
    unsigned max_chars; /* STRING: characters; 0: no limit */
    unsigned precision; /* DECIMAL: digits in all; 0: no limit but the type's */
    unsigned
        scale; /* DECIMAL with a precision: digits behind the point; more are rounded, as SQL does */
};

/* One column's values; those of rows that are null are not defined. */
struct batch_column {
    enum column_type type;
    bool *is_null; /* [0 .. nrows) */
    union {
        int64_t *ints; /* BOOLEAN (0, 1), BYTE to LONG, DATE (days since 1970-01-01), TIMESTAMP and
                            TIMESTAMPTZ (microseconds since 1970-01-01 00:00) */
        double *reals; /* FLOAT, DOUBLE */
        struct decimal *decimals;
        struct str *
            texts; /* STRING, VARBINARY, JSON, UUID (its 16 bytes); borrowed from the reader until its next call */
    };
};

struct batch {
    struct batch_column *columns; /* [0 .. ncolumns) */
    size_t ncolumns;
    size_t nrows;
    int64_t *row_numbers; /* [0 .. nrows): of each row in its file, from 1 */
};

/* A batch with room for BATCH_MAX_ROWS rows of these columns; owned by the caller. */
struct batch *batch_create(const struct target_column *columns, size_t ncolumns);

/* NULL is allowed. */
void batch_destroy(struct batch *batch);

#endif
