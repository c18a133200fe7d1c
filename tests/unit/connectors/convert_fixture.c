#include "tests/unit/connectors/convert_fixture.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "connectors/convert/convert.h"
#include "tests/harness/test.h"

/* An int128 in digits. */
static void write_int128(int128 value, struct buf *ret)
{
    char digits[41]; /* 39 digits and NUL */
    size_t at = sizeof(digits) - 1;
    uint128 size = value < 0 ? -(uint128)value : (uint128)value;

    digits[at] = '\0';
    do {
        digits[--at] = (char)('0' + (int)(size % 10));
        size /= 10;
    } while (size > 0);
    buf_printf(ret, "%s%s", value < 0 ? "-" : "", digits + at);
}

static void write_bytes(struct str bytes, struct buf *ret)
{
    for (size_t i = 0; i < bytes.len; i++)
        buf_printf(ret, "%02x", (unsigned char)bytes.data[i]);
}

void convert_fixture_convert(const struct target_column *column, struct str text, struct buf *ret)
{
    char reason[CONVERT_REASON_BYTES];
    struct batch *batch = batch_create(column, 1);
    struct arena *arena = arena_create(0);
    const struct batch_column *values = batch->columns;
    enum convert_result result = convert_text(column, text, arena, batch->columns, 3);

    buf_clear(ret);
    if (result != CONVERT_OK) {
        convert_write_reason(result, column, text, reason);
        buf_append_text(ret, reason);
    } else if (column->type == COLUMN_DECIMAL && values->decimals[3].is_nan) {
        buf_append_text(ret, "NaN");
    } else if (column->type == COLUMN_DECIMAL) {
        write_int128(values->decimals[3].unscaled, ret);
        buf_printf(ret, "/%u", values->decimals[3].scale);
    } else if (column->type == COLUMN_FLOAT || column->type == COLUMN_DOUBLE) {
        buf_printf(ret, "%.17g", values->reals[3]);
    } else if (column->type == COLUMN_VARBINARY || column->type == COLUMN_UUID) {
        write_bytes(values->texts[3], ret);
    } else if (column->type == COLUMN_STRING || column->type == COLUMN_JSON) {
        buf_append_str(ret, values->texts[3]);
    } else {
        buf_printf(ret, "%" PRId64, values->ints[3]);
    }
    arena_destroy(arena);
    batch_destroy(batch);
}

void convert_fixture_check(const struct target_column *column, const struct convert_case *cases,
                           size_t ncases)
{
    struct buf got = {0};

    for (size_t i = 0; i < ncases; i++) {
        convert_fixture_convert(column, str_from(cases[i].text), &got);
        check_str(buf_get_text(&got), cases[i].expected);
    }
    buf_deinit(&got);
}
