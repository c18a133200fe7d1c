#include "base/id.h"

#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/hex.h"
#include "base/random.h"
#include "base/sha256.h"

enum {
    UUID_NBYTES = 16,
    TIME_NBYTES = 6, /* of a version 7 */
};

/* Puts version and variant into their bits and writes the rest as it is. */
static void write_hex(uint8_t bytes[UUID_NBYTES], unsigned version, char ret_text[ID_HEX_BYTES])
{
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    (void)hex_encode(bytes, UUID_NBYTES, ret_text);
}

static void write_uuid(const char *hex, char ret_text[ID_UUID_BYTES])
{
    static const uint8_t lengths[] = {8, 4, 4, 4, 12};

    for (size_t i = 0; i < sizeof(lengths); i++) {
        memcpy(ret_text, hex, lengths[i]);
        hex += lengths[i];
        ret_text += lengths[i];
        *ret_text++ = '-';
    }
    ret_text[-1] = '\0';
}

void id_make_hex(char ret_text[ID_HEX_BYTES])
{
    uint8_t bytes[UUID_NBYTES];

    random_fill(bytes, sizeof(bytes));
    write_hex(bytes, 4, ret_text);
}

void id_make_uuid(char ret_text[ID_UUID_BYTES])
{
    char hex[ID_HEX_BYTES];

    id_make_hex(hex);
    write_uuid(hex, ret_text);
}

void id_make_ordered_hex(char ret_text[ID_HEX_BYTES])
{
    uint8_t bytes[UUID_NBYTES];
    uint64_t time_ms = (uint64_t)clock_get_time_us() / 1000;

    for (size_t i = TIME_NBYTES; i-- > 0; time_ms >>= 8)
        bytes[i] = (uint8_t)time_ms;
    random_fill(bytes + TIME_NBYTES, sizeof(bytes) - TIME_NBYTES);
    write_hex(bytes, 7, ret_text);
}

void id_make_ordered_uuid(char ret_text[ID_UUID_BYTES])
{
    char hex[ID_HEX_BYTES];

    id_make_ordered_hex(hex);
    write_uuid(hex, ret_text);
}

void id_make_named_uuid(struct str name, char ret_text[ID_UUID_BYTES])
{
    uint8_t digest[SHA256_BYTES];
    char hex[ID_HEX_BYTES];

    sha256_make(name, digest);
    write_hex(digest, 8, hex);
    write_uuid(hex, ret_text);
}

bool id_read_uuid(struct str text, char ret_text[ID_UUID_BYTES])
{
    char lower[ID_UUID_BYTES] = "";

    if (text.len != ID_UUID_BYTES - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;

        lower[i] = (char)(c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
        if (is_dash ? c != '-' : c == '\0' || !strchr("0123456789abcdef", lower[i]))
            return false;
    }
    memcpy(ret_text, lower, sizeof(lower));
    return true;
}
