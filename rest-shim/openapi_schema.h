/*
 * rest-shim/openapi_schema.h - JSON schemas of messages, by their descriptors and comments; a part of the OpenAPI document.
 *
 * They describe what rpc/message_json.h writes. A message or enum that is referred to is noted, and written with all
 * that it refers to in the end.
 */
#ifndef REST_SHIM_OPENAPI_SCHEMA_H
#define REST_SHIM_OPENAPI_SCHEMA_H

#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "base/json_out.h"
#include "base/str.h"

struct proto_comments;

enum { OPENAPI_MAX_TYPES = 128 }; /* of our own contract; more is an assert of the tests */

struct openapi_schemas {
    const struct proto_comments *comments;
    const ProtobufCMessageDescriptor *messages[OPENAPI_MAX_TYPES];
    size_t nmessages;
    const ProtobufCEnumDescriptor *enums[OPENAPI_MAX_TYPES];
    size_t nenums;
};

/* A field, and the message that it is of. */
struct openapi_field {
    const ProtobufCMessageDescriptor *owner;
    const ProtobufCFieldDescriptor *field; /* NULL: there is none */
};

/* Finds the field that a path like "task.bulkload.instances" leads to. */
struct openapi_field openapi_field_find(const ProtobufCMessageDescriptor *type, struct str path);

/* The comment of a field, or "". Borrowed from the comments. */
const char *openapi_field_get_comment(const struct openapi_schemas *schemas,
                                      struct openapi_field field);

/* Writes a schema that refers to a message. */
void openapi_schema_write_ref(struct openapi_schemas *schemas,
                              const ProtobufCMessageDescriptor *type, struct json_out *out);

/* Writes the schema of a field's value, or of one element of it, without a description. */
void openapi_schema_write_value(struct openapi_schemas *schemas,
                                const ProtobufCFieldDescriptor *field, struct json_out *out);

/* Writes all types that were noted, as members of an object. */
void openapi_schemas_write(struct openapi_schemas *schemas, struct json_out *out);

#endif
