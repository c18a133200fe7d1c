/* connectors/csv/csv_scan_other.c - for processors without a scanner of their own. */
#include "connectors/csv/csv_scan.h"

static size_t index_bytes(struct str text, char delimiter, struct csv_state *state,
                          uint32_t *ret_places)
{
    return csv_scanner_portable.index(text, delimiter, state, ret_places);
}

static struct csv_ends count_bytes(struct str text, struct csv_state *state)
{
    return csv_scanner_portable.count(text, state);
}

const struct csv_scanner csv_scanner_native = {index_bytes, count_bytes};
