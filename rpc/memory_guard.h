/*
 * rpc/memory_guard.h - cuts the connections that send most while the process holds too much memory.
 *
 * Core reads as fast as clients send, and keeps calls, some 13 KB each, until it has handed them over, reset or not (HTTP/2
 * rapid reset, CVE-2023-44487): its limits count open streams only, and under a flood nothing that happens on its threads
 * happens in time. So a thread of its own looks at what the process holds, and needs nothing of core to act.
 */
#ifndef RPC_MEMORY_GUARD_H
#define RPC_MEMORY_GUARD_H

#include <stddef.h>

#include "base/status.h"

struct metric;
struct rpc_memory_guard;

/*
 * port: where the server listens; other connections are left alone. max_bytes: what is allocated, in the whole process.
 * ncut counts the connections, or is NULL.
 */
struct status rpc_memory_guard_create(int port, size_t max_bytes, struct metric *ncut,
                                      struct rpc_memory_guard **ret) MUST_CHECK;

/* NULL is allowed. */
void rpc_memory_guard_destroy(struct rpc_memory_guard *guard);

#endif
