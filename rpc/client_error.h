/*
 * rpc/client_error.h - why a call failed, in words for whoever called.
 *
 * What the server says is passed on. What core says itself names addresses and its own insides
 * ("failed to connect to all addresses; last error: UNKNOWN: ipv4:127.0.0.1:1: ..."), so it is
 * put in other words, with the target by the name that the operator gave it. A server of core's
 * that stops drops calls that it has not begun; their clients see a cancellation that they did
 * not ask for, and may as well try again.
 */
#ifndef RPC_CLIENT_ERROR_H
#define RPC_CLIENT_ERROR_H

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"

struct rpc_failure {
    int code; /* as received; not OK */
    struct str text;
    bool is_of_server; /* it came with details, which core never makes */
    bool is_wanted;    /* the call was cancelled by whoever made it */
    const char *target;
    unsigned timeout_ms;
};

struct status rpc_failure_describe(const struct rpc_failure *failure) MUST_CHECK;

#endif
