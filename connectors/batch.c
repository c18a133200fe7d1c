#include "connectors/batch.h"

#include "base/mem.h"

static void alloc_values(struct batch_column *column)
{
    switch (column->type) {
    case COLUMN_FLOAT:
    case COLUMN_DOUBLE:
        column->reals = mem_alloc_array(BATCH_MAX_ROWS, sizeof(*column->reals));
        return;
    case COLUMN_DECIMAL:
        column->decimals = mem_alloc_array(BATCH_MAX_ROWS, sizeof(*column->decimals));
        return;
    case COLUMN_STRING:
    case COLUMN_VARBINARY:
    case COLUMN_JSON:
    case COLUMN_UUID:
        column->texts = mem_alloc_array(BATCH_MAX_ROWS, sizeof(*column->texts));
        return;
    default:
        column->ints = mem_alloc_array(BATCH_MAX_ROWS, sizeof(*column->ints));
        return;
    }
}

struct batch *batch_create(const struct target_column *columns, size_t ncolumns)
{
    struct batch *batch = mem_alloc(sizeof(*batch));

    batch->columns = mem_alloc_array(ncolumns, sizeof(*batch->columns));
    batch->ncolumns = ncolumns;
    batch->row_numbers = mem_alloc_array(BATCH_MAX_ROWS, sizeof(*batch->row_numbers));
    for (size_t i = 0; i < ncolumns; i++) {
        batch->columns[i].type = columns[i].type;
        batch->columns[i].is_null = mem_alloc_array(BATCH_MAX_ROWS, sizeof(bool));
        alloc_values(&batch->columns[i]);
    }
    return batch;
}

void batch_destroy(struct batch *batch)
{
    if (!batch)
        return;
    for (size_t i = 0; i < batch->ncolumns; i++) {
        mem_free(batch->columns[i].is_null);
        mem_free(batch->columns[i].ints); /* all of the union's pointers lie in the same place */
    }
    mem_free(batch->columns);
    mem_free(batch->row_numbers);
    mem_free(batch);
}
