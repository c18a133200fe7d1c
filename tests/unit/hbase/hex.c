#include "tests/unit/hbase/hex.h"

#include <stdint.h>

#include "tests/harness/test.h"

static int get_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

void hex_read(const char *hex, struct buf *out)
{
    int first = -1;

    for (; *hex; hex++) {
        int digit = get_digit(*hex);
        if (digit < 0)
            continue;
        if (first >= 0)
            buf_append_char(out, (char)(first << 4 | digit));
        first = first < 0 ? digit : -1;
    }
}

void hex_write(struct str bytes, struct buf *out)
{
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(out, "%02x", (unsigned)(uint8_t)bytes.data[i]);
}

void hex_check(struct str bytes, const char *hex)
{
    struct buf expected = {0}, expected_text = {0}, text = {0};

    hex_read(hex, &expected);
    hex_write(buf_get(&expected), &expected_text);
    hex_write(bytes, &text);
    check_str(buf_get_text(&text), buf_get_text(&expected_text));
    buf_deinit(&expected);
    buf_deinit(&expected_text);
    buf_deinit(&text);
}
