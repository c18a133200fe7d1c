#include "connectors/parquet/value_convert.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#include "base/compiler.h"
#include "connectors/convert/real.h"
#include "connectors/parquet/value_text.h"

static const int64_t us_per_day = INT64_C(86400000000);
static const int64_t min_day = -719162; /* 0001-01-01 */
static const int64_t max_day = 2932896; /* 9999-12-31 */

static enum convert_result put_int(const struct value_target *target, int64_t value)
{
    target->values->ints[target->row] = value;
    return CONVERT_OK;
}

static enum convert_result put_text(const struct value_target *target, struct str text)
{
    target->values->texts[target->row] = text;
    return CONVERT_OK;
}

/* Texts of other kinds: the text is made, and kept in the arena. */

static enum convert_result write_text(const struct value_target *target, enum value_kind kind,
                                      const union value *value)
{
    char storage[VALUE_TEXT_BYTES];
    struct str text = value_write_text(kind, value, storage);
    char *copy = arena_alloc(target->arena, text.len);

    memcpy(copy, text.data, text.len);
    (void)put_text(target, str_from_bytes(copy, text.len));
    return convert_check_string(target->column, text);
}

/* Goes by way of a number's text. */
static enum convert_result read_text_of(const struct value_target *target, enum value_kind kind,
                                        const union value *value)
{
    char storage[VALUE_TEXT_BYTES];

    return convert_text(target->column, value_write_text(kind, value, storage), target->arena,
                        target->values, target->row);
}

/* BOOLEAN */

static enum convert_result same_int(const struct value_target *target, const union value *value)
{
    return put_int(target, value->integer);
}

static enum convert_result boolean_to_text(const struct value_target *target,
                                           const union value *value)
{
    return write_text(target, VALUE_BOOLEAN, value);
}

/* INTEGER */

static enum convert_result integer_to_int(const struct value_target *target,
                                          const union value *value)
{
    (void)put_int(target, value->integer);
    return convert_check_int(target->column, value->integer);
}

static enum convert_result integer_to_float(const struct value_target *target,
                                            const union value *value)
{
    target->values->reals[target->row] = (double)(float)value->integer;
    return CONVERT_OK;
}

static enum convert_result integer_to_double(const struct value_target *target,
                                             const union value *value)
{
    target->values->reals[target->row] = (double)value->integer;
    return CONVERT_OK;
}

static enum convert_result put_decimal(const struct value_target *target, struct decimal value)
{
    struct decimal *place = &target->values->decimals[target->row];

    *place = value;
    return convert_fit_decimal(target->column, place);
}

static enum convert_result integer_to_decimal(const struct value_target *target,
                                              const union value *value)
{
    return put_decimal(target, (struct decimal){.unscaled = value->integer});
}

static enum convert_result integer_to_text(const struct value_target *target,
                                           const union value *value)
{
    return write_text(target, VALUE_INTEGER, value);
}

/* FLOAT, DOUBLE */

static enum convert_result real_to_int(const struct value_target *target, const union value *value)
{
    double real = value->real;

    /* 2^63 is a double, and the largest 64-bit number is not. */
    if (!(real >= -0x1p63 && real < 0x1p63) || real != trunc(real))
        return CONVERT_NOT_OF_TYPE;
    (void)put_int(target, (int64_t)real);
    return convert_check_int(target->column, (int64_t)real);
}

static enum convert_result real_to_float(const struct value_target *target,
                                         const union value *value)
{
    double rounded = (double)(float)value->real;

    target->values->reals[target->row] = rounded;
    return isinf(rounded) && !isinf(value->real) ? CONVERT_NOT_OF_TYPE : CONVERT_OK;
}

static enum convert_result real_to_double(const struct value_target *target,
                                          const union value *value)
{
    target->values->reals[target->row] = value->real;
    return CONVERT_OK;
}

