/*
 * tests/fuzz/fuzz_cidr.c - lists of networks and addresses: each network that is taken has its own address, and an address
 * is the same one mapped into IPv6.
 */
#include <assert.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cidr.h"
#include "base/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_address(struct str text)
{
    struct cidr_address address, other;
    char mapped[64];

    if (!cidr_read_address(text, &address) || !address.is_v4)
        return;
    (void)snprintf(mapped, sizeof(mapped), "::ffff:%d.%d.%d.%d", address.bytes[0], address.bytes[1],
                   address.bytes[2], address.bytes[3]);
    assert(cidr_read_address(str_from(mapped), &other));
    assert(memcmp(&address, &other, sizeof(address)) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_copy_str(str_from_bytes(data, size));
    struct cidr_list list;

    check_address(str_from_bytes(data, size));
    if (cidr_list_read("allow", text, &list).code == STATUS_OK) {
        assert(list.count <= CIDR_MAX_NETWORKS);
        for (unsigned i = 0; i < list.count; i++)
            assert(cidr_list_has(&list, &list.networks[i].address));
    }
    mem_free(text);
    return 0;
}
