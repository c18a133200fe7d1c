#include "base/id.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/sha256.h"

enum { UUID_NBYTES = 16 };

static const char digits[] = "0123456789abcdef";

/* Puts version and variant into their bits and writes the rest as it is. */
static void write_hex(uint8_t bytes[UUID_NBYTES], unsigned version, char ret_text[ID_HEX_BYTES])
{
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | version << 4);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < UUID_NBYTES; i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_text[ID_HEX_BYTES - 1] = '\0';
}

static void write_uuid(const char *hex, char ret_text[ID_UUID_BYTES])
{
    (void)snprintf(ret_text, ID_UUID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
}

void id_make_hex(char ret_text[ID_HEX_BYTES])
{
    uint8_t bytes[UUID_NBYTES];

    /* Up to 256 bytes come whole once the kernel's generator is seeded. */
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        abort();
    write_hex(bytes, 4, ret_text);
}

void id_make_uuid(char ret_text[ID_UUID_BYTES])
{
    char hex[ID_HEX_BYTES];

    id_make_hex(hex);
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
        if (is_dash ? c != '-' : c == '\0' || !strchr(digits, lower[i]))
            return false;
    }
    memcpy(ret_text, lower, sizeof(lower));
    return true;
}
