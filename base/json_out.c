#include "base/json_out.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"

struct json_out json_out_make(struct buf *buf)
{
    return (struct json_out){.buf = buf};
}

static void begin_value(struct json_out *out)
{
    if (out->needs_comma)
        buf_append_char(out->buf, ',');
    out->needs_comma = true;
}

static void begin_nested(struct json_out *out, char bracket)
{
    begin_value(out);
    buf_append_char(out->buf, bracket);
    out->needs_comma = false;
}

static void end_nested(struct json_out *out, char bracket)
{
    buf_append_char(out->buf, bracket);
    out->needs_comma = true;
}

void json_out_begin_object(struct json_out *out)
{
    begin_nested(out, '{');
}

void json_out_end_object(struct json_out *out)
{
    end_nested(out, '}');
}

void json_out_begin_array(struct json_out *out)
{
    begin_nested(out, '[');
}

void json_out_end_array(struct json_out *out)
{
    end_nested(out, ']');
}

static void append_escaped(struct buf *buf, char c)
{
    static const struct {
        char c;
        const char *text;
    } short_forms[] = {{'"', "\\\""}, {'\\', "\\\\"}, {'\n', "\\n"}, {'\r', "\\r"},
                       {'\t', "\\t"}, {'\b', "\\b"},  {'\f', "\\f"}};

    for (size_t i = 0; i < ARRAY_LEN(short_forms); i++) {
        if (short_forms[i].c == c) {
            buf_append_text(buf, short_forms[i].text);
            return;
        }
    }
    buf_printf(buf, "\\u%04x", (unsigned)(unsigned char)c);
}

/* Appends text that is valid UTF-8: plain runs as they are, the rest escaped. */
static void append_valid(struct buf *buf, struct str text)
{
    size_t start = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\' && c != 0x7f)
            continue;
        buf_append(buf, text.data + start, i - start);
        append_escaped(buf, text.data[i]);
        start = i + 1;
    }
    buf_append(buf, text.data + start, text.len - start);
}

static void append_quoted(struct buf *buf, struct str text)
{
    buf_append_char(buf, '"');
    while (text.len > 0) {
        size_t valid = utf8_find_invalid(text);
        append_valid(buf, (struct str){.data = text.data, .len = valid});
        if (valid == text.len)
            break;
        buf_append_text(buf, "\xef\xbf\xbd");
        text = str_skip(text, valid + 1);
    }
    buf_append_char(buf, '"');
}

void json_out_key_str(struct json_out *out, struct str key)
{
    begin_value(out);
    append_quoted(out->buf, key);
    buf_append_char(out->buf, ':');
    out->needs_comma = false;
}

void json_out_key(struct json_out *out, const char *key)
{
    json_out_key_str(out, str_from(key));
}

void json_out_string(struct json_out *out, struct str text)
{
    begin_value(out);
    append_quoted(out->buf, text);
}

void json_out_text(struct json_out *out, const char *text)
{
    json_out_string(out, str_from(text));
}

void json_out_int(struct json_out *out, int64_t value)
{
    begin_value(out);
    buf_printf(out->buf, "%" PRId64, value);
}

void json_out_uint(struct json_out *out, uint64_t value)
{
    begin_value(out);
    buf_printf(out->buf, "%" PRIu64, value);
}

void json_out_real(struct json_out *out, double value)
{
    char text[40]; /* %.17g of any double takes at most 24 bytes */

    begin_value(out);
    if (!isfinite(value)) {
        buf_append_text(out->buf, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof(text), "%.*g", digits, value);
        double back = strtod(text, NULL);
        if (!(back < value) && !(back > value))
            break;
    }
    buf_append_text(out->buf, text);
}

void json_out_bool(struct json_out *out, bool value)
{
    begin_value(out);
    buf_append_text(out->buf, value ? "true" : "false");
}

void json_out_null(struct json_out *out)
{
    begin_value(out);
    buf_append_text(out->buf, "null");
}

void json_out_raw(struct json_out *out, struct str text)
{
    begin_value(out);
    buf_append_str(out->buf, text);
}
