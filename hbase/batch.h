/*
 * hbase/batch.h - cells on their way to a table, laid out as a Multi call takes them.
 *
 * A row's values are one mutation, its markers another: a server takes no mixed ones (ProtobufUtil.toPut, toDelete). Each
 * mutation's cells stand together in the batch's block.
 */
#ifndef HBASE_BATCH_H
#define HBASE_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "hbase/cell.h"

enum { HBASE_BATCH_MAX_MUTATIONS = 2000 };

/* The values, or the markers, of one row. It has one cell at least: a deletion without any would delete the row. */
struct hbase_mutation {
    struct str row; /* in the block; set by hbase_batch_end */
    size_t offset;  /* of its cells in the block */
    size_t nbytes;
    uint32_t ncells;
    bool is_delete;
    bool is_done;  /* acknowledged, or refused for good */
    bool is_alone; /* it goes as a list of its own, to see whether it is the one that is refused */
};

struct hbase_batch {
    struct buf block;
    struct hbase_mutation *mutations; /* mutations[0 .. nmutations) */
    size_t nmutations;

    /* The row that is being added. */
    struct buf row;
    struct hbase_mutation *puts; /* NULL: no value yet */
    struct buf markers;          /* they go behind the values */
    uint32_t nmarkers;
};

void hbase_batch_init(struct hbase_batch *ret);
void hbase_batch_deinit(struct hbase_batch *batch);

/* Copies the cell. False: it does not fit, or is one mutation too many; an empty batch takes any cell. */
bool hbase_batch_add(struct hbase_batch *batch, const struct hbase_cell *cell);

/* No more cells are added: puts the mutations in the order of their rows. */
void hbase_batch_end(struct hbase_batch *batch);

bool hbase_batch_is_empty(const struct hbase_batch *batch);

/* Forgets all cells; keeps the memory that a batch usually takes. */
void hbase_batch_clear(struct hbase_batch *batch);

/* The mutation's cells, as a cell block; borrowed until the next hbase_batch_add. */
struct str hbase_mutation_get_cells(const struct hbase_batch *batch,
                                    const struct hbase_mutation *mutation);

#endif
