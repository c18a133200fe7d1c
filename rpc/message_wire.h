/*
 * rpc/message_wire.h - reads messages from bytes that a peer sent.
 *
 * protobuf-c takes any bytes for a string, cuts it at a NUL byte and has no limit of depth. So a
 * first pass over the bytes, driven by the descriptor, refuses what must not come through; only
 * then are they unpacked, into an arena with a cap.
 */
#ifndef RPC_MESSAGE_WIRE_H
#define RPC_MESSAGE_WIRE_H

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "base/str.h"

struct arena;

enum {
    MESSAGE_WIRE_MAX_DEPTH = 64, /* of messages in messages, the outermost included */
    MESSAGE_WIRE_FIELD_BYTES = 128,
};

/* Which field is wrong, and how. */
struct message_wire_fault {
    char field
        [MESSAGE_WIRE_FIELD_BYTES]; /* "task.bulkload.instances"; "" if it is no field; cut to fit */
    const char *what;               /* "holds a NUL byte" and the like; never freed */
};

/*
 * Checks bytes as an encoded message of type (protobuf.dev, "Encoding"). INVALID_ARGUMENT, and *ret says where and
 * what: they end within a field, a string is not UTF-8 or holds a NUL byte, a field that is known has the wrong wire
 * type, groups, messages nested too deep. Fields that are not known are skipped.
 */
struct status message_wire_check(struct str bytes, const ProtobufCMessageDescriptor *type,
                                 struct message_wire_fault *ret) MUST_CHECK;

/*
 * Checks bytes and unpacks them into arena; *ret borrows nothing from bytes. INVALID_ARGUMENT: as
 * message_wire_check. RESOURCE_EXHAUSTED: the arena is full. ret_fault may be NULL.
 */
struct status message_wire_read(struct str bytes, const ProtobufCMessageDescriptor *type,
                                struct arena *arena, struct message_wire_fault *ret_fault,
                                ProtobufCMessage **ret) MUST_CHECK;

/*
 * As message_wire_read, but of one field: all others are as if they had not been sent, and are looked at no further than where
 * they end. For replies of which only this field is of use.
 */
struct status message_wire_read_field(struct str bytes, const ProtobufCMessageDescriptor *type,
                                      const ProtobufCFieldDescriptor *field, struct arena *arena,
                                      struct message_wire_fault *ret_fault, ProtobufCMessage **ret)
    MUST_CHECK;

#endif
