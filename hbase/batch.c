#include "hbase/batch.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "hbase/writer.h"

enum {
    KEPT_BYTES = 2 * HBASE_WRITER_BATCH_BYTES
}; /* a buffer that has doubled has room for a batch */

void hbase_batch_init(struct hbase_batch *ret)
{
    *ret = (struct hbase_batch){
        .mutations = mem_alloc_array(HBASE_BATCH_MAX_MUTATIONS, sizeof(*ret->mutations)),
    };
}

void hbase_batch_deinit(struct hbase_batch *batch)
{
    buf_deinit(&batch->block);
    buf_deinit(&batch->row);
    buf_deinit(&batch->markers);
    mem_free(batch->mutations);
}

static struct hbase_mutation *add_mutation(struct hbase_batch *batch)
{
    assert(batch->nmutations < HBASE_BATCH_MAX_MUTATIONS);

    struct hbase_mutation *mutation = &batch->mutations[batch->nmutations++];

    *mutation = (struct hbase_mutation){.offset = batch->block.len};
    return mutation;
}

static void end_row(struct hbase_batch *batch)
{
    if (batch->nmarkers > 0) {
        struct hbase_mutation *mutation = add_mutation(batch);
        mutation->is_delete = true;
        mutation->nbytes = batch->markers.len;
        mutation->ncells = batch->nmarkers;
        buf_append_str(&batch->block, buf_get(&batch->markers));
        buf_clear(&batch->markers);
        batch->nmarkers = 0;
    }
    batch->puts = NULL;
    buf_clear(&batch->row);
}

bool hbase_batch_add(struct hbase_batch *batch, const struct hbase_cell *cell)
{
    size_t size = hbase_cell_get_size_bytes(cell);
    size_t used = batch->block.len + batch->markers.len;

    if (used > 0 && used + size > HBASE_WRITER_BATCH_BYTES)
        return false;
    if (!str_is_equal(buf_get(&batch->row), cell->row)) {
        end_row(batch);
        if (batch->nmutations + 2 > HBASE_BATCH_MAX_MUTATIONS) /* values and markers */
            return false;
        buf_append_str(&batch->row, cell->row);
    }

    if (cell->type != HBASE_PUT) {
        hbase_cell_write(&batch->markers, cell);
        batch->nmarkers++;
        return true;
    }
    if (!batch->puts)
        batch->puts = add_mutation(batch);
    hbase_cell_write(&batch->block, cell);
    batch->puts->nbytes += size;
    batch->puts->ncells++;
    return true;
}

/* By rows, else as they were added. */
static int compare(const void *left, const void *right)
{
    const struct hbase_mutation *a = left;
    const struct hbase_mutation *b = right;
    int order = hbase_bytes_compare(a->row, b->row);

    return order != 0 ? order : (a->offset > b->offset) - (a->offset < b->offset);
}

void hbase_batch_end(struct hbase_batch *batch)
{
    bool is_sorted = true;

    end_row(batch);
    for (size_t i = 0; i < batch->nmutations; i++) {
        struct hbase_mutation *mutation = &batch->mutations[i];
        struct str cells = hbase_mutation_get_cells(batch, mutation);
        struct hbase_cell first;

        if (hbase_cell_take(&cells, &first).code == STATUS_OK) /* always: it was written here */
            mutation->row = first.row;
        if (i > 0 && compare(&batch->mutations[i - 1], mutation) > 0)
            is_sorted = false;
    }
    if (!is_sorted)
        qsort(batch->mutations, batch->nmutations, sizeof(*batch->mutations), compare);
}

bool hbase_batch_is_empty(const struct hbase_batch *batch)
{
    return batch->block.len + batch->markers.len == 0;
}

/* One large cell is no reason to keep so much memory. */
static void clear_block(struct buf *block)
{
    buf_clear(block);
    if (block->size > KEPT_BYTES)
        buf_deinit(block);
}

void hbase_batch_clear(struct hbase_batch *batch)
{
    clear_block(&batch->block);
    clear_block(&batch->markers);
    buf_clear(&batch->row);
    batch->nmarkers = 0;
    batch->puts = NULL;
    batch->nmutations = 0;
}

struct str hbase_mutation_get_cells(const struct hbase_batch *batch,
                                    const struct hbase_mutation *mutation)
{
    return str_from_bytes(batch->block.data + mutation->offset, mutation->nbytes);
}
