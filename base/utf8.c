#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* The first and second byte's ranges for each length (RFC 3629, section 4). */
static const struct {
    uint8_t first_low, first_high, second_low, second_high, length;
} forms[] = {
    {0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3}, {0xe1, 0xec, 0x80, 0xbf, 3},
    {0xed, 0xed, 0x80, 0x9f, 3}, {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
    {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4},
};

/* The length of the character beyond ASCII at p, or 0 if there is no valid one. */
static size_t measure(const uint8_t *p, size_t left)
{
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (p[0] < forms[i].first_low || p[0] > forms[i].first_high)
            continue;
        if (left < forms[i].length || p[1] < forms[i].second_low || p[1] > forms[i].second_high)
            return 0;
        for (size_t k = 2; k < forms[i].length; k++) {
            if ((p[k] & 0xc0) != 0x80)
                return 0;
        }
        return forms[i].length;
    }
    return 0;
}

size_t utf8_find_invalid(struct str text)
{
    const uint8_t *bytes = (const uint8_t *)text.data;
    size_t i = 0;

    while (i < text.len) {
        uint64_t word;

        /* Eight ASCII bytes at once: most texts are nothing else. */
        while (text.len - i >= sizeof(word)) {
            memcpy(&word, bytes + i, sizeof(word));
            if ((word & UINT64_C(0x8080808080808080)) != 0)
                break;
            i += sizeof(word);
        }
        if (i == text.len)
            break;
        if (bytes[i] < 0x80) {
            i++;
            continue;
        }
        size_t len = measure(bytes + i, text.len - i);
        if (len == 0)
            return i;
        i += len;
    }
    return text.len;
}

size_t utf8_fit(struct str text, size_t max_bytes)
{
    if (text.len <= max_bytes)
        return text.len;

    size_t len = max_bytes;
    while (len > 0 && ((uint8_t)text.data[len] & 0xc0) == 0x80)
        len--;
    return len;
}
