/*
 * connectors/parquet/value.h - one value as it stands in a Parquet file, before it becomes a column's.
 *
 * Parquet's values come from DuckDB in about twenty types. Each is read as one of a few kinds, so that what may become
 * what is a table of kinds and column types, and not of pairs of types.
 */
#ifndef CONNECTORS_PARQUET_VALUE_H
#define CONNECTORS_PARQUET_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "connectors/batch.h"
#include "connectors/parquet/duck_api.h"

enum value_kind {
    VALUE_BOOLEAN,     /* integer: 0 or 1 */
    VALUE_INTEGER,     /* integer */
    VALUE_FLOAT,       /* real, that binary32 has */
    VALUE_DOUBLE,      /* real */
    VALUE_DECIMAL,     /* decimal; UBIGINT, too, which 64 bits with a sign do not hold */
    VALUE_TEXT,        /* text: UTF-8 */
    VALUE_BYTES,       /* text: any bytes */
    VALUE_DATE,        /* integer: days since 1970-01-01 */
    VALUE_TIMESTAMP,   /* integer: microseconds since 1970-01-01 00:00 */
    VALUE_TIMESTAMPTZ, /* the same, UTC */
    VALUE_UUID,        /* uuid */
    VALUE_NKINDS,
};

union value {
    int64_t integer;
    double real;
    struct decimal decimal;
    struct str text; /* borrowed from the chunk */
    uint8_t uuid[16];
};

/* One column of a chunk. */
struct value_source {
    const struct value_type *type;
    duckdb_type decimal_type; /* DECIMAL: how it is stored */
    uint8_t decimal_scale;
    const void *values;       /* [0 .. rows of the chunk) */
    const uint64_t *validity; /* a bit a row, set if it is not null; NULL: none is */
};

/* A type of DuckDB that we read. */
struct value_type {
    duckdb_type type;
    const char *name; /* for messages: "TIMESTAMP" */
    enum value_kind kind;
    /* Reads the value of a row. False: it is an infinite day or time. */
    bool (*read)(const struct value_source *source, size_t row, union value *ret);
};

/* The row of a type, or NULL: we do not read it. */
const struct value_type *value_type_find(duckdb_type type);

/* What SQL calls a type that value_type_find does not know: "LIST". Never freed. */
const char *value_type_get_foreign_name(duckdb_type type);

static inline bool value_is_null(const struct value_source *source, size_t row)
{
    return source->validity && !((source->validity[row / 64] >> (row % 64)) & 1);
}

#endif
