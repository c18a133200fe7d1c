/*
 * rpc/call.h - one call that a server is serving.
 *
 * A method's start function gets the call and the decoded request on a loop thread and must not
 * block. Sooner or later, on any thread, exactly one rpc_call_end ends the call. What belongs to
 * the call lives in its arena: the request, the operation's struct, the strings of the reply.
 * The arena is freed after rpc_call_end, when core has given back the call's last tag.
 */
#ifndef RPC_CALL_H
#define RPC_CALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"

struct arena;
struct rpc_call;
struct rpc_packed;

/* What rpc_server_options gave for the service. */
void *rpc_call_get_self(const struct rpc_call *call);

struct arena *rpc_call_get_arena(struct rpc_call *call);

/* size zeroed bytes that live as long as the call; never NULL. */
void *rpc_call_alloc(struct rpc_call *call, size_t size) MUST_CHECK;

/* Until the call's deadline: 0 when it has passed, never more than RPC_MAX_TIME_LEFT_MS. */
enum { RPC_MAX_TIME_LEFT_MS = 30000 };
unsigned rpc_call_get_time_left_ms(const struct rpc_call *call);

/* The client went away, or the deadline has passed: nobody reads the reply. Any thread. */
bool rpc_call_is_cancelled(const struct rpc_call *call);

/*
 * Has on_cancel run once, on a loop thread, when the call is cancelled or the server stops; not if it was ended
 * before. If that is so already, on_cancel still runs later, never from inside this function. The function must not
 * block and may end the call. waiter lives at least as long as the call. At most one a call.
 *
 * on_cancel may run while another thread is ending the call: who ends it is for the two to settle. The call's memory
 * is there until on_cancel has returned; the same holds for all functions that this header has run, and for start.
 */
struct rpc_cancel {
    void (*on_cancel)(struct rpc_cancel *waiter);
};
void rpc_call_set_cancel(struct rpc_call *call, struct rpc_cancel *waiter);

/*
 * Details for an error to come: packed into google.rpc.Status in grpc-status-details-bin by
 * rpc_call_end, dropped if that ends with OK or INTERNAL. Texts are copied.
 */
void rpc_call_add_violation(struct rpc_call *call, const char *field, const char *description);
/* ErrorInfo with the domain "sluice"; metadata_key may be NULL. The last one counts. */
void rpc_call_set_reason(struct rpc_call *call, const char *reason, const char *metadata_key,
                         const char *metadata_value);
void rpc_call_set_retry_ms(struct rpc_call *call, unsigned retry_ms);
/*
 * The retry policy of clients does not try again, though the code is one that it repeats: what stands in the way lasts, and
 * who called is to know (grpc-retry-pushback-ms of gRFC A6).
 */
void rpc_call_set_lasting(struct rpc_call *call);
void rpc_call_set_resource(struct rpc_call *call, const char *type, const char *name);
/* What a call ends with because the server stops: UNAVAILABLE with the reason STOPPING and a RetryInfo. */
struct status rpc_call_set_stopping(struct rpc_call *call) MUST_CHECK;

/*
 * Ends a call: with reply (unary; packed before this returns, ignored unless st is OK; NULL in a
 * stream) or with the error st. INTERNAL reaches the client as a request id, under which the log has the text. Any
 * thread; the call must not be touched afterwards.
 */
void rpc_call_end(struct rpc_call *call, struct status st, const ProtobufCMessage *reply);

/*
 * Server and bidi streams: sends one message, packed before this returns. on_sent runs once on a loop
 * thread when the next may be sent; ok is false when the peer is gone: end the call then. One at a time. It does not
 * run if the call was ended before.
 */
struct rpc_send {
    void (*on_sent)(struct rpc_send *send, bool ok);
};
void rpc_call_send(struct rpc_call *call, const ProtobufCMessage *message, struct rpc_send *send);

/* The same with a message that many streams share; packed may be let go of once this has returned. */
void rpc_call_send_packed(struct rpc_call *call, const struct rpc_packed *packed,
                          struct rpc_send *send);

/*
 * Bidi streams: asks for the next message. on_received runs once on a loop thread. message is NULL when the client has
 * sent its last one, or is gone, or when st is not OK: it was no message of the type, or too large; end the call with
 * st then. It is borrowed until on_received returns. One at a time. It does not run if the call
 * was ended before.
 */
struct rpc_receive {
    void (*on_received)(struct rpc_receive *receive, struct status st,
                        const ProtobufCMessage *message);
};
void rpc_call_receive(struct rpc_call *call, struct rpc_receive *receive);

#endif