/* As the shortest text that means the same number: 0.1 is 0.1, and not 0.1000000000000000055. */
static enum convert_result float_to_decimal(const struct value_target *target,
                                            const union value *value)
{
    return read_text_of(target, VALUE_FLOAT, value);
}

static enum convert_result double_to_decimal(const struct value_target *target,
                                             const union value *value)
{
    return read_text_of(target, VALUE_DOUBLE, value);
}

static enum convert_result float_to_text(const struct value_target *target,
                                         const union value *value)
{
    return write_text(target, VALUE_FLOAT, value);
}

static enum convert_result double_to_text(const struct value_target *target,
                                          const union value *value)
{
    return write_text(target, VALUE_DOUBLE, value);
}

/* DECIMAL */

static enum convert_result decimal_to_int(const struct value_target *target,
                                          const union value *value)
{
    int128 whole = value->decimal.unscaled;

    for (unsigned i = 0; i < value->decimal.scale; i++) {
        if (whole % 10 != 0)
            return CONVERT_NOT_OF_TYPE;
        whole /= 10;
    }
    if (whole < INT64_MIN || whole > INT64_MAX)
        return CONVERT_NOT_OF_TYPE;
    (void)put_int(target, (int64_t)whole);
    return convert_check_int(target->column, (int64_t)whole);
}

/* The nearest number, as for a text: FLOAT or DOUBLE. */
static enum convert_result decimal_to_real(const struct value_target *target,
                                           const union value *value)
{
    return read_text_of(target, VALUE_DECIMAL, value);
}

static enum convert_result same_decimal(const struct value_target *target, const union value *value)
{
    return put_decimal(target, value->decimal);
}

static enum convert_result decimal_to_text(const struct value_target *target,
                                           const union value *value)
{
    return write_text(target, VALUE_DECIMAL, value);
}

/* TEXT, BYTES */

static enum convert_result same_text(const struct value_target *target, const union value *value)
{
    (void)put_text(target, value->text);
    return convert_check_string(target->column, value->text);
}

static enum convert_result same_bytes(const struct value_target *target, const union value *value)
{
    return put_text(target, value->text);
}

/* JSON or UUID. */
static enum convert_result text_to_other(const struct value_target *target,
                                         const union value *value)
{
    return convert_text(target->column, value->text, target->arena, target->values, target->row);
}

/* DATE */

static enum convert_result same_day(const struct value_target *target, const union value *value)
{
    (void)put_int(target, value->integer);
    return value->integer >= min_day && value->integer <= max_day ? CONVERT_OK
                                                                  : CONVERT_NOT_OF_TYPE;
}

static enum convert_result day_to_time(const struct value_target *target, const union value *value)
{
    if (value->integer < min_day || value->integer > max_day)
        return CONVERT_NOT_OF_TYPE;
    return put_int(target, value->integer * us_per_day);
}

static enum convert_result day_to_text(const struct value_target *target, const union value *value)
{
    return write_text(target, VALUE_DATE, value);
}

/* TIMESTAMP, TIMESTAMPTZ */

static enum convert_result same_time(const struct value_target *target, const union value *value)
{
    (void)put_int(target, value->integer);
    return value->integer >= min_day * us_per_day && value->integer < (max_day + 1) * us_per_day
               ? CONVERT_OK
               : CONVERT_NOT_OF_TYPE;
}

static enum convert_result timestamp_to_text(const struct value_target *target,
                                             const union value *value)
{
    return write_text(target, VALUE_TIMESTAMP, value);
}

static enum convert_result timestamptz_to_text(const struct value_target *target,
                                               const union value *value)
{
    return write_text(target, VALUE_TIMESTAMPTZ, value);
}

/* UUID */

static enum convert_result same_uuid(const struct value_target *target, const union value *value)
{
    char *copy = arena_alloc(target->arena, sizeof(value->uuid));

    memcpy(copy, value->uuid, sizeof(value->uuid));
    return put_text(target, str_from_bytes(copy, sizeof(value->uuid)));
}

