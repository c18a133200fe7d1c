/*
 * cli/stream.h - a call whose reply is a stream of messages, read one after the other.
 */
#ifndef CLI_STREAM_H
#define CLI_STREAM_H

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "cli/command.h"

struct stream;

/* Calls "/sluice.v1.X/Y" of the gateway; the messages are of that type. Does not wait for an answer. */
struct status stream_open(const struct cli_settings *settings, const char *method,
                          const ProtobufCMessage *request, const ProtobufCMessageDescriptor *type,
                          struct stream **ret) MUST_CHECK;

/* The next message, borrowed until the next call; NULL: the stream has ended. Blocks. */
const ProtobufCMessage *stream_find_next(struct stream *stream);

/* What the stream has ended with. */
struct status stream_get_end(const struct stream *stream) MUST_CHECK;

/* Ends it if it has not ended. Blocks. NULL is allowed. */
void stream_close(struct stream *stream);

#endif
