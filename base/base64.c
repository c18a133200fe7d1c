#include "base/base64.h"

#include <stdint.h>

static const char *const alphabets[] = {
    [BASE64_STANDARD] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/",
    [BASE64_URL] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
};

void base64_write(struct buf *buf, enum base64_form form, struct str bytes)
{
    const char *alphabet = alphabets[form];
    const uint8_t *p = (const uint8_t *)bytes.data;

    for (size_t i = 0; i < bytes.len; i += 3) {
        size_t left = bytes.len - i;
        uint32_t bits = (uint32_t)p[i] << 16 | (left > 1 ? (uint32_t)p[i + 1] << 8 : 0) |
                        (left > 2 ? (uint32_t)p[i + 2] : 0);
        char text[4] = {alphabet[bits >> 18], alphabet[bits >> 12 & 63], alphabet[bits >> 6 & 63],
                        alphabet[bits & 63]};
        size_t n = left > 2 ? 4 : left + 1;

        buf_append(buf, text, n);
        for (; form == BASE64_STANDARD && n < 4; n++)
            buf_append_char(buf, '=');
    }
}

static int find_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    if (c == '+' || c == '-')
        return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

bool base64_read(struct str text, struct buf *ret)
{
    size_t padding = 0;
    uint32_t bits = 0;

    while (text.len > 0 && padding < 2 && text.data[text.len - 1] == '=') {
        text.len--;
        padding++;
    }
    if (text.len % 4 == 1 || (padding > 0 && (text.len + padding) % 4 != 0))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        int value = find_value(text.data[i]);
        if (value < 0)
            return false;
        bits = bits << 6 | (uint32_t)value;
        if (i % 4 != 0)
            buf_append_char(ret, (char)(bits >> (6 - 2 * (i % 4))));
    }
    /* What the last character has beyond a whole byte must be zero: one text for each value. */
    size_t spare_bits = text.len % 4 == 2 ? 4 : text.len % 4 == 3 ? 2 : 0;
    return (bits & ((1u << spare_bits) - 1)) == 0;
}
