/*
 * tests/fuzz/fuzz_convert.c - any text, as a value of any type.
 *
 * The first four bytes choose type, precision, scale and length; the rest is the text. Whole and real numbers must be what
 * the C library makes of the text; a decimal must become itself again; a reason must be fit to be shown.
 */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/convert/convert.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void check_reason(enum convert_result result, const struct target_column *column,
                         struct str text)
{
    char reason[CONVERT_REASON_BYTES];

    convert_write_reason(result, column, text, reason);
    struct str said = str_from(reason);
    require(said.len > 0 && said.len < CONVERT_REASON_BYTES - 1 && utf8_is_valid(said));
    for (size_t i = 0; i < said.len; i++)
        require((unsigned char)said.data[i] >= ' ');
}

/* The unscaled digits, with the exponent that the scale is. */
static void write_decimal(const struct decimal *value, char ret[80])
{
    uint128 size = value->unscaled < 0 ? -(uint128)value->unscaled : (uint128)value->unscaled;
    uint64_t part = UINT64_C(10000000000000000000);

    snprintf(ret, 80, "%s%llu%019llu%019llue-%u", value->unscaled < 0 ? "-" : "",
             (unsigned long long)(size / part / part), (unsigned long long)(size / part % part),
             (unsigned long long)(size % part), value->scale);
}

static void check_decimal(const struct target_column *column, const struct decimal *value)
{
    char text[80];
    struct batch *batch = batch_create(column, 1);
    const struct decimal *again = batch->columns[0].decimals;

    if (!value->is_nan) {
        write_decimal(value, text);
        require(convert_text(column, str_from(text), NULL, batch->columns, 0) == CONVERT_OK);
        require(again->unscaled == value->unscaled && again->scale == value->scale);
    }
    batch_destroy(batch);
}

static void check_value(const struct target_column *column, struct str text,
                        const struct batch_column *values)
{
    char *copy = mem_copy_str(text);

    if (column->type == COLUMN_DOUBLE && !isnan(values->reals[0]))
        require(strtod(copy, NULL) == values->reals[0]);
    if (column->type == COLUMN_FLOAT && !isnan(values->reals[0]))
        require((double)strtof(copy, NULL) == values->reals[0]);
    if (column->type >= COLUMN_BYTE && column->type <= COLUMN_LONG) {
        require(strtoll(copy, NULL, 10) == values->ints[0]);
        require(convert_check_int(column, values->ints[0]) == CONVERT_OK);
    }
    if (column->type == COLUMN_DECIMAL)
        check_decimal(column, &values->decimals[0]);
    if (column->type == COLUMN_STRING)
        require(str_is_equal(values->texts[0], text) && utf8_is_valid(text));
    if (column->type == COLUMN_UUID)
        require(values->texts[0].len == 16);
    mem_free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 4)
        return 0;

    struct target_column column = {
        .source = "a",
        .target = "b",
        .type = (enum column_type)(data[0] % COLUMN_NTYPES),
        .precision = data[1] % 45,
        .scale = data[2] % 45,
        .max_chars = data[3] % 20,
    };
    struct str text = str_from_bytes(data + 4, size - 4);
    struct arena *arena = arena_create(0);
    struct batch *batch = batch_create(&column, 1);
    enum convert_result result = convert_text(&column, text, arena, batch->columns, 0);

    if (result == CONVERT_OK)
        check_value(&column, text, batch->columns);
    else
        check_reason(result, &column, text);
    batch_destroy(batch);
    arena_destroy(arena);
    return 0;
}
