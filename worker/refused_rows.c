#include "worker/refused_rows.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"
#include "worker/job_context.h"
#include "worker/row_text.h"

enum {
    BAD_ROWS_A_CALL = 256,
    RAW_MAX_BYTES = 1024,
};

struct refused_row {
    struct buf key;
    char *column;
    char *reason;
};

/* "f:q", as far as it can be shown. */
static char *write_column(const struct hbase_cell *cell)
{
    struct buf text = {0};

    row_text_write(cell->family, &text);
    buf_append_char(&text, ':');
    row_text_write(cell->qualifier, &text);
    return buf_take(&text);
}

void refused_rows_add(struct refused_rows *rows, const struct hbase_cell *cell,
                      struct status reason)
{
    if (rows->count == rows->size) {
        rows->size = rows->size * 2 + 16;
        rows->items = mem_realloc_array(rows->items, rows->size, sizeof(*rows->items));
    }
    struct refused_row *row = &rows->items[rows->count++];
    *row = (struct refused_row){
        .column = write_column(cell),
        .reason = mem_copy_str(str_from(reason.text)),
    };
    buf_append_str(&row->key, cell->row);
}

static void free_row(struct refused_row *row)
{
    buf_deinit(&row->key);
    mem_free(row->column);
    mem_free(row->reason);
}

static int compare_keys(const void *a, const void *b)
{
    const struct refused_row *left = a, *right = b;

    return hbase_bytes_compare(buf_get(&left->key), buf_get(&right->key));
}

/* Sorts by key and leaves each row once. */
static void sort_rows(struct refused_rows *rows)
{
    size_t count = 0;

    if (rows->count > 0)
        qsort(rows->items, rows->count, sizeof(*rows->items), compare_keys);
    for (size_t i = 0; i < rows->count; i++) {
        if (count > 0 && compare_keys(&rows->items[count - 1], &rows->items[i]) == 0)
            free_row(&rows->items[i]);
        else
            rows->items[count++] = rows->items[i];
    }
    rows->count = count;
}

/* A hash of which 53 bits are kept: what JSON's numbers hold. */
int64_t refused_rows_get_number(struct str key)
{
    uint64_t hash = hash_make(key);

    hash = (hash ^ hash >> 53) & ((UINT64_C(1) << 53) - 1);
    return hash > 0 ? (int64_t)hash : 1;
}

static Pb__BadRow make_bad_row(const struct refused_row *row, const char *table)
{
    Pb__BadRow message = PB__BAD_ROW__INIT;

    message.file = (char *)(uintptr_t)table;
    message.row = refused_rows_get_number(buf_get(&row->key));
    message.column = row->column;
    message.reason = row->reason;
    message.raw.data = (uint8_t *)row->key.data;
    message.raw.len = row->key.len < RAW_MAX_BYTES ? row->key.len : RAW_MAX_BYTES;
    return message;
}

static struct status store(const struct refused_row *items, size_t count,
                           struct job_context *context, const char *table)
{
    Pb__BadRow messages[BAD_ROWS_A_CALL];
    Pb__BadRow *list[BAD_ROWS_A_CALL];

    for (size_t i = 0; i < count; i++) {
        messages[i] = make_bad_row(&items[i], table);
        list[i] = &messages[i];
    }
    return job_context_store_bad_rows(context, list, count);
}

/* Forgets items[0 .. count). */
static void drop_first(struct refused_rows *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        free_row(&rows->items[i]);
    rows->count -= count;
    if (rows->count > 0)
        memmove(rows->items, rows->items + count, rows->count * sizeof(*rows->items));
}

struct status refused_rows_store(struct refused_rows *rows, struct str end,
                                 struct job_context *context, const char *table, int64_t *ret_count)
{
    struct status st = status_ok();
    size_t ndue = 0;

    sort_rows(rows);
    while (ndue < rows->count &&
           (end.len == 0 || hbase_bytes_compare(buf_get(&rows->items[ndue].key), end) < 0))
        ndue++;
    for (size_t i = 0; st.code == STATUS_OK && i < ndue; i += BAD_ROWS_A_CALL)
        st = store(&rows->items[i], ndue - i < BAD_ROWS_A_CALL ? ndue - i : BAD_ROWS_A_CALL,
                   context, table);
    if (st.code == STATUS_OK) {
        drop_first(rows, ndue);
        *ret_count = (int64_t)ndue;
    }
    return st;
}

void refused_rows_deinit(struct refused_rows *rows)
{
    drop_first(rows, rows->count);
    mem_free(rows->items);
    *rows = (struct refused_rows){0};
}
