#include "connectors/convert/convert.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/json_in.h"
#include "base/utf8.h"
#include "connectors/convert/datetime.h"
#include "connectors/convert/decimal.h"
#include "connectors/convert/real.h"

enum { SHOWN_BYTES = 64 };

/* What a conversion is about. */
struct job {
    const struct target_column *column;
    struct arena *arena;
    struct batch_column *ret;
    size_t row;
};

typedef enum convert_result (*convert_fn)(const struct job *job, struct str text);

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

static struct str trim(struct str text)
{
    while (text.len > 0 && is_blank(text.data[0]))
        text = str_skip(text, 1);
    while (text.len > 0 && is_blank(text.data[text.len - 1]))
        text.len--;
    return text;
}

/* BOOLEAN */

static enum convert_result convert_boolean(const struct job *job, struct str text)
{
    static const struct {
        const char *name;
        bool value;
    } names[] = {
        {"true", true}, {"false", false}, {"t", true},   {"f", false},
        {"1", true},    {"0", false},     {"yes", true}, {"no", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (str_is_ignoring_case(text, names[i].name)) {
            job->ret->ints[job->row] = names[i].value;
            return CONVERT_OK;
        }
    }
    return CONVERT_NOT_OF_TYPE;
}

/* BYTE to LONG */

static const struct {
    int64_t min, max;
} ranges[] = {
    [COLUMN_BOOLEAN] = {0, 1},
    [COLUMN_BYTE] = {INT8_MIN, INT8_MAX},
    [COLUMN_SHORT] = {INT16_MIN, INT16_MAX},
    [COLUMN_INT] = {INT32_MIN, INT32_MAX},
    [COLUMN_LONG] = {INT64_MIN, INT64_MAX},
};

enum convert_result convert_check_int(const struct target_column *column, int64_t value)
{
    assert(column->type <= COLUMN_LONG);
    return value >= ranges[column->type].min && value <= ranges[column->type].max
               ? CONVERT_OK
               : CONVERT_NOT_OF_TYPE;
}

/* digits are the digits of a number that is at most limit. */
static bool read_digits(struct str digits, uint64_t limit, uint64_t *ret)
{
    uint64_t value = 0;

    if (digits.len == 0)
        return false;
    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(unsigned char)digits.data[i] - '0';
        if (digit > 9 || value > (limit - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return true;
}

/* As read_digits for few digits, which cannot overflow. */
static bool read_few_digits(struct str digits, uint64_t limit, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < digits.len; i++) {
        unsigned digit = (unsigned)(unsigned char)digits.data[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *ret = value;
    return digits.len > 0 && value <= limit;
}

static enum convert_result convert_int(const struct job *job, struct str text)
{
    bool is_negative = text.len > 0 && text.data[0] == '-';
    uint64_t limit = (uint64_t)ranges[job->column->type].max + is_negative;
    uint64_t size = 0;

    if (is_negative || (text.len > 0 && text.data[0] == '+'))
        text = str_skip(text, 1);
    if (text.len <= 18 ? !read_few_digits(text, limit, &size) : !read_digits(text, limit, &size))
        return CONVERT_NOT_OF_TYPE;
    job->ret->ints[job->row] = (int64_t)(is_negative ? 0 - size : size);
    return CONVERT_OK;
}

/* FLOAT, DOUBLE, DECIMAL */

static enum convert_result convert_float(const struct job *job, struct str text)
{
    return real_read_float(text, &job->ret->reals[job->row]) ? CONVERT_OK : CONVERT_NOT_OF_TYPE;
}

static enum convert_result convert_double(const struct job *job, struct str text)
{
    return real_read_double(text, &job->ret->reals[job->row]) ? CONVERT_OK : CONVERT_NOT_OF_TYPE;
}

static enum convert_result from_decimal(enum decimal_result result)
{
    switch (result) {
    case DECIMAL_OK:
        return CONVERT_OK;
    case DECIMAL_TOO_LARGE:
        return CONVERT_TOO_MANY_DIGITS;
    default:
        return CONVERT_NOT_OF_TYPE;
    }
}

static enum convert_result convert_decimal(const struct job *job, struct str text)
{
    return from_decimal(decimal_read(job->column, text, &job->ret->decimals[job->row]));
}

enum convert_result convert_fit_decimal(const struct target_column *column, struct decimal *value)
{
    return from_decimal(decimal_fit(column, value));
}

/* STRING, JSON */

static size_t count_chars(struct str text)
{
    size_t n = 0;

    for (size_t i = 0; i < text.len; i++)
        n += ((unsigned char)text.data[i] & 0xc0) != 0x80;
    return n;
}

enum convert_result convert_check_string(const struct target_column *column, struct str text)
{
    if (text.len == 0)
        return CONVERT_OK;
    if (memchr(text.data, '\0', text.len))
        return CONVERT_HAS_NUL;
    if (!utf8_is_valid(text))
        return CONVERT_NOT_UTF8;
    if (column->max_chars > 0 && text.len > column->max_chars &&
        count_chars(text) > column->max_chars)
        return CONVERT_TOO_LONG;
    return CONVERT_OK;
}

static enum convert_result convert_string(const struct job *job, struct str text)
{
    job->ret->texts[job->row] = text;
    return convert_check_string(job->column, text);
}

static enum convert_result convert_json(const struct job *job, struct str text)
{
    struct json *json;
    struct status st = json_read("value", text, &json);

    if (st.code != STATUS_OK)
        return CONVERT_NOT_OF_TYPE;
    json_destroy(json);
    job->ret->texts[job->row] = text;
    return CONVERT_OK;
}

/* VARBINARY, UUID */

static unsigned get_hex(char c)
{
    if (c >= '0' && c <= '9')
        return (unsigned)(c - '0');
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

/* Two digits, of which the first is at digits; false: they are none. */
static bool read_hex(const char *digits, char *ret)
{
    unsigned high = get_hex(digits[0]);
    unsigned low = get_hex(digits[1]);

    *ret = (char)(high << 4 | low);
    return high < 16 && low < 16;
}

static enum convert_result convert_varbinary(const struct job *job, struct str text)
{
    job->ret->texts[job->row] = text;
    if (text.len < 2 || text.data[0] != '\\' || text.data[1] != 'x')
        return CONVERT_OK;
    text = str_skip(text, 2);
    if (text.len % 2 != 0)
        return CONVERT_NOT_OF_TYPE;

    size_t len = text.len / 2;
    char *bytes = arena_alloc(job->arena, len);
    for (size_t i = 0; i < len; i++) {
        if (!read_hex(text.data + 2 * i, &bytes[i]))
            return CONVERT_NOT_OF_TYPE;
    }
    job->ret->texts[job->row] = str_from_bytes(bytes, len);
    return CONVERT_OK;
}

enum { UUID_BYTES = 16, UUID_DIGITS = 32, UUID_TEXT_BYTES = 36 };

static enum convert_result convert_uuid(const struct job *job, struct str text)
{
    bool has_dashes = text.len == UUID_TEXT_BYTES;
    char *bytes = arena_alloc(job->arena, UUID_BYTES);
    size_t at = 0;

    if (!has_dashes && text.len != UUID_DIGITS)
        return CONVERT_NOT_OF_TYPE;
    for (size_t i = 0; i < UUID_BYTES; i++, at += 2) {
        bool is_behind_dash = i == 4 || i == 6 || i == 8 || i == 10;
        if (has_dashes && is_behind_dash && text.data[at++] != '-')
            return CONVERT_NOT_OF_TYPE;
        if (!read_hex(text.data + at, &bytes[i]))
            return CONVERT_NOT_OF_TYPE;
    }
    job->ret->texts[job->row] = str_from_bytes(bytes, UUID_BYTES);
    return CONVERT_OK;
}

/* DATE, TIMESTAMP, TIMESTAMPTZ */

static enum convert_result convert_date(const struct job *job, struct str text)
{
    return datetime_read_date(text, &job->ret->ints[job->row]) ? CONVERT_OK : CONVERT_NOT_OF_TYPE;
}

static enum convert_result convert_timestamp(const struct job *job, struct str text)
{
    bool has_offset;

    if (!datetime_read(text, &job->ret->ints[job->row], &has_offset))
        return CONVERT_NOT_OF_TYPE;
    return has_offset ? CONVERT_HAS_OFFSET : CONVERT_OK;
}

static enum convert_result convert_timestamptz(const struct job *job, struct str text)
{
    bool has_offset;

    return datetime_read(text, &job->ret->ints[job->row], &has_offset) ? CONVERT_OK
                                                                       : CONVERT_NOT_OF_TYPE;
}

/* What is said of each type, and who converts to it. */
static const struct {
    const char *name;
    bool is_trimmed;
    convert_fn convert;
} types[] = {
    [COLUMN_BOOLEAN] = {"a BOOLEAN (true or false)", true, convert_boolean},
    [COLUMN_BYTE] = {"a BYTE (-128 to 127)", true, convert_int},
    [COLUMN_SHORT] = {"a SHORT (-32768 to 32767)", true, convert_int},
    [COLUMN_INT] = {"an INT (-2147483648 to 2147483647)", true, convert_int},
    [COLUMN_LONG] = {"a LONG (-9223372036854775808 to 9223372036854775807)", true, convert_int},
    [COLUMN_FLOAT] = {"a FLOAT (at most 3.4e38)", true, convert_float},
    [COLUMN_DOUBLE] = {"a DOUBLE (at most 1.8e308)", true, convert_double},
    [COLUMN_DECIMAL] = {"a DECIMAL", true, convert_decimal},
    [COLUMN_STRING] = {"a STRING", false, convert_string},
    [COLUMN_VARBINARY] = {"a VARBINARY (behind \\x come pairs of hex digits)", false,
                          convert_varbinary},
    [COLUMN_DATE] = {"a DATE (yyyy-MM-dd)", true, convert_date},
    [COLUMN_TIMESTAMP] = {"a TIMESTAMP (yyyy-MM-dd HH:mm:ss.ffffff)", true, convert_timestamp},
    [COLUMN_TIMESTAMPTZ] = {"a TIMESTAMP WITH TIME ZONE (yyyy-MM-dd HH:mm:ss.ffffff+hh:mm)", true,
                            convert_timestamptz},
    [COLUMN_JSON] = {"JSON", true, convert_json},
    [COLUMN_UUID] = {"a UUID", true, convert_uuid},
};
static_assert(ARRAY_LEN(types) == COLUMN_NTYPES, "a row for each type");

enum convert_result convert_text(const struct target_column *column, struct str text,
                                 struct arena *arena, struct batch_column *ret, size_t row)
{
    struct job job = {.column = column, .arena = arena, .ret = ret, .row = row};

    if (types[column->type].is_trimmed)
        text = trim(text);
    return types[column->type].convert(&job, text);
}

/* A value for people to read: cut, and without what would break a line or a terminal. */
static void write_shown(struct str value, char ret[SHOWN_BYTES + 4])
{
    size_t len = utf8_fit(value, SHOWN_BYTES);

    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value.data[i];
        ret[i] = c < ' ' || c == 0x7f ? '?' : (char)c;
    }
    for (size_t at = 0; (at += utf8_find_invalid(str_from_bytes(ret + at, len - at))) < len;)
        ret[at] = '?';
    memcpy(ret + len, len < value.len ? "..." : "", len < value.len ? 4 : 1);
}

static const char *const reasons[] = {
    [CONVERT_NOT_UTF8] = "is not UTF-8",
    [CONVERT_HAS_NUL] = "has a byte 0x00",
    [CONVERT_HAS_OFFSET] = "has an offset, but the column has no time zone",
};

void convert_write_reason(enum convert_result result, const struct target_column *column,
                          struct str value, char ret_text[CONVERT_REASON_BYTES])
{
    char shown[SHOWN_BYTES + 4];

    assert(result > CONVERT_OK && result < CONVERT_NRESULTS);
    write_shown(value, shown);
    switch (result) {
    case CONVERT_IS_NULL:
        (void)snprintf(ret_text, CONVERT_REASON_BYTES, "null, but the column needs a value");
        return;
    case CONVERT_TOO_MANY_DIGITS:
        if (column->precision == 0)
            (void)snprintf(ret_text, CONVERT_REASON_BYTES, "'%s' is beyond a DECIMAL of %d digits",
                           shown, DECIMAL_MAX_DIGITS);
        else
            (void)snprintf(ret_text, CONVERT_REASON_BYTES, "'%s' is beyond a DECIMAL(%u,%u)", shown,
                           column->precision, column->scale);
        return;
    case CONVERT_TOO_LONG:
        (void)snprintf(ret_text, CONVERT_REASON_BYTES,
                       "'%s' has %zu characters, but at most %u fit", shown, count_chars(value),
                       column->max_chars);
        return;
    case CONVERT_NOT_OF_TYPE:
        (void)snprintf(ret_text, CONVERT_REASON_BYTES, "'%s' is not %s", shown,
                       types[column->type].name);
        return;
    default:
        (void)snprintf(ret_text, CONVERT_REASON_BYTES, "'%s' %s", shown, reasons[result]);
    }
}
