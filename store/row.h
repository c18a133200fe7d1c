/*
 * store/row.h - rows to messages, by the names of columns and fields.
 *
 * A column named as a field fills it; "progress.rows_read" reaches into a sub-message, "bulkload.instances" into an arm
 * of a oneof, and sets it. Types go together as: bool, int2/4/8, float8 with numbers and bools; text with strings, and
 * with maps of strings to strings by a JSON object of texts, with enums by value name without its prefix ("RUNNING"); bytea with bytes; bytea with a message field: it is
 * unpacked; timestamptz with Timestamp; interval without months with Duration. SQL NULL leaves a field unset.
 */
#ifndef STORE_ROW_H
#define STORE_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "base/str.h"

struct arena;
struct pg_result;

/* The rows that answer one query. */
size_t rows_get_count(const struct pg_result *rows);

/*
 * Reads row (0 .. rows_get_count) into message. Columns whose name begins with prefix are meant, the rest of the name is the
 * field; "" means all but those with a '/' in their name. So "job/state" is left for prefix "job/". Strings and bytes
 * are borrowed from rows; sub-messages come from arena. INTERNAL: a column is no field of the message.
 */
struct status row_read(const struct pg_result *rows, size_t row, const char *prefix,
                       struct arena *arena, ProtobufCMessage *message) MUST_CHECK;

/* Single values, for what is no field. The column must exist and have that type. SQL NULL is 0, and a text without data. */
int64_t row_get_int(const struct pg_result *rows, size_t row, const char *column);
struct str row_get_text(const struct pg_result *rows, size_t row, const char *column);
bool row_is_null(const struct pg_result *rows, size_t row, const char *column);

#endif