static enum convert_result uuid_to_text(const struct value_target *target, const union value *value)
{
    return write_text(target, VALUE_UUID, value);
}

static const value_convert_fn converters[VALUE_NKINDS][COLUMN_NTYPES] = {
    [VALUE_BOOLEAN] = {[COLUMN_BOOLEAN] = same_int, [COLUMN_STRING] = boolean_to_text},
    [VALUE_INTEGER] = {[COLUMN_BYTE] = integer_to_int,
                       [COLUMN_SHORT] = integer_to_int,
                       [COLUMN_INT] = integer_to_int,
                       [COLUMN_LONG] = integer_to_int,
                       [COLUMN_FLOAT] = integer_to_float,
                       [COLUMN_DOUBLE] = integer_to_double,
                       [COLUMN_DECIMAL] = integer_to_decimal,
                       [COLUMN_STRING] = integer_to_text},
    [VALUE_FLOAT] = {[COLUMN_BYTE] = real_to_int,
                     [COLUMN_SHORT] = real_to_int,
                     [COLUMN_INT] = real_to_int,
                     [COLUMN_LONG] = real_to_int,
                     [COLUMN_FLOAT] = real_to_float,
                     [COLUMN_DOUBLE] = real_to_double,
                     [COLUMN_DECIMAL] = float_to_decimal,
                     [COLUMN_STRING] = float_to_text},
    [VALUE_DOUBLE] = {[COLUMN_BYTE] = real_to_int,
                      [COLUMN_SHORT] = real_to_int,
                      [COLUMN_INT] = real_to_int,
                      [COLUMN_LONG] = real_to_int,
                      [COLUMN_FLOAT] = real_to_float,
                      [COLUMN_DOUBLE] = real_to_double,
                      [COLUMN_DECIMAL] = double_to_decimal,
                      [COLUMN_STRING] = double_to_text},
    [VALUE_DECIMAL] = {[COLUMN_BYTE] = decimal_to_int,
                       [COLUMN_SHORT] = decimal_to_int,
                       [COLUMN_INT] = decimal_to_int,
                       [COLUMN_LONG] = decimal_to_int,
                       [COLUMN_FLOAT] = decimal_to_real,
                       [COLUMN_DOUBLE] = decimal_to_real,
                       [COLUMN_DECIMAL] = same_decimal,
                       [COLUMN_STRING] = decimal_to_text},
    [VALUE_TEXT] = {[COLUMN_STRING] = same_text,
                    [COLUMN_VARBINARY] = same_bytes,
                    [COLUMN_JSON] = text_to_other,
                    [COLUMN_UUID] = text_to_other},
    [VALUE_BYTES] = {[COLUMN_STRING] = same_text, [COLUMN_VARBINARY] = same_bytes},
    [VALUE_DATE] = {[COLUMN_DATE] = same_day,
                    [COLUMN_TIMESTAMP] = day_to_time,
                    [COLUMN_TIMESTAMPTZ] = day_to_time,
                    [COLUMN_STRING] = day_to_text},
    [VALUE_TIMESTAMP] = {[COLUMN_TIMESTAMP] = same_time,
                         [COLUMN_TIMESTAMPTZ] = same_time,
                         [COLUMN_STRING] = timestamp_to_text},
    [VALUE_TIMESTAMPTZ] = {[COLUMN_TIMESTAMP] = same_time,
                           [COLUMN_TIMESTAMPTZ] = same_time,
                           [COLUMN_STRING] = timestamptz_to_text},
    [VALUE_UUID] = {[COLUMN_UUID] = same_uuid, [COLUMN_STRING] = uuid_to_text},
};

value_convert_fn value_convert_find(enum value_kind kind, enum column_type type)
{
    assert(kind < VALUE_NKINDS && type < COLUMN_NTYPES);
    return converters[kind][type];
}
