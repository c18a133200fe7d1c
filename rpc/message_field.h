/*
 * rpc/message_field.h - the fields of messages by their descriptors: names, presence, values from text.
 *
 * What message_json.c and whoever else maps texts to messages stand on. A value is read in place: into the member
 * of a message, or into an element of a repeated field.
 */
#ifndef RPC_MESSAGE_FIELD_H
#define RPC_MESSAGE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

struct arena;

/* How a message looks in JSON. */
enum message_form {
    MESSAGE_FIELDS,  /* an object of its fields */
    MESSAGE_TEXT,    /* a string: Timestamp, Duration, FieldMask */
    MESSAGE_WRAPPER, /* the value of its only field: Int64Value and the like */
};

enum message_form message_get_form(const ProtobufCMessageDescriptor *type);

/* A new message with all fields at their defaults; NULL: the arena is full. */
ProtobufCMessage *message_try_create(const ProtobufCMessageDescriptor *type, struct arena *arena)
    MUST_CHECK;

/* Finds a field by its proto name or its lowerCamelCase. NULL: there is none. */
const ProtobufCFieldDescriptor *message_field_find(const ProtobufCMessageDescriptor *type,
                                                   struct str name);

/* Appends the lowerCamelCase of a proto's name. */
void message_append_camel(const char *name, struct buf *ret);

/* Whether the field is a map, which travels as a list of entries. */
bool message_field_is_map(const ProtobufCFieldDescriptor *field);

/* The member of message; for a repeated field the pointer to its elements. */
static inline void *message_field_get(const ProtobufCMessage *message,
                                      const ProtobufCFieldDescriptor *field)
{
    return (char *)(uintptr_t)message + field->offset;
}

/* The quantifier of message: the count of a repeated field, the arm of a oneof. */
static inline void *message_field_get_quantifier(const ProtobufCMessage *message,
                                                 const ProtobufCFieldDescriptor *field)
{
    return (char *)(uintptr_t)message + field->quantifier_offset;
}

/* Whether another arm of the field's oneof is set. */
bool message_field_is_taken(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Whether the field is written: it is set, or it has no presence and differs from its default. */
bool message_field_is_set(const ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* Says that a singular field now has a value, where the message has a place to say so. */
void message_field_mark(ProtobufCMessage *message, const ProtobufCFieldDescriptor *field);

/* The bytes that one value of the field takes, or one element of it. */
size_t message_field_get_size(const ProtobufCFieldDescriptor *field);

/* Puts a whole number into *ret, which is of the field's type. False: the type is no number, or it does not fit. */
bool message_field_set_int(const ProtobufCFieldDescriptor *field, int64_t value, void *ret);

/* The same for a floating point field. */
bool message_field_set_real(const ProtobufCFieldDescriptor *field, double value, void *ret);

/* The value of an enum by its name; a lenient one also without the enum's prefix and in any case. */
enum message_names {
    MESSAGE_NAMES_EXACT,
    MESSAGE_NAMES_LENIENT,
};

/*
 * Reads a value from its text into *ret: numbers, true and false, names of an enum, strings, base64, and the messages
 * that are a text. INVALID_ARGUMENT: it does not fit; the error begins with the field's name. RESOURCE_EXHAUSTED: the
 * arena is full.
 */
struct status message_field_read_text(const ProtobufCFieldDescriptor *field, struct str text,
                                      enum message_names names, struct arena *arena, void *ret)
    MUST_CHECK;

/* What an arena that is full ends a reader with. */
struct status message_field_refuse_size(const ProtobufCFieldDescriptor *field) MUST_CHECK;

#endif
