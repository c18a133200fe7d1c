/*
 * rpc/caller.h - who makes a call: what the gate of a server decides by, before anything of the request is read.
 */
#ifndef RPC_CALLER_H
#define RPC_CALLER_H

#include <stdbool.h>

#include "base/str.h"

struct rpc_call;

/* What is called, also by those who get no answer: "/sluice.v1.TaskService/GetTask". Borrowed. */
struct str rpc_caller_get_path(const struct rpc_call *call);

/* The first value of that key, which is in lower case; {NULL, 0} if there is none. Borrowed. */
struct str rpc_caller_find_metadata(const struct rpc_call *call, const char *key);

/* The same, but {NULL, 0} also if there are several. */
struct str rpc_caller_find_only_metadata(const struct rpc_call *call, const char *key);

/*
 * The address of who holds the other end of the connection, as "10.0.0.1" or "fe80::1%2"; "" if it has none: a unix
 * socket. Lives as long as the call.
 */
const char *rpc_caller_copy_host(struct rpc_call *call);

/*
 * Whom the certificate is for that the client has shown, if TLS asked for one and it was good: its first alternative name,
 * else its common name. "" without; so is a name over RPC_CALLER_IDENTITY_MAX_BYTES, or with bytes that are no printable
 * ASCII. Lives as long as the call.
 */
const char *rpc_caller_copy_identity(struct rpc_call *call);

enum { RPC_CALLER_IDENTITY_MAX_BYTES = 255 };

/* It is a stream of calls (rpc/carrier.proto), for each of which the gate is asked as well. */
bool rpc_caller_carries(const struct rpc_call *call);

/* What the gate keeps of a call that it has admitted; NULL at first. */
void *rpc_caller_get_ticket(const struct rpc_call *call);
void rpc_caller_set_ticket(struct rpc_call *call, void *ticket);

#endif
