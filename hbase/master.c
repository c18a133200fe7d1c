#include "hbase/master.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/stop.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/message.h"

enum {
    CALL_MS = 30 * 1000,
    FIRST_POLL_MS = 20,
    LAST_POLL_MS = 1000,
    NONCE_DIGITS = 16,
};

static void *allocate(void *arena, size_t size)
{
    return arena_alloc(arena, size);
}

static void release(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

/*
 * By way of its bytes: a reply borrows from memory that is freed at once. The connection has bounded what it takes
 * (HBASE_MAX_MESSAGE_BYTES), so the arena's cap is not asked.
 */
static const ProtobufCMessage *copy(const ProtobufCMessage *message, struct arena *arena)
{
    ProtobufCAllocator allocator = {allocate, release, arena};
    struct buf bytes = {0};

    hbase_message_write(&bytes, message);
    ProtobufCMessage *copied = protobuf_c_message_unpack(message->descriptor, &allocator, bytes.len,
                                                         (const uint8_t *)bytes.data);
    assert(copied);
    buf_deinit(&bytes);
    return copied;
}

struct status hbase_master_ask(struct hbase_cluster *cluster, const char *method,
                               const ProtobufCMessage *message,
                               const ProtobufCMessageDescriptor *reply_type, struct arena *arena,
                               const ProtobufCMessage **ret)
{
    const struct hbase_request request = {
        .method = method, .message = message, .reply = reply_type, .timeout_ms = CALL_MS};
    struct hbase_reply reply = {0};

    struct status st = hbase_cluster_call_master(cluster, &request, &reply);
    if (st.code == STATUS_OK)
        *ret = copy(reply.message, arena);
    hbase_reply_free(&reply);
    return st;
}

/* A procedure's exception reads as that of a call would. */
static struct status read_failure(const struct hbase_cluster *cluster,
                                  const Hb__ForeignExceptionMessage *exception)
{
    const Hb__GenericExceptionMessage *generic = exception->generic_exception;
    struct hbase_fault fault;

    hbase_fault_read(str_from(generic ? generic->class_name : NULL),
                     str_from(generic ? generic->message : NULL), true,
                     hbase_cluster_get_name(cluster), &fault);
    return fault.status;
}

/* One look at a procedure. */
static struct status poll_once(struct hbase_cluster *cluster, uint64_t id,
                               Hb__GetProcedureResultResponse__State *ret)
{
    Hb__GetProcedureResultRequest question = HB__GET_PROCEDURE_RESULT_REQUEST__INIT;
    struct hbase_request request = {.method = "getProcedureResult",
                                    .message = &question.base,
                                    .reply = &hb__get_procedure_result_response__descriptor,
                                    .timeout_ms = CALL_MS};
    struct hbase_reply reply = {0};

    question.proc_id = id;
    struct status st = hbase_cluster_call_master(cluster, &request, &reply);
    if (st.code == STATUS_OK) {
        const Hb__GetProcedureResultResponse *result =
            (const Hb__GetProcedureResultResponse *)reply.message;
        *ret = result->state;
        if (result->exception)
            st = read_failure(cluster, result->exception);
    }
    hbase_reply_free(&reply);
    return st;
}

static struct status wait_for_end(struct hbase_cluster *cluster, uint64_t id, const char *what,
                                  bool *ret_is_forgotten)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + HBASE_PROCEDURE_MAX_MS;

    for (int64_t pause_ms = FIRST_POLL_MS;; pause_ms *= 2) {
        Hb__GetProcedureResultResponse__State state;
        struct status st = poll_once(cluster, id, &state);

        if (st.code != STATUS_OK)
            return st;
        if (state != HB__GET_PROCEDURE_RESULT_RESPONSE__STATE__RUNNING) {
            *ret_is_forgotten = state == HB__GET_PROCEDURE_RESULT_RESPONSE__STATE__NOT_FOUND;
            return st;
        }
        if (clock_get_monotonic_ms() >= deadline_ms)
            return status_error(STATUS_DEADLINE_EXCEEDED,
                                "the master of %s began to %s %d minutes ago (procedure %" PRIu64
                                ") and has not finished",
                                hbase_cluster_get_name(cluster), what,
                                HBASE_PROCEDURE_MAX_MS / 60000, id);
        if (pause_ms > LAST_POLL_MS)
            pause_ms = LAST_POLL_MS;
        if (!stop_pause(hbase_cluster_get_stop(cluster), pause_ms))
            return status_error(STATUS_CANCELLED, "stopped while the master of %s had to %s",
                                hbase_cluster_get_name(cluster), what);
    }
}

struct status hbase_master_change(struct hbase_cluster *cluster, const char *method,
                                  const ProtobufCMessage *message, const char *what,
                                  bool *ret_is_forgotten)
{
    const struct hbase_request request = {.method = method,
                                          .message = message,
                                          .reply = &hb__procedure_response__descriptor,
                                          .timeout_ms = CALL_MS};
    struct hbase_reply reply = {0};

    struct status st = hbase_cluster_call_master(cluster, &request, &reply);
    if (st.code != STATUS_OK)
        return st;
    const Hb__ProcedureResponse *response = (const Hb__ProcedureResponse *)reply.message;
    bool has_procedure = response->has_proc_id;
    uint64_t id = response->proc_id;
    hbase_reply_free(&reply);
    *ret_is_forgotten = false;
    return has_procedure ? wait_for_end(cluster, id, what, ret_is_forgotten) : st;
}

struct status hbase_master_make_forgotten(const struct hbase_cluster *cluster, const char *what)
{
    return status_error(STATUS_UNKNOWN,
                        "the master of %s had to %s and does not tell what became of that",
                        hbase_cluster_get_name(cluster), what);
}

static uint64_t make_number(void)
{
    char hex[ID_HEX_BYTES];

    id_make_hex(hex);
    hex[NONCE_DIGITS] = '\0';
    return strtoull(hex, NULL, 16) | 1; /* 0 is none */
}

struct hbase_nonce hbase_nonce_make(void)
{
    return (struct hbase_nonce){make_number(), make_number()};
}
