/*
 * connectors/csv/csv_field.h - what a field of a record says.
 */
#ifndef CONNECTORS_CSV_CSV_FIELD_H
#define CONNECTORS_CSV_CSV_FIELD_H

#include <stddef.h>

#include "base/arena.h"
#include "base/str.h"
#include "connectors/csv/csv_records.h"

/* Field i of a record as it stands in the file; i is less than nfields and than what is kept of ends. */
static inline struct str csv_field_get_raw(const struct csv_record *record, size_t i)
{
    size_t start = i == 0 ? 0 : record->ends[i - 1] + (size_t)1;

    return str_from_bytes(record->text.data + start, record->ends[i] - start);
}

/*
 * Takes the quotes off a field (RFC 4180, section 2): *ret is borrowed from raw or, where it has doubled quotes, comes
 * from arena. Returns NULL, or what is wrong with the quotes.
 */
const char *csv_field_unquote(struct str raw, struct arena *arena, struct str *ret);

#endif
