/*
 * connectors/parquet/value_convert.h - values of a Parquet file to what the destination's columns take.
 */
#ifndef CONNECTORS_PARQUET_VALUE_CONVERT_H
#define CONNECTORS_PARQUET_VALUE_CONVERT_H

#include <stddef.h>

#include "base/arena.h"
#include "connectors/batch.h"
#include "connectors/convert/convert.h"
#include "connectors/parquet/value.h"

/* Where a value goes. */
struct value_target {
    const struct target_column *column;
    struct batch_column *values; /* of the column's type */
    size_t row;
    struct arena *arena; /* for texts that the chunk does not have */
};

typedef enum convert_result (*value_convert_fn)(const struct value_target *target,
                                                const union value *value);

/*
 * What writes values of a kind to columns of a type, or NULL: the one cannot be written as the other.
 *
 * Numbers become other numbers if they keep their value; only floating point and a DECIMAL's scale round. Booleans, numbers,
 * days, times and UUIDs also become STRING. A day becomes a time at midnight; times without and with a zone become each
 * other, as UTC. A year that is not from 1 to 9999 does not fit.
 */
value_convert_fn value_convert_find(enum value_kind kind, enum column_type type);

#endif
