/*
 * rpc/allow_gate.h - a gate that asks for the caller's address alone, for servers that have nothing else to ask.
 */
#ifndef RPC_ALLOW_GATE_H
#define RPC_ALLOW_GATE_H

#include "base/cidr.h"
#include "base/log_limit.h"
#include "rpc/server.h"

struct allow_gate {
    struct rpc_gate gate;
    struct cidr_list allowed;
    struct log_limit refusals;
};

/* The networks are copied; none: all may call. */
void allow_gate_init(struct allow_gate *gate, const struct cidr_list *allowed);

/* Whether the caller's address is in the list, or has none: a unix socket's is of this machine. An empty list has all. */
bool allow_gate_has(const struct cidr_list *allowed, struct rpc_call *call);

#endif
