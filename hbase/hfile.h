/*
 * hbase/hfile.h - writes the cells of one column family as a file that HBase loads (HFile, version 3).
 *
 * A file is blocks of cells, an index of them, facts about the file, and a trailer of fixed size. It is written once, from front to
 * back, and what is kept in memory is one block and the index. There is no compression, no Bloom filter and no tags: the
 * destination's compactions make of it what its column family is set to.
 */
#ifndef HBASE_HFILE_H
#define HBASE_HFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "hbase/cell.h"

struct hbase_hfile;

enum {
    HBASE_HFILE_BLOCK_BYTES = 64 * 1024, /* a block ends behind the cell that reaches it */
    HBASE_HFILE_MAX_INDEX_BYTES =
        8 * 1024 * 1024, /* of the index, which has one level: a file is full then */
};

/*
 * Writes into fd, an empty file called path, which stays the caller's. now_ms is when it is made, of the clock of the time of day. Never
 * fails: what goes wrong is told later.
 */
struct hbase_hfile *hbase_hfile_create(int fd, const char *path, int64_t now_ms) MUST_CHECK;
void hbase_hfile_destroy(struct hbase_hfile *hfile); /* NULL is allowed */

/*
 * Appends a cell, which is in HBase's order behind the one before; a second one of the same key, which no reader would ever see, is left
 * out. DATA_LOSS: it is not in order; RESOURCE_EXHAUSTED: no space; INTERNAL and others: the system's reason. Nothing can be added after an error.
 */
struct status hbase_hfile_add(struct hbase_hfile *hfile, const struct hbase_cell *cell) MUST_CHECK;

/* How large the file is up to now, about. */
uint64_t hbase_hfile_get_size_bytes(const struct hbase_hfile *hfile);

/* Whether it must not take many more cells. */
bool hbase_hfile_is_full(const struct hbase_hfile *hfile);

/* Writes what is left: the file is whole then, and may have no cells. Errors as above. */
struct status hbase_hfile_finish(struct hbase_hfile *hfile) MUST_CHECK;

#endif
