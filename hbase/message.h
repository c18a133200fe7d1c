/*
 * hbase/message.h - protobuf messages from bytes that a server sent, and to bytes.
 *
 * protobuf-c may take forty times a message's size; so messages are unpacked into an arena, which has a cap. It has no limit of
 * depth either, but no message of hbase.proto reaches itself, and what is not known is skipped.
 */
#ifndef HBASE_MESSAGE_H
#define HBASE_MESSAGE_H

#include <protobuf-c/protobuf-c.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

/*
 * Unpacks bytes, all of them, as a message of type; *ret is in arena and borrows nothing from bytes. DATA_LOSS: it is no such message;
 * RESOURCE_EXHAUSTED: it takes more memory than the arena allows.
 */
struct status hbase_message_read(struct str bytes, const ProtobufCMessageDescriptor *type,
                                 struct arena *arena, ProtobufCMessage **ret) MUST_CHECK;

/* As above, of what is stored with "PBUF" in front: in hbase:meta, and in ZooKeeper. */
struct status hbase_message_read_stored(struct str bytes, const ProtobufCMessageDescriptor *type,
                                        struct arena *arena, ProtobufCMessage **ret) MUST_CHECK;

/* Appends the packed message. */
void hbase_message_write(struct buf *out, const ProtobufCMessage *message);

/* A field of type bytes is in str, and the other way; borrowed. */
static inline struct str hbase_bytes_get(ProtobufCBinaryData bytes)
{
    return str_from_bytes(bytes.data, bytes.len);
}

static inline ProtobufCBinaryData hbase_bytes_make(struct str text)
{
    return (ProtobufCBinaryData){.len = text.len, .data = (uint8_t *)(uintptr_t)text.data};
}

#endif
