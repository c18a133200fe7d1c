/*
 * hbase/bytes.h - numbers as HBase, ZooKeeper and Java write them: big-endian.
 */
#ifndef HBASE_BYTES_H
#define HBASE_BYTES_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint16_t hbase_get_u16(const char *at)
{
    uint16_t number;

    memcpy(&number, at, sizeof(number));
    return be16toh(number);
}

static inline uint32_t hbase_get_u32(const char *at)
{
    uint32_t number;

    memcpy(&number, at, sizeof(number));
    return be32toh(number);
}

static inline uint64_t hbase_get_u64(const char *at)
{
    uint64_t number;

    memcpy(&number, at, sizeof(number));
    return be64toh(number);
}

/* These return what is behind the number. */
static inline char *hbase_put_u16(char *at, uint16_t number)
{
    number = htobe16(number);
    memcpy(at, &number, sizeof(number));
    return at + sizeof(number);
}

static inline char *hbase_put_u32(char *at, uint32_t number)
{
    number = htobe32(number);
    memcpy(at, &number, sizeof(number));
    return at + sizeof(number);
}

static inline char *hbase_put_u64(char *at, uint64_t number)
{
    number = htobe64(number);
    memcpy(at, &number, sizeof(number));
    return at + sizeof(number);
}

#endif
