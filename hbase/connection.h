/*
 * hbase/connection.h - one connection to one service of one HBase server, with many calls in flight.
 *
 * The protocol is HBase's RPC (org.apache.hadoop.hbase.ipc: RpcConnection, ServerRpcConnection): a preamble and a header,
 * then frames; answers come in any order. A thread of the connection reads them; callers write theirs and wait. A server that
 * does not offer the service closes the connection without a word.
 */
#ifndef HBASE_CONNECTION_H
#define HBASE_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "base/stop.h"
#include "base/str.h"
#include "hbase/fault.h"

struct hbase_connection;
struct hbase_call;
struct hbase_counts;

enum {
    HBASE_MAX_FRAME_BYTES = 256 * 1024 * 1024,  /* of an answer; a larger one ends the connection */
    HBASE_MAX_MESSAGE_BYTES = 64 * 1024 * 1024, /* that an answer's message may take in memory */
    HBASE_MAX_SILENCE_MS = 10 * 1000, /* of a connection that owes answers, at a call's time-out */
};

/* How the client says who it is. There is one now; Kerberos would be another (SASL between preamble and header). */
enum hbase_auth { HBASE_AUTH_SIMPLE };

struct hbase_connection_options {
    const char *host;    /* by which HBase knows the server; for messages */
    const char *address; /* where to connect instead, a name or an address; NULL: host */
    int port;
    const char *service; /* "ClientService", "AdminService", "MasterService", "ClientMetaService" */
    enum hbase_auth auth;
    const char *user;
    const struct stop *stop; /* seen within 100 ms by all that waits; borrowed until close */
    const struct hbase_counts *counts; /* borrowed until close; NULL: nothing is counted */
};

/*
 * Connects and introduces itself; a server that refuses does so at the first call. UNAVAILABLE: no address, nobody listens;
 * DEADLINE_EXCEEDED; CANCELLED: stop was requested. Blocks.
 */
struct status hbase_connection_open(const struct hbase_connection_options *options,
                                    int64_t deadline_ms, struct hbase_connection **ret) MUST_CHECK;

/* Calls that wait are answered UNAVAILABLE. All calls must have ended before. NULL is allowed. */
void hbase_connection_close(struct hbase_connection *connection);

/* False once it has failed: it stays so. Any thread. */
bool hbase_connection_is_alive(struct hbase_connection *connection);

/* What is asked. message and block are borrowed until hbase_call_start returns. */
struct hbase_request {
    const char *method;              /* a literal */
    const ProtobufCMessage *message; /* never NULL: what takes nothing takes Hb__Empty */
    struct str block;                /* cells; may be empty */
    const ProtobufCMessageDescriptor *reply;
    unsigned priority; /* 0: normal; 200: for hbase:meta */
    /*
     * So many calls at most that have such a limit are in flight on the connection; one too many waits in hbase_call_start, as long
     * as timeout_ms. 0: none.
     */
    unsigned max_in_flight;
    int64_t timeout_ms; /* from when it is sent; the server is told, too */
};

/*
 * What was answered, owned by the caller. The message and the cells borrow from it.
 */
struct hbase_reply {
    const ProtobufCMessage *message;
    struct str block;
    void *memory; /* connection.c's own */
};

void hbase_reply_free(struct hbase_reply *reply); /* {0} is allowed */

/*
 * Sends a request; never fails: what goes wrong is told by hbase_call_wait. *ret is owned by the caller, who must wait for it
 * or cancel it. Blocks while the socket takes nothing, or too many such calls are in flight; answers that nobody has waited for
 * yet make room, so who waits here may hold calls of its own. Any thread.
 */
void hbase_call_start(struct hbase_connection *connection, const struct hbase_request *request,
                      struct hbase_call **ret);

/*
 * Waits for the answer and frees the call. Returns true and sets *ret, or false and sets *ret_fault: an exception, a lost connection
 * (UNAVAILABLE), a time-out (DEADLINE_EXCEEDED), a reply that cannot be read (DATA_LOSS), a stop (CANCELLED, FAIL).
 */
bool hbase_call_wait(struct hbase_call *call, struct hbase_reply *ret,
                     struct hbase_fault *ret_fault) MUST_CHECK;

/* Whether hbase_call_wait would not block. Any thread. */
bool hbase_call_is_done(struct hbase_call *call);

/* Gives the answer up and frees the call. NULL is allowed. */
void hbase_call_cancel(struct hbase_call *call);

#endif
