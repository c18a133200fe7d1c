/*
 * spec/host_list.h - lists of hosts with ports, as addresses of clusters have them: "zk1,zk2:2182,[::1]:2183".
 */
#ifndef SPEC_HOST_LIST_H
#define SPEC_HOST_LIST_H

#include "base/status.h"
#include "base/str.h"

enum {
    HOST_MAX_BYTES = 253,     /* what a name of DNS may have (RFC 1035, section 2.3.4, as text) */
    HOST_LIST_MAX_HOSTS = 64, /* in one list */
};

/* A host, borrowed from the text that it was read from and without brackets, and its port. */
struct host_port {
    struct str host;
    int port;
};

/* Whether text is a name or an address as hosts have them. */
bool host_is_valid(struct str text);

/*
 * Reads text as "host" or "host:port"; an IPv6 address stands in brackets. default_port 0: the port must be there.
 * INVALID_ARGUMENT: it is neither. The text quotes nothing: a piece of a password may stand where a host should.
 */
struct status host_port_read(struct str text, int default_port, struct host_port *ret) MUST_CHECK;

/*
 * Takes the first element off *rest, which has hosts separated by ','. *rest is {NULL, 0} after the last. Errors are those
 * of host_port_read.
 */
struct status host_list_take(struct str *rest, int default_port, struct host_port *ret) MUST_CHECK;

/* OK if each element of text is right, and there are 1 to HOST_LIST_MAX_HOSTS. */
struct status host_list_validate(struct str text, int default_port) MUST_CHECK;

#endif
