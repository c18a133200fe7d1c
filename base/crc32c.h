/*
 * base/crc32c.h - CRC-32C (Castagnoli; RFC 3720, section 12.1), eight bytes a step.
 */
#ifndef BASE_CRC32C_H
#define BASE_CRC32C_H

#include <stdint.h>

#include "base/str.h"

enum { CRC32C_STEP_BYTES = 8 };

/* What is computed once and used often: [i][b] is the byte b with i zero bytes behind it. */
struct crc32c {
    uint32_t table[CRC32C_STEP_BYTES][256];
};

void crc32c_init(struct crc32c *ret);

uint32_t crc32c_make(const struct crc32c *crc, struct str bytes);

#endif
