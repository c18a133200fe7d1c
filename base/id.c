#include "base/id.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void id_make_hex(char ret_text[ID_HEX_BYTES])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t bytes[16];

    /* Up to 256 bytes come whole once the kernel's generator is seeded. */
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        abort();
    bytes[6] = (uint8_t)((bytes[6] & 0x0f) | 0x40);
    bytes[8] = (uint8_t)((bytes[8] & 0x3f) | 0x80);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        ret_text[2 * i] = digits[bytes[i] >> 4];
        ret_text[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret_text[ID_HEX_BYTES - 1] = '\0';
}

void id_make_uuid(char ret_text[ID_UUID_BYTES])
{
    char hex[ID_HEX_BYTES];

    id_make_hex(hex);
    (void)snprintf(ret_text, ID_UUID_BYTES, "%.8s-%.4s-%.4s-%.4s-%.12s", hex, hex + 8, hex + 12,
                   hex + 16, hex + 20);
}
