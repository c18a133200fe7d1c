/*
 * tests/fuzz/fuzz_hbase_page.c - any bytes as answers of a Scan call.
 *
 * The input is a byte that says whether columns are left out, then answers: a byte, the length of the message; two bytes, that of the
 * cells; message and cells. One reader reads them all, as a scan does.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "hbase/message.h"
#include "hbase/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

/* The next len bytes, or what there is. */
static struct str take(struct str *rest, size_t len)
{
    struct str taken = {rest->data, len < rest->len ? len : rest->len};

    *rest = str_skip(*rest, taken.len);
    return taken;
}

static size_t take_byte(struct str *rest)
{
    struct str byte = take(rest, 1);

    return byte.len > 0 ? (uint8_t)byte.data[0] : 0;
}

static void check_page(const struct hbase_page *page, struct str before)
{
    require(page->ncells <= HBASE_PAGE_MAX_CELLS);
    require(hbase_bytes_compare(before, page->next_row) <= 0);
    for (size_t i = 0; i < page->ncells; i++) {
        require(hbase_bytes_compare(page->cells[i].row, before) >= 0);
        require(hbase_bytes_compare(page->cells[i].row, page->next_row) <= 0);
    }
}

static void read_answer(struct hbase_page_reader *reader, struct str message, struct str block)
{
    struct arena *arena = arena_create(1024 * 1024);
    ProtobufCMessage *response;
    struct hbase_page page;

    if (hbase_message_read(message, &hb__scan_response__descriptor, arena, &response).code ==
        STATUS_OK) {
        struct str row = buf_get(&reader->position.next_row);
        char *before = arena_copy_str(arena, row);
        if (hbase_page_read(reader, (const Hb__ScanResponse *)response, block, &page).code ==
            STATUS_OK)
            check_page(&page, str_from_bytes(before, row.len));
    }
    arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct hbase_column columns[] = {
        {.family = str_from("f"), .is_whole_family = true},
        {.family = str_from("g"), .qualifier = str_from("x")},
    };
    struct str rest = str_from_bytes(data, size);
    struct hbase_page_reader reader = {0};

    if (take_byte(&rest) & 1) {
        reader.columns = columns;
        reader.ncolumns = ARRAY_LEN(columns);
    }
    while (rest.len > 0) {
        size_t message_len = take_byte(&rest);
        size_t block_len = take_byte(&rest) << 8;
        block_len |= take_byte(&rest);
        struct str message = take(&rest, message_len);
        read_answer(&reader, message, take(&rest, block_len));
    }
    hbase_page_reader_deinit(&reader);
    return 0;
}
