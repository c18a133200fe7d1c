/*
 * tests/fuzz/fuzz_message_wire.c - any bytes are a message or an error, and a message packs again.
 *
 * The first byte picks the type. What was read must pass the check once it is packed: it is no
 * deeper, and its texts are what they were.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "rpc/message_wire.h"
#include "sluice/v1/data_source_service.pb-c.h"
#include "sluice/v1/task_service.pb-c.h"
#include "sluice/worker/v1/worker_service.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ARENA_BYTES = 1 << 20 };

static const ProtobufCMessageDescriptor *const types[] = {
    &pb__create_task_request__descriptor,
    &pb__list_tasks_request__descriptor,
    &pb__create_data_source_request__descriptor,
    &pb__report_job_request__descriptor,
    &pb__report_bad_rows_request__descriptor,
    &grpc__reflection__v1__server_reflection_request__descriptor,
    &google__protobuf__file_descriptor_proto__descriptor,
};

static void check_packed(const ProtobufCMessage *message)
{
    struct message_wire_fault fault;
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = malloc(len ? len : 1);

    assert(packed);
    assert(protobuf_c_message_pack(message, packed) == len);
    struct status st = message_wire_check(str_from_bytes(packed, len), message->descriptor, &fault);
    assert(st.code == STATUS_OK);
    free(packed);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;

    struct arena *arena = arena_create(MAX_ARENA_BYTES);
    struct message_wire_fault fault;
    ProtobufCMessage *message = NULL;
    const ProtobufCMessageDescriptor *type = types[data[0] % ARRAY_LEN(types)];
    struct status st =
        message_wire_read(str_from_bytes(data + 1, size - 1), type, arena, &fault, &message);

    assert((st.code == STATUS_OK) == (message != NULL));
    if (message)
        check_packed(message);
    arena_destroy(arena);
    return 0;
}
