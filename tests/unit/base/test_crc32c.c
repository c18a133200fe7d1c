#include "base/crc32c.h"

#include "tests/harness/test.h"

test(crc32c_is_that_of_the_rfc)
{
    struct crc32c crc;
    char bytes[32] = {0};

    crc32c_init(&crc);
    check_int(crc32c_make(&crc, str_from("123456789")), 0xe3069283);
    check_int(crc32c_make(&crc, (struct str){0}), 0);

    /* RFC 3720, B.4: 32 bytes of zeros, of ones, incrementing. */
    check_int(crc32c_make(&crc, str_from_bytes(bytes, sizeof(bytes))), 0x8a9136aa);
    memset(bytes, 0xff, sizeof(bytes));
    check_int(crc32c_make(&crc, str_from_bytes(bytes, sizeof(bytes))), 0x62a8ab43);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (char)i;
    check_int(crc32c_make(&crc, str_from_bytes(bytes, sizeof(bytes))), 0x46dd794e);
}
