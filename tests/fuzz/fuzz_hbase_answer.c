/*
 * tests/fuzz/fuzz_hbase_answer.c - any bytes are an answer of HBase or an error; what they hold is within them, and a fault that is
 * read of an exception has what its action needs.
 *
 * The first byte picks the type of the answer's message.
 */
#include <assert.h>
#include <stdint.h>

#include "base/utf8.h"
#include "hbase/fault.h"
#include "hbase/frame.h"
#include "hbase/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ARENA_BYTES = 1 << 20 };

static const ProtobufCMessageDescriptor *const types[] = {
    &hb__scan_response__descriptor,
    &hb__multi_response__descriptor,
    &hb__get_response__descriptor,
    &hb__get_meta_region_locations_response__descriptor,
    &hb__get_active_master_response__descriptor,
    &hb__get_table_descriptors_response__descriptor,
    &hb__get_procedure_result_response__descriptor,
    &hb__get_cluster_status_response__descriptor,
    &hb__list_replication_peers_response__descriptor,
    &hb__region_info__descriptor,
};

static bool is_within(struct str part, struct str whole)
{
    return part.len == 0 ||
           (part.data >= whole.data && part.data + part.len <= whole.data + whole.len);
}

static void read_fault(const Hb__ExceptionResponse *exception)
{
    struct hbase_fault fault;

    hbase_fault_read(str_from(exception->exception_class_name), str_from(exception->stack_trace),
                     exception->do_not_retry, "rs1:16020", &fault);
    assert(fault.status.code != STATUS_OK);
    assert(utf8_is_valid(str_from(fault.status.text)));
    assert((fault.moved_host[0] != '\0') == (fault.moved_port >= 1 && fault.moved_port <= 65535));
    assert((fault.action == HBASE_ACTION_THROTTLE) == (fault.wait_ms > 0));
    assert(hbase_fault_get_pause_ms(&fault, 3) >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str frame = str_from_bytes(data, size);
    struct hbase_answer answer;
    ProtobufCMessage *message;

    if (size == 0)
        return 0;
    struct arena *arena = arena_create(MAX_ARENA_BYTES);
    frame = str_skip(frame, 1);
    if (hbase_frame_read_answer(frame, arena, &answer).code == STATUS_OK) {
        assert(is_within(answer.message, frame) && is_within(answer.block, frame));
        if (answer.exception)
            read_fault(answer.exception);
        else if (hbase_message_read(answer.message, types[data[0] % ARRAY_LEN(types)], arena,
                                    &message)
                     .code == STATUS_OK)
            assert(protobuf_c_message_get_packed_size(message) < SIZE_MAX / 2);
    }
    arena_destroy(arena);
    return 0;
}
