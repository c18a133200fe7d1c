#include "connectors/csv/csv_scan.h"

static size_t index_bytes(struct str text, char delimiter, struct csv_state *state,
                          uint32_t *ret_places)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        if (c == '"') {
            state->is_quoted = !state->is_quoted;
            state->has_quotes = true;
        } else if (!state->is_quoted && (c == delimiter || c == '\n')) {
            ret_places[n++] = (uint32_t)i;
        }
        if (c == '\0' || ((unsigned char)c & 0x80) != 0)
            state->has_specials = true;
    }
    return n;
}

static struct csv_ends count_bytes(struct str text, struct csv_state *state)
{
    struct csv_ends ends = {0};

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"') {
            state->is_quoted = !state->is_quoted;
        } else if (text.data[i] == '\n' && !state->is_quoted) {
            ends.count++;
            ends.last = i;
        }
    }
    return ends;
}

const struct csv_scanner csv_scanner_portable = {index_bytes, count_bytes};
