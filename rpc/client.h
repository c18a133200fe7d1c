/*
 * rpc/client.h - calls to a gRPC server.
 */
#ifndef RPC_CLIENT_H
#define RPC_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "base/str.h"
#include "rpc/channel.h"
#include "rpc/loop.h"

struct arena;
struct rpc_channel;

/* What a call sends besides its request. The key is a literal in lower case; the value has no line ends. */
struct rpc_header {
    const char *key;
    struct str value;
};

enum { RPC_CLIENT_MAX_HEADERS = 4 };

/*
 * One unary call, embedded in what waits for it. The first part is the caller's to fill; zero
 * the rest. It may be submitted again after on_done.
 */
struct rpc_client_call {
    struct rpc_channel *channel;
    const char *method; /* "/sluice.v1.TaskService/GetTask"; borrowed until on_done */
    const ProtobufCMessageDescriptor *reply_type;
    const ProtobufCFieldDescriptor
        *reply_field;     /* all that is read of the reply; NULL: the whole */
    unsigned timeout_ms;  /* 0 is not allowed: every call has a deadline */
    bool waits_for_ready; /* wait for a connection until the deadline instead of failing at once */
    bool
        goes_alone; /* not with others, where the channel carries: the reply is large, and would hold them up */
    const struct rpc_header *headers; /* headers[0 .. nheaders), borrowed by submit only */
    size_t nheaders;                  /* at most RPC_CLIENT_MAX_HEADERS */
    /*
     * Runs once, on a loop thread, must not block, and may free the call. reply is NULL unless st is OK; it is
     * borrowed until on_done returns, as is all that rpc_client_call_get_details returns.
     */
    void (*on_done)(struct rpc_client_call *call, struct status st, const ProtobufCMessage *reply);

    struct rpc_client_state *state; /* of client.c, while under way */
    struct str details;             /* of client.c */
};

/* Packs request before it returns. on_done never runs from inside. Any thread. */
void rpc_client_call_submit(struct rpc_client_call *call, const ProtobufCMessage *request);

/* Has the call end soon, as CANCELLED if it was not done. on_done still runs. Any thread, also when it has ended. */
void rpc_client_call_cancel(struct rpc_client_call *call);

/* For on_done with an error: the packed google.rpc.Status that came with it, or an empty text. */
struct str rpc_client_call_get_details(const struct rpc_client_call *call);

/*
 * A call that blocks, for job threads and the command line. *ret_reply is allocated from arena, and set only
 * if the status is OK. Returns what the server said, or UNAVAILABLE with the target in the text. With an error, what
 * came with it, a packed google.rpc.Status, is in *ret_details unless that is NULL: the arena's, maybe empty.
 */
struct rpc_request {
    struct rpc_channel *channel;
    const char *method;
    const ProtobufCMessage *message;
    const ProtobufCMessageDescriptor *reply_type;
    unsigned timeout_ms;
    bool waits_for_ready;
    struct str *ret_details;
};
struct status rpc_client_call_wait(const struct rpc_request *request, struct arena *arena,
                                   const ProtobufCMessage **ret_reply) MUST_CHECK;

#endif
