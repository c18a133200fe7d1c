/*
 * tests/fuzz/fuzz_hbase_cells.c - any bytes are cells or an error; what was read as a cell is written as the same bytes.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "hbase/cell.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str rest = str_from_bytes(data, size);
    struct hbase_cell cell;
    struct buf again = {0};

    while (rest.len > 0) {
        const char *begin = rest.data;
        size_t len = rest.len;

        if (hbase_cell_take(&rest, &cell).code != STATUS_OK) {
            assert(rest.data == begin && rest.len == len);
            break;
        }
        buf_clear(&again);
        hbase_cell_write(&again, &cell);
        assert(again.len == hbase_cell_get_size_bytes(&cell) && again.len == len - rest.len);
        assert(memcmp(again.data, begin, again.len) == 0);
    }
    buf_deinit(&again);
    return 0;
}
