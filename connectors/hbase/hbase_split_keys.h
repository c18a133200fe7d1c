/*
 * connectors/hbase/hbase_split_keys.h - where the regions of a new table begin, found from some of the rows that it will have.
 */
#ifndef CONNECTORS_HBASE_HBASE_SPLIT_KEYS_H
#define CONNECTORS_HBASE_HBASE_SPLIT_KEYS_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/str.h"

enum {
    HBASE_SPLIT_MAX_REGIONS = 16,
    HBASE_SPLIT_REGION_BYTES = 32 * 1024 * 1024, /* of files, for each region */
    HBASE_SPLIT_KEY_BYTES = 64,                  /* of a key; a beginning of it cuts as well */
};

/*
 * Where regions begin besides the first, for files of size_bytes with row keys like keys[0 .. nkeys), which are put in order:
 * *ret[0 .. *ret_count) are in arena or borrowed from keys, in order and all different.
 */
void hbase_split_keys_choose(struct str *keys, size_t nkeys, uint64_t size_bytes,
                             struct arena *arena, struct str **ret, size_t *ret_count);

#endif
