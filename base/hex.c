#include "base/hex.h"

char *hex_encode(const uint8_t *bytes, size_t nbytes, char *ret)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < nbytes; i++) {
        *ret++ = digits[bytes[i] >> 4];
        *ret++ = digits[bytes[i] & 15];
    }
    *ret = '\0';
    return ret;
}
