/*
 * base/host_port.h - where a program listens or is reached: "127.0.0.1:12311", "[::1]:12311", "db.example:12311".
 */
#ifndef BASE_HOST_PORT_H
#define BASE_HOST_PORT_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/str.h"

/*
 * Cuts address at its last ':'; the host has lost its brackets. Both are borrowed from address. False: there is no host or no
 * ':', or the host has a ':' and no brackets. What host and port are is not looked at.
 */
bool host_port_cut(const char *address, struct str *ret_host, struct str *ret_port) MUST_CHECK;

#endif
