#include "tests/unit/hbase/cell_text.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

static const struct {
    char letter;
    enum hbase_cell_type type;
} markers[] = {
    {'D', HBASE_DELETE},
    {'C', HBASE_DELETE_COLUMN},
    {'V', HBASE_DELETE_FAMILY_VERSION},
    {'F', HBASE_DELETE_FAMILY},
};

static struct hbase_cell read_cell(struct str text)
{
    struct hbase_cell cell = {.type = HBASE_PUT, .value = str_from("v")};
    char *end;

    cell.row = str_cut(&text, '/');
    cell.family = str_cut(&text, ':');
    cell.qualifier = str_cut(&text, '@');
    cell.timestamp_ms = strtoll(text.data, &end, 10);
    for (size_t i = 0; i < ARRAY_LEN(markers); i++) {
        if (end < text.data + text.len && *end == markers[i].letter) {
            cell.type = markers[i].type;
            cell.value = (struct str){0};
        }
    }
    return cell;
}

size_t cell_text_read(const char *text, struct hbase_cell ret[CELL_TEXT_MAX_CELLS])
{
    struct str rest = str_from(text);
    size_t n = 0;

    while (rest.len > 0) {
        assert(n < CELL_TEXT_MAX_CELLS);
        ret[n++] = read_cell(str_cut(&rest, ' '));
    }
    return n;
}

size_t cell_text_write(struct buf *block, const char *text)
{
    struct hbase_cell cells[CELL_TEXT_MAX_CELLS];
    size_t n = cell_text_read(text, cells);

    for (size_t i = 0; i < n; i++)
        hbase_cell_write(block, &cells[i]);
    return n;
}

static void show(const struct hbase_cell *cell, struct buf *ret)
{
    buf_printf(ret, "%s%.*s/%.*s:%.*s@%" PRId64, ret->len > 0 ? " " : "", (int)cell->row.len,
               cell->row.data, (int)cell->family.len, cell->family.data, (int)cell->qualifier.len,
               cell->qualifier.data, cell->timestamp_ms);
    for (size_t i = 0; i < ARRAY_LEN(markers); i++)
        if (cell->type == markers[i].type)
            buf_append_char(ret, markers[i].letter);
}

const char *cell_text_show(const struct hbase_cell *cells, size_t ncells, struct buf *ret)
{
    buf_clear(ret);
    for (size_t i = 0; i < ncells; i++)
        show(&cells[i], ret);
    return buf_get_text(ret);
}

const char *cell_text_show_block(struct str block, struct buf *ret)
{
    struct hbase_cell cell;

    buf_clear(ret);
    while (block.len > 0) {
        struct status st = hbase_cell_take(&block, &cell);
        assert(st.code == STATUS_OK);
        show(&cell, ret);
    }
    return buf_get_text(ret);
}
