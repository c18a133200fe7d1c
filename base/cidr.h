/*
 * base/cidr.h - addresses of machines, and networks of them (RFC 4632, RFC 4291).
 *
 * An IPv4 address is the same one however it comes: as 10.0.0.1, or mapped into IPv6 as ::ffff:10.0.0.1.
 */
#ifndef BASE_CIDR_H
#define BASE_CIDR_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

struct sockaddr;

enum { CIDR_ADDRESS_BYTES = 16, CIDR_MAX_NETWORKS = 64 };

struct cidr_address {
    bool is_v4;
    uint8_t bytes[CIDR_ADDRESS_BYTES]; /* the first 4 are used for IPv4, the others are 0 */
};

struct cidr_network {
    struct cidr_address address;
    unsigned nbits; /* of the prefix */
};

struct cidr_list {
    struct cidr_network networks[CIDR_MAX_NETWORKS];
    unsigned count;
};

/* Reads "10.0.0.1", "fe80::1", "fe80::1%eth0" (the zone is dropped) or "::ffff:10.0.0.1"; false if it is none. */
bool cidr_read_address(struct str text, struct cidr_address *ret) MUST_CHECK;

/* The address of a socket's end; false if it is of another family than IPv4 and IPv6. */
bool cidr_from_socket(const struct sockaddr *at, struct cidr_address *ret) MUST_CHECK;

/* Whether it is one of this machine only: 127.0.0.0/8 or ::1. */
bool cidr_is_loopback(const struct cidr_address *address);

/*
 * Reads networks with commas between them: "10.0.0.0/8, 192.168.1.7, fd00::/8". An address alone is a network of one; ::/0
 * has no IPv4 addresses, and 0.0.0.0/0 no others. NULL is no network. name is what errors call the text. INVALID_ARGUMENT:
 * one is none, or has bits behind its prefix, or there are over CIDR_MAX_NETWORKS.
 */
struct status cidr_list_read(const char *name, const char *text, struct cidr_list *ret) MUST_CHECK;

bool cidr_list_has(const struct cidr_list *list, const struct cidr_address *address);

#endif
