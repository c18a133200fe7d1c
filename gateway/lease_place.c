#include "gateway/lease_place.h"

#include <stdio.h>

#include "store/query.h"
#include "store/row.h"

void lease_place_begin(struct lease_place *place, int64_t now_ms, struct param *params)
{
    place->begin_ms = now_ms;
    place->looks_at_all = now_ms >= place->look_ms;
    params[0] = place->looks_at_all ? param_null() : param_int(place->us);
    params[1] = place->looks_at_all ? param_null() : param_text(place->id);
}

void lease_place_end(struct lease_place *place, int64_t now_ms, const struct pg_result *rows)
{
    size_t nrows = rows_get_count(rows);
    int64_t pause_ms = (now_ms - place->begin_ms) * LEASE_PLACE_LOOK_FACTOR;

    if (nrows > 0) {
        struct str id = row_get_text(rows, nrows - 1, "id");

        place->us = row_get_int(rows, nrows - 1, "note/place_us");
        (void)snprintf(place->id, sizeof(place->id), "%.*s", (int)id.len, id.data);
    }
    if (!place->looks_at_all || place->us == 0)
        return; /* as long as nothing was leased, there is no other place to begin */
    place->look_ms =
        now_ms + (pause_ms > LEASE_PLACE_LOOK_EVERY_MS ? pause_ms : LEASE_PLACE_LOOK_EVERY_MS);
}
