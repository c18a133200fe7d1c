/*
 * base/hex.h - bytes as hexadecimal digits.
 */
#ifndef BASE_HEX_H
#define BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* Writes two digits a byte, in lower case, and NUL: 2 * nbytes + 1 characters. Returns where the NUL is. */
char *hex_encode(const uint8_t *bytes, size_t nbytes, char *ret);

#endif
