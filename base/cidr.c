#include "base/cidr.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#include "base/number.h"

enum {
    V4_BYTES = 4,
    MAPPED_BITS = 96, /* of ::ffff:0:0/96, RFC 4291, section 2.5.5.2 */
    TEXT_BYTES = INET6_ADDRSTRLEN,
};

static const uint8_t mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};

static bool is_mapped(const uint8_t bytes[CIDR_ADDRESS_BYTES])
{
    return memcmp(bytes, mapped, sizeof(mapped)) == 0;
}

static struct cidr_address make_v4(const void *bytes)
{
    struct cidr_address address = {.is_v4 = true};

    memcpy(address.bytes, bytes, V4_BYTES);
    return address;
}

static struct cidr_address make_v6(const uint8_t bytes[CIDR_ADDRESS_BYTES])
{
    struct cidr_address address = {.is_v4 = false};

    if (is_mapped(bytes))
        return make_v4(bytes + sizeof(mapped));
    memcpy(address.bytes, bytes, CIDR_ADDRESS_BYTES);
    return address;
}

/* Reads an address as it stands; *ret_is_v4: bytes has the four of IPv4. */
static bool read_bytes(struct str text, uint8_t bytes[CIDR_ADDRESS_BYTES], bool *ret_is_v4)
{
    char copy[TEXT_BYTES];

    if (text.len == 0 || text.len >= sizeof(copy) || memchr(text.data, '\0', text.len))
        return false;
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    *ret_is_v4 = inet_pton(AF_INET, copy, bytes) == 1;
    return *ret_is_v4 || inet_pton(AF_INET6, copy, bytes) == 1;
}

bool cidr_read_address(struct str text, struct cidr_address *ret)
{
    uint8_t bytes[CIDR_ADDRESS_BYTES];
    struct str address = {.data = text.data, .len = str_find_byte(text, '%')};
    bool is_v4;

    if (!read_bytes(address, bytes, &is_v4) || (is_v4 && address.len < text.len))
        return false;
    *ret = is_v4 ? make_v4(bytes) : make_v6(bytes);
    return true;
}

bool cidr_from_socket(const struct sockaddr *at, struct cidr_address *ret)
{
    if (at->sa_family == AF_INET)
        *ret = make_v4(&((const struct sockaddr_in *)(const void *)at)->sin_addr);
    else if (at->sa_family == AF_INET6)
        *ret = make_v6(((const struct sockaddr_in6 *)(const void *)at)->sin6_addr.s6_addr);
    else
        return false;
    return true;
}

bool cidr_is_loopback(const struct cidr_address *address)
{
    static const uint8_t one[CIDR_ADDRESS_BYTES] = {[CIDR_ADDRESS_BYTES - 1] = 1};

    if (address->is_v4)
        return address->bytes[0] == 127;
    return memcmp(address->bytes, one, sizeof(one)) == 0;
}

/* Networks. */

/* Whether the first nbits of both are the same. */
static bool is_alike(const uint8_t *a, const uint8_t *b, unsigned nbits)
{
    unsigned nbytes = nbits / 8, nmore = nbits % 8;

    if (memcmp(a, b, nbytes) != 0)
        return false;
    return nmore == 0 || (a[nbytes] ^ b[nbytes]) >> (8 - nmore) == 0;
}

/* Whether all bits behind the prefix are 0. */
static bool is_clean(const struct cidr_network *network)
{
    for (unsigned i = network->nbits; i < 8 * CIDR_ADDRESS_BYTES; i++)
        if (network->address.bytes[i / 8] & (0x80u >> i % 8))
            return false;
    return true;
}

static struct status read_network(const char *name, struct str text, struct cidr_network *ret)
{
    uint8_t bytes[CIDR_ADDRESS_BYTES];
    struct str rest = text, address = str_cut(&rest, '/');
    bool is_v4;

    if (!read_bytes(address, bytes, &is_v4))
        return status_error(STATUS_INVALID_ARGUMENT,
                            "%s: '%.*s' is not an address or a network like 10.0.0.0/8", name,
                            (int)(text.len < 60 ? text.len : 60), text.data ? text.data : "");
    int64_t max = is_v4 ? 8 * V4_BYTES : 8 * CIDR_ADDRESS_BYTES, nbits = max;
    if (rest.data) {
        struct status st = number_read(name, rest, 0, max, &nbits);
        if (st.code != STATUS_OK)
            return st;
    }
    if (!is_v4 && nbits < MAPPED_BITS) { /* wider than all that is mapped */
        *ret = (struct cidr_network){.nbits = (unsigned)nbits};
        memcpy(ret->address.bytes, bytes, CIDR_ADDRESS_BYTES);
    } else {
        ret->address = is_v4 ? make_v4(bytes) : make_v6(bytes);
        ret->nbits = (unsigned)(!is_v4 && ret->address.is_v4 ? nbits - MAPPED_BITS : nbits);
    }
    if (!is_clean(ret))
        return status_error(STATUS_INVALID_ARGUMENT,
                            "%s: '%.*s' has bits behind its prefix: a network's are 0", name,
                            (int)text.len, text.data);
    return status_ok();
}

struct status cidr_list_read(const char *name, const char *text, struct cidr_list *ret)
{
    struct cidr_list list = {.count = 0};

    for (struct str rest = str_from(text); rest.data;) {
        if (list.count == CIDR_MAX_NETWORKS)
            return status_error(STATUS_INVALID_ARGUMENT, "%s: at most %d networks are taken", name,
                                CIDR_MAX_NETWORKS);
        struct status st =
            read_network(name, str_trim(str_cut(&rest, ',')), &list.networks[list.count]);
        if (st.code != STATUS_OK)
            return st;
        list.count++;
    }
    *ret = list;
    return status_ok();
}

bool cidr_list_has(const struct cidr_list *list, const struct cidr_address *address)
{
    for (unsigned i = 0; i < list->count; i++) {
        const struct cidr_network *network = &list->networks[i];
        if (network->address.is_v4 == address->is_v4 &&
            is_alike(network->address.bytes, address->bytes, network->nbits))
            return true;
    }
    return false;
}
