/*
 * rpc/descriptors.h - the proto files inside the program, found by name and by what they define.
 */
#ifndef RPC_DESCRIPTORS_H
#define RPC_DESCRIPTORS_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/compiler.h"

struct descriptors;

struct descriptor_file {
    ProtobufCBinaryData bytes; /* a FileDescriptorProto as protoc wrote it */
    const char *name;          /* "sluice/v1/task.proto" */
    size_t *dependencies;      /* indexes of the files that it imports */
    size_t ndependencies;
};

/* Reads the descriptor set that the build has put into the program. Owned by the caller. */
struct descriptors *descriptors_create(void) MUST_CHECK;

/* NULL is allowed. */
void descriptors_destroy(struct descriptors *descriptors);

/* The number of files, and each by its index. */
size_t descriptors_get_count(const struct descriptors *descriptors);
const struct descriptor_file *descriptors_get_file(const struct descriptors *descriptors,
                                                   size_t index);

/* The functions that find a file return its index, or descriptors_get_count if there is none. */

size_t descriptors_find_file(const struct descriptors *descriptors, const char *name);

/* By a message, field, enum, value, service, method or extension: "sluice.v1.Task.id", without a dot in front. */
size_t descriptors_find_symbol(const struct descriptors *descriptors, const char *name);

/* The file that defines extension number of the message type. */
size_t descriptors_find_extension(const struct descriptors *descriptors, const char *type,
                                  int32_t number);

/*
 * Writes up to max numbers of extensions of the message type; returns how many there are.
 */
size_t descriptors_list_extensions(const struct descriptors *descriptors, const char *type,
                                   int32_t *ret, size_t max);

#endif
