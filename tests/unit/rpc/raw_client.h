/*
 * tests/unit/rpc/raw_client.h - a client that does to a server what ours would not.
 *
 * One call at a time, step by step; each step waits until it is done.
 */
#ifndef TESTS_UNIT_RPC_RAW_CLIENT_H
#define TESTS_UNIT_RPC_RAW_CLIENT_H

#include <stdbool.h>

#include <grpc/grpc.h>
#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

struct raw {
    grpc_completion_queue *queue;
    grpc_channel *channel;
    grpc_call *call;
    bool has_header;
    bool was_compressed; /* the last message that was received */
    grpc_metadata_array header;
    grpc_metadata_array trailer;
    grpc_status_code code;
    grpc_slice text;
    /* Of the last call that has ended: its packed google.rpc.Status, cut to fit. */
    char details[256];
};

void raw_open(struct raw *raw, const char *target);

/* A client that compresses what it sends, if that makes it smaller, and takes only the same. */
void raw_open_compressing(struct raw *raw, const char *target,
                          grpc_compression_algorithm algorithm);

void raw_close(struct raw *raw);

/* Begins a call with a deadline in ten seconds. */
void raw_begin(struct raw *raw, const char *method);

/* Begins one with a header of its own; the texts are literals. */
void raw_begin_with(struct raw *raw, const char *method, const char *key, const char *value);

/* Sends any bytes as a message. */
void raw_send(struct raw *raw, struct str bytes);

/* Sends a message. */
void raw_send_message(struct raw *raw, const ProtobufCMessage *message);

/* Half-closes the call. */
void raw_send_close(struct raw *raw);

/* Waits for a message and puts its bytes, inflated, into ret; false if there is none. */
bool raw_receive(struct raw *raw, struct buf *ret);

void raw_cancel(struct raw *raw);

/* Waits for the end of the call; the text is cut to fit. */
struct status raw_end(struct raw *raw);

/* begin, send, close, receive, end. */
struct status raw_call(struct raw *raw, const char *method, struct str bytes);

#endif
