#include "store/array.h"

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

static const struct statement statement = {
    .name = "s",
    .nparams = 5,
    .types = {PARAM_TEXT, PARAM_INT8, PARAM_FLOAT8, PARAM_BOOL, PARAM_BYTES},
};

/* The array of parameter i of two queries, in hex; the second query's value may be NULL. */
static void write_hex(unsigned i, struct param first, struct param second, char *ret, size_t size)
{
    struct query queries[2] = {{.statement = &statement}, {.statement = &statement}};
    struct list list;
    struct buf buf = {0};

    queries[0].params[i] = first;
    queries[1].params[i] = second;
    list_init(&list);
    list_add_last(&list, &queries[0].link);
    list_add_last(&list, &queries[1].link);
    array_write(&buf, &list, 2, i);
    ret[0] = '\0';
    for (size_t j = 0; j < buf.len && 2 * j + 2 < size; j++)
        (void)snprintf(ret + 2 * j, 3, "%02x", (unsigned char)buf.data[j]);
    buf_deinit(&buf);
}

/* One dimension, no NULL, the type, two elements, the first has index 1. */
#define HEAD(type) \
    "00000001" \
    "00000000" type "00000002" \
    "00000001"
#define HEAD_WITH_NULL(type) \
    "00000001" \
    "00000001" type "00000002" \
    "00000001"

test(array_of_texts)
{
    char hex[256];

    write_hex(0, param_text("ab"), param_text(""), hex, sizeof(hex));
    check_str(hex, HEAD("00000019") "00000002"
                                    "6162"
                                    "00000000");
    write_hex(0, param_text("ab"), param_null(), hex, sizeof(hex));
    check_str(hex, HEAD_WITH_NULL("00000019") "00000002"
                                              "6162"
                                              "ffffffff");
}

test(array_of_numbers)
{
    char hex[256];

    write_hex(1, param_int(-2), param_int(258), hex, sizeof(hex));
    check_str(hex, HEAD("00000014") "00000008"
                                    "fffffffffffffffe"
                                    "00000008"
                                    "0000000000000102");
    write_hex(2, param_real(1.0), param_real(-0.5), hex, sizeof(hex));
    check_str(hex, HEAD("000002bd") "00000008"
                                    "3ff0000000000000"
                                    "00000008"
                                    "bfe0000000000000");
    write_hex(3, param_int(1), param_int(0), hex, sizeof(hex));
    check_str(hex, HEAD("00000010") "00000001"
                                    "01"
                                    "00000001"
                                    "00");
}

test(array_of_bytes_keeps_zeros)
{
    char hex[256];

    write_hex(4, param_str(str_from_bytes("\0x", 2)), param_null(), hex, sizeof(hex));
    check_str(hex, HEAD_WITH_NULL("00000011") "00000002"
                                              "0078"
                                              "ffffffff");
}

test(types_of_arrays)
{
    check_int(array_get_type(PARAM_TEXT), 1009);
    check_int(array_get_type(PARAM_INT8), 1016);
    check_int(array_get_type(PARAM_FLOAT8), 1022);
    check_int(array_get_type(PARAM_BOOL), 1000);
    check_int(array_get_type(PARAM_BYTES), 1001);
}
