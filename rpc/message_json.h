/*
 * rpc/message_json.h - messages to and from JSON, by their descriptors alone.
 *
 * The mapping is the proto3 JSON mapping (protobuf.dev, "ProtoJSON Format"): lowerCamelCase names (the
 * proto's own names are taken, too), 64-bit numbers as strings, enums by name (numbers are taken, too), bytes as
 * base64, Timestamp, Duration, FieldMask and Empty in their own forms. Fields of default value are left out. The
 * order is that of the field numbers. Errors call fields by the proto's names.
 */
#ifndef RPC_MESSAGE_JSON_H
#define RPC_MESSAGE_JSON_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "base/json_in.h"
#include "base/json_out.h"
#include "base/status.h"

struct arena;

/* Writes message as one JSON value. */
void message_json_write(const ProtobufCMessage *message, struct json_out *out);

/* Writes the members alone, into an object that the caller has begun. */
void message_json_write_fields(const ProtobufCMessage *message, struct json_out *out);

/*
 * Reads a JSON object into a message of the given type, allocated from arena, which the texts are copied to.
 * INVALID_ARGUMENT: an unknown field, a value of the wrong kind or out of range; the error names it by its
 * path ("task.bulkload.instances").
 */
struct status message_json_read(const struct json *json, const ProtobufCMessageDescriptor *type,
                                struct arena *arena, ProtobufCMessage **ret) MUST_CHECK;

/*
 * Sets the field that path names ("page_size", "task.id", lowerCamelCase taken too) from a text, as path and query
 * parameters and form fields have it: numbers, booleans (true and false in any case), enum names (with or without
 * their prefix, in any case), strings, and lists of these between commas, without the blanks around them. Sub-messages on the way are made. INVALID_ARGUMENT: the text does not fit; the
 * error names the field. NOT_FOUND: there is no such field.
 */
struct status message_set_text(ProtobufCMessage *message, struct str path, struct str text,
                               struct arena *arena) MUST_CHECK;

/* A new message of the type with all fields at their defaults, from arena. */
ProtobufCMessage *message_create(const ProtobufCMessageDescriptor *type, struct arena *arena)
    MUST_CHECK;

#endif
