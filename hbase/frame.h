/*
 * hbase/frame.h - what travels on a connection, as bytes: the hello, requests, answers.
 *
 * As org.apache.hadoop.hbase.ipc (RpcConnection, IPCUtil, ServerRpcConnection, ServerCall) and RPC.proto have it. Pure
 * functions.
 */
#ifndef HBASE_FRAME_H
#define HBASE_FRAME_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "hbase/connection.h"
#include "hbase/hbase.pb-c.h"

enum {
    HBASE_FRAME_LENGTH_BYTES = 4, /* in front of each frame */
    HBASE_FRAME_NO_CALL =
        -1, /* as an int32, the id of an answer that concerns the whole connection */
};

/* Appends the preamble and the connection's header: all that a client of SIMPLE authentication says of itself. */
void hbase_frame_write_hello(struct buf *out, const char *service, const char *user);

/* Appends a request's frame up to its cell block, request->block, which is to be sent right behind. */
void hbase_frame_write_request(struct buf *out, uint32_t call_id,
                               const struct hbase_request *request);

/* The length of the frame behind head, HBASE_FRAME_LENGTH_BYTES long. DATA_LOSS: it is none that an answer has. */
struct status hbase_frame_read_length(const char *head, size_t *ret) MUST_CHECK;

/* An answer. Its texts borrow from the frame; exception is in the arena. */
struct hbase_answer {
    uint32_t call_id;
    const Hb__ExceptionResponse *exception; /* NULL: there is a message */
    struct str message;
    struct str block;
};

/* Reads a frame without its length. DATA_LOSS: it is not well formed; RESOURCE_EXHAUSTED: as hbase_message_read. */
struct status hbase_frame_read_answer(struct str frame, struct arena *arena,
                                      struct hbase_answer *ret) MUST_CHECK;

#endif
