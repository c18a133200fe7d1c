/*
 * hbase/region.h - regions as values: what they hold, copies of them, and how keys look in messages.
 */
#ifndef HBASE_REGION_H
#define HBASE_REGION_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/status.h"
#include "hbase/table.h"

/* Whether row is in [start_key, end_key). */
bool hbase_region_has_row(const struct hbase_region *region, struct str row);

/* Whether the region goes on at row, if it begins before it. */
bool hbase_region_ends_behind(const struct hbase_region *region, struct str row);

/* A copy in arena. RESOURCE_EXHAUSTED: the arena is full. */
struct status hbase_region_copy(const struct hbase_region *region, struct arena *arena,
                                struct hbase_region *ret) MUST_CHECK;
struct status hbase_region_copy_text(struct str text, struct arena *arena, struct str *ret)
    MUST_CHECK;

enum { HBASE_KEY_TEXT_BYTES = 164 };

/* A key as HBase's shell shows it ("a\x00b"), cut to fit; returns ret. */
const char *hbase_key_write(struct str key, char ret[HBASE_KEY_TEXT_BYTES]);

#endif
