#include "base/crc32c.h"

#include <endian.h>

static const uint32_t POLYNOMIAL = 0x82f63b78; /* with its bits in reverse */

void crc32c_init(struct crc32c *ret)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = byte;

        for (int bit = 0; bit < 8; bit++)
            sum = sum >> 1 ^ (sum & 1 ? POLYNOMIAL : 0);
        ret->table[0][byte] = sum;
    }
    for (unsigned i = 1; i < CRC32C_STEP_BYTES; i++) {
        for (unsigned byte = 0; byte < 256; byte++) {
            uint32_t sum = ret->table[i - 1][byte];

            ret->table[i][byte] = sum >> 8 ^ ret->table[0][sum & 0xff];
        }
    }
}

static uint32_t add_step(const struct crc32c *crc, uint32_t sum, const char *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    word = le64toh(word) ^ sum;
    sum = 0;
    for (unsigned i = 0; i < CRC32C_STEP_BYTES; i++)
        sum ^= crc->table[CRC32C_STEP_BYTES - 1 - i][word >> 8 * i & 0xff];
    return sum;
}

uint32_t crc32c_make(const struct crc32c *crc, struct str bytes)
{
    uint32_t sum = UINT32_MAX;

    for (; bytes.len >= CRC32C_STEP_BYTES; bytes = str_skip(bytes, CRC32C_STEP_BYTES))
        sum = add_step(crc, sum, bytes.data);
    for (size_t i = 0; i < bytes.len; i++)
        sum = sum >> 8 ^ crc->table[0][(sum ^ (uint8_t)bytes.data[i]) & 0xff];
    return ~sum;
}
