#include "hbase/cell.h"

#include <assert.h>

#include "hbase/bytes.h"

/* What stands before and behind the texts of a cell (hbase-common: KeyValue, KeyValueUtil). */
enum {
    LENGTH_BYTES = 4,      /* of the cell, in front of it */
    SIZES_BYTES = 8,       /* of key and value */
    ROW_SIZE_BYTES = 2,    /* the row stands behind it */
    FAMILY_SIZE_BYTES = 1, /* the family stands behind it, then the qualifier */
    KEY_END_BYTES = 9,     /* timestamp and type */
    KEY_MIN_BYTES = ROW_SIZE_BYTES + FAMILY_SIZE_BYTES + KEY_END_BYTES,
};

int hbase_bytes_compare(struct str a, struct str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n > 0 ? memcmp(a.data, b.data, n) : 0;

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

int hbase_cell_compare(const struct hbase_cell *a, const struct hbase_cell *b)
{
    int order = hbase_bytes_compare(a->row, b->row);

    if (order == 0)
        order = hbase_bytes_compare(a->family, b->family);
    if (order == 0)
        order = hbase_bytes_compare(a->qualifier, b->qualifier);
    if (order == 0 && a->timestamp_ms != b->timestamp_ms)
        return a->timestamp_ms > b->timestamp_ms ? -1 : 1;
    return order != 0 ? order : (int)b->type - (int)a->type;
}

static size_t get_key_bytes(const struct hbase_cell *cell)
{
    return KEY_MIN_BYTES + cell->row.len + cell->family.len + cell->qualifier.len;
}

size_t hbase_cell_get_size_bytes(const struct hbase_cell *cell)
{
    return LENGTH_BYTES + SIZES_BYTES + get_key_bytes(cell) + cell->value.len;
}

static char *put(char *at, struct str text)
{
    if (text.len > 0)
        memcpy(at, text.data, text.len);
    return at + text.len;
}

static char *put_key(char *at, const struct hbase_cell *cell)
{
    at = hbase_put_u16(at, (uint16_t)cell->row.len);
    at = put(at, cell->row);
    *at++ = (char)cell->family.len;
    at = put(at, cell->family);
    at = put(at, cell->qualifier);
    at = hbase_put_u64(at, (uint64_t)cell->timestamp_ms);
    *at++ = (char)cell->type;
    return at;
}

static char *put_body(char *at, const struct hbase_cell *cell)
{
    at = hbase_put_u32(at, (uint32_t)get_key_bytes(cell));
    at = hbase_put_u32(at, (uint32_t)cell->value.len);
    at = put_key(at, cell);
    return put(at, cell->value);
}

/* Room for the cell, and what stands before it, in size bytes; NULL: block is full. */
static char *reserve(struct buf *block, const struct hbase_cell *cell, size_t size)
{
    assert(cell->row.len <= HBASE_MAX_ROW_BYTES && cell->family.len <= HBASE_MAX_FAMILY_BYTES);
    assert(size <= INT32_MAX);
    return buf_reserve(block, size);
}

static void claim(struct buf *block, size_t size)
{
    block->len += size;
    block->data[block->len] = 0;
}

void hbase_cell_write(struct buf *block, const struct hbase_cell *cell)
{
    size_t size = hbase_cell_get_size_bytes(cell);
    char *at = reserve(block, cell, size);

    if (!at)
        return;
    (void)put_body(hbase_put_u32(at, (uint32_t)(size - LENGTH_BYTES)), cell);
    claim(block, size);
}

void hbase_cell_write_body(struct buf *block, const struct hbase_cell *cell)
{
    size_t size = hbase_cell_get_size_bytes(cell) - LENGTH_BYTES;
    char *at = reserve(block, cell, size);

    if (!at)
        return;
    (void)put_body(at, cell);
    claim(block, size);
}

struct str hbase_cell_write_key(struct buf *block, const struct hbase_cell *cell)
{
    size_t size = get_key_bytes(cell);
    char *at = reserve(block, cell, size);

    if (!at)
        return (struct str){0};
    (void)put_key(at, cell);
    claim(block, size);
    return str_from_bytes(at, size);
}

static bool is_type(uint8_t number)
{
    switch (number) {
    case HBASE_PUT:
    case HBASE_DELETE:
    case HBASE_DELETE_FAMILY_VERSION:
    case HBASE_DELETE_COLUMN:
    case HBASE_DELETE_FAMILY:
        return true;
    default:
        return false;
    }
}

/* The first n bytes of *rest, which has them. */
static struct str take(struct str *rest, size_t n)
{
    struct str taken = {rest->data, n};

    *rest = str_skip(*rest, n);
    return taken;
}

/* Returns NULL, or what is wrong. key is at least KEY_MIN_BYTES. */
static const char *read_key(struct str key, struct hbase_cell *ret)
{
    size_t left = key.len - KEY_MIN_BYTES;
    size_t row_len = hbase_get_u16(take(&key, ROW_SIZE_BYTES).data);

    if (row_len > HBASE_MAX_ROW_BYTES || row_len > left)
        return "its row is longer than its key";
    ret->row = take(&key, row_len);
    left -= row_len;

    size_t family_len = (uint8_t)*take(&key, FAMILY_SIZE_BYTES).data;
    if (family_len > HBASE_MAX_FAMILY_BYTES || family_len > left)
        return "its family is longer than its key";
    ret->family = take(&key, family_len);
    ret->qualifier = take(&key, left - family_len);
    ret->timestamp_ms = (int64_t)hbase_get_u64(take(&key, sizeof(uint64_t)).data);

    uint8_t type = (uint8_t)key.data[0];
    if (!is_type(type))
        return "its type is none that there is";
    ret->type = (enum hbase_cell_type)type;
    return NULL;
}

/* Returns NULL, or what is wrong. */
static const char *read_cell(struct str *rest, struct hbase_cell *ret)
{
    if (rest->len < LENGTH_BYTES + SIZES_BYTES + KEY_MIN_BYTES)
        return "it is cut off";
    size_t len = hbase_get_u32(take(rest, LENGTH_BYTES).data);
    if (len > rest->len)
        return "it is cut off";
    if (len < SIZES_BYTES + KEY_MIN_BYTES)
        return "it is too short";

    struct str body = take(rest, len);
    size_t key_len = hbase_get_u32(take(&body, sizeof(uint32_t)).data);
    size_t value_len = hbase_get_u32(take(&body, sizeof(uint32_t)).data);
    if (key_len < KEY_MIN_BYTES || key_len > body.len || value_len != body.len - key_len)
        return "the lengths of its parts do not add up";
    struct str key = take(&body, key_len);
    ret->value = body;
    return read_key(key, ret);
}

struct status hbase_cell_take(struct str *block, struct hbase_cell *ret)
{
    struct str rest = *block;
    struct hbase_cell cell;
    const char *what = read_cell(&rest, &cell);

    if (what)
        return status_error(STATUS_DATA_LOSS, "a cell that HBase sent is not well formed: %s",
                            what);
    *block = rest;
    *ret = cell;
    return status_ok();
}
