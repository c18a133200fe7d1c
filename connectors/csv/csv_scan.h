/*
 * connectors/csv/csv_scan.h - the two loops over bytes that all else in csv/ stands on.
 *
 * RFC 4180 doubles a quote inside quotes, so a byte is inside quotes exactly if the number of quotes before it
 * is odd. That holds from the first byte of a file on, whatever is between them; so records and fields are cut alike
 * by whoever begins at the start of a record. What is wrong with the quotes of a field is found out later, when
 * the field is read.
 */
#ifndef CONNECTORS_CSV_CSV_SCAN_H
#define CONNECTORS_CSV_CSV_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"

/* What a scan carries from one piece of a file to the next, and what it met. {0} at the start of a record. */
struct csv_state {
    bool is_quoted;    /* inside quotes */
    bool has_quotes;   /* set when a quote was met; never cleared */
    bool has_specials; /* set when a byte was met that is 0x00 or beyond ASCII; never cleared */
};

/* The ends of records in a piece of a file. */
struct csv_ends {
    size_t count;
    size_t last; /* the place of the last one, if count is not 0 */
};

struct csv_scanner {
    /*
     * Writes the places of all delimiters and line feeds outside of quotes in text, in their order, to ret_places, which
     * has room for text.len of them. Returns how many there are. delimiter is not the quote; it may be LF.
     */
    size_t (*index)(struct str text, char delimiter, struct csv_state *state, uint32_t *ret_places);

    /* Counts the line feeds outside of quotes in text. Only is_quoted of state is kept. */
    struct csv_ends (*count)(struct str text, struct csv_state *state);
};

extern const struct csv_scanner csv_scanner_portable; /* byte by byte */
extern const struct csv_scanner csv_scanner_native;   /* the fastest one for this processor */

#endif
