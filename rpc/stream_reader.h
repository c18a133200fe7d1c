/*
 * rpc/stream_reader.h - a stream of replies for who may block: the command line and job threads.
 */
#ifndef RPC_STREAM_READER_H
#define RPC_STREAM_READER_H

#include "rpc/client.h"

struct rpc_stream_reader;

/*
 * Starts a call; never fails, and never blocks: rpc_stream_reader_next tells. request->reply_type is that of a message,
 * and its timeout_ms, for the whole stream, may be 0: none. Owned by the caller.
 */
struct rpc_stream_reader *rpc_stream_reader_open(const struct rpc_request *request) MUST_CHECK;

/*
 * Waits for the next message. *ret is borrowed until the next call with the reader, and NULL when the server has ended
 * the stream well. After that, or after an error, which is what the server said or as rpc_client_call_wait has it, only
 * rpc_stream_reader_close is allowed. Blocks.
 */
struct status rpc_stream_reader_next(struct rpc_stream_reader *reader, const ProtobufCMessage **ret)
    MUST_CHECK;

/* Ends the stream if it is not over, waits for that, and frees. Blocks, but not for the server. NULL is allowed. */
void rpc_stream_reader_close(struct rpc_stream_reader *reader);

#endif
