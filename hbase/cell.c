#include "hbase/cell.h"

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
