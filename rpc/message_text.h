/*
 * rpc/message_text.h - the messages that are a text in JSON: Timestamp, Duration and FieldMask.
 *
 * Their forms are those of the proto3 JSON mapping (protobuf.dev, "ProtoJSON Format").
 */
#ifndef RPC_MESSAGE_TEXT_H
#define RPC_MESSAGE_TEXT_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

struct arena;

bool message_text_is_form_of(const ProtobufCMessageDescriptor *type);

/*
 * Sets a message of such a type from its text. INVALID_ARGUMENT: the text does not fit, or the type is another.
 * RESOURCE_EXHAUSTED: the arena is full.
 */
struct status message_text_read(ProtobufCMessage *message, struct str text, struct arena *arena)
    MUST_CHECK;

/* Appends the text of a message of such a type. False: its values are out of range. */
bool message_text_append(const ProtobufCMessage *message, struct buf *ret);

#endif
