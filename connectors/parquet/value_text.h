/*
 * connectors/parquet/value_text.h - values of a Parquet file as text: for columns of STRING, and for messages.
 */
#ifndef CONNECTORS_PARQUET_VALUE_TEXT_H
#define CONNECTORS_PARQUET_VALUE_TEXT_H

#include "base/str.h"
#include "connectors/parquet/value.h"

enum {
    VALUE_TEXT_BYTES = 48
}; /* the longest is a DECIMAL: 39 digits, sign, point, zero, and NUL */

/*
 * The usual text of a value: true; -12; 0.5; 1e+20; NaN; -12.50; 2026-01-02; 2026-01-02 03:04:05.678 (with a zone +00
 * behind it); a UUID with dashes. It is written to storage, or borrowed from the value if that is a text itself.
 */
struct str value_write_text(enum value_kind kind, const union value *value,
                            char storage[VALUE_TEXT_BYTES]);

#endif
