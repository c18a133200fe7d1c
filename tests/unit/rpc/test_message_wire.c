/*
 * tests/unit/rpc/test_message_wire.c - messages from bytes, of peers that mean well and of others.
 */
#include "rpc/message_wire.h"

#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "sluice/v1/task_service.pb-c.h"
#include "tests/harness/test.h"

/* CreateTaskRequest: task (1) is a message; Task: id (1), kind (2), progress (13), jobs (14), bulkload (20). */
static const struct {
    const char *bytes;
    size_t len;
    const char *text; /* NULL: it is a good message */
} cases[] = {
    {"", 0, NULL},
    {"\x0a\x00", 2, NULL},
    {"\x0a\x05\x0a\x03"
     "a-1",
     7, NULL},
    {"\x0a\x02\x10\x01", 4, NULL},
    {"\x0a\x05\x0a\x03"
     "a\0b",
     7, "field 'task.id' holds a NUL byte"},
    {"\x0a\x03\x0a\x01\0", 5, "field 'task.id' holds a NUL byte"},
    {"\x0a\x03\x0a\x01\xff", 5, "field 'task.id' is not valid UTF-8"},
    {"\x0a\x04\x0a\x02\xc0\x80", 6, "field 'task.id' is not valid UTF-8"},
    {"\x0a\x05\x0a\x03\xed\xa0\x80", 7, "field 'task.id' is not valid UTF-8"},
    {"\x0a\x05\x0a\x03\xe2\x82\xac", 7, NULL},
    {"\x0a\x06\xa2\x01\x03\x0a\x01\xff", 8,
     "field 'task.bulkload.reader_config_json' is not valid UTF-8"},
    {"\x0a\x04\x72\x02\x08\x01", 6, "field 'task.jobs.id' has the wrong wire type"},
    /* cut short */
    {"\x0a", 1, "field 'task' is malformed"},
    {"\x0a\x01", 2, "field 'task' is malformed"},
    {"\x0a\x05\x0a\x03", 4, "field 'task' is malformed"},
    {"\x0a\x02\x0a\x03", 4, "field 'task.id' is malformed"},
    {"\x0a\x01\x10", 3, "field 'task.kind' is malformed"},
    {"\x80", 1, "the message is malformed"},
    {"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12, "the message is malformed"},
    /* lengths beyond all bounds */
    {"\x0a\xff\xff\xff\xff\x0f", 6, "field 'task' is malformed"},
    {"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11, "field 'task' is malformed"},
    /* field numbers 0 and 2^29 */
    {"\x02\x00", 2, "the message is malformed"},
    {"\x82\x80\x80\x80\x10\x00", 6, "the message is malformed"},
    /* wire types */
    {"\x08\x01", 2, "field 'task' has the wrong wire type"},
    {"\x0b\x0c", 2, "field 'task' has the wrong wire type"},
    {"\x0e", 1, "field 'task' has the wrong wire type"},
    {"\x0a\x03\x12\x01\x01", 5, "field 'task.kind' has the wrong wire type"},
    /* fields that are not known: a number, 64 bits, bytes, 32 bits, a group, wire type 7 */
    {"\xf8\x3f\x01", 3, NULL},
    {"\xf9\x3f"
     "12345678",
     10, NULL},
    {"\xf9\x3f"
     "1234567",
     9, "the message is malformed"},
    {"\xfa\x3f\x02\xff\0", 5, NULL},
    {"\xfd\x3f"
     "1234",
     6, NULL},
    {"\xfd\x3f"
     "123",
     5, "the message is malformed"},
    {"\xfb\x3f\xfc\x3f", 4, "the message is malformed"},
    {"\xff\x3f", 2, "the message is malformed"},
    /* a tag that is written longer than it need be passes the check and not protobuf-c */
    {"\x8a\x80\x80\x80\x80\x00\x00", 7, "the message is malformed"},
};

test(bytes_are_read_or_the_field_that_is_wrong_is_named)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_create(1 << 20);
        ProtobufCMessage *message = NULL;
        struct status st =
            message_wire_read(str_from_bytes(cases[i].bytes, cases[i].len),
                              &pb__create_task_request__descriptor, arena, NULL, &message);

        check_str(st.text, cases[i].text ? cases[i].text : "");
        check_int(st.code, cases[i].text ? STATUS_INVALID_ARGUMENT : STATUS_OK);
        check(!message == (cases[i].text != NULL));
        arena_destroy(arena);
    }
}

/* Reads the bytes as a Task of which only the id counts. */
static struct status read_id(const char *bytes, size_t len, struct arena *arena,
                             const Pb__Task **ret)
{
    ProtobufCMessage *message = NULL;
    struct status st = message_wire_read_field(
        str_from_bytes(bytes, len), &pb__task__descriptor,
        protobuf_c_message_descriptor_get_field_by_name(&pb__task__descriptor, "id"), arena, NULL,
        &message);

    *ret = (const Pb__Task *)message;
    return st;
}

test(one_field_is_read_as_if_there_were_no_other)
{
    struct arena *arena = arena_create(1 << 20);
    const Pb__Task *task;

    /* kind, an empty progress, id, a job that is no message, an unknown field, id once more */
    check_status(read_id("\x10\x01\x6a\x00\x0a\x01"
                         "a\x72\x01\xff\xf8\x3f\x01\x0a\x01"
                         "b",
                         16, arena, &task),
                 STATUS_OK);
    check(task != NULL);
    if (task) {
        check_str(task->id, "b");
        check_int(task->kind, 0);
        check(!task->progress);
        check_int(task->n_jobs, 0);
        check_int(task->base.n_unknown_fields, 0);
    }
    check_status(read_id("\x10\x01", 2, arena, &task), STATUS_OK);
    check_str(task ? task->id : NULL, "");
    arena_destroy(arena);
}

test(one_field_is_checked_as_all_are)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
    } bad[] = {
        {"\x0a\x01\xff", 3, "field 'id' is not valid UTF-8"},
        {"\x08\x01", 2, "field 'id' has the wrong wire type"},
        {"\x0a\x01"
         "a\x10",
         4, "the message is malformed"},
        {"\x0a\x01"
         "a\x72\x05",
         5, "the message is malformed"},
        {"\x0a\x01"
         "a\x02\x00",
         5, "the message is malformed"},
    };
    struct arena *small = arena_create(8);
    const Pb__Task *task;

    for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
        struct arena *arena = arena_create(1 << 20);
        struct status st = read_id(bad[i].bytes, bad[i].len, arena, &task);
        check_status(st, STATUS_INVALID_ARGUMENT);
        check_str(st.text, bad[i].text);
        arena_destroy(arena);
    }
    check_status(read_id("\x10\x01", 2, small, &task), STATUS_RESOURCE_EXHAUSTED);
    arena_destroy(small);
}

test(a_fault_has_field_and_reason_apart)
{
    struct message_wire_fault fault;
    struct str bytes = str_from_bytes("\x0a\x03\x0a\x01\xff", 5);

    check_status(message_wire_check(bytes, &pb__create_task_request__descriptor, &fault),
                 STATUS_INVALID_ARGUMENT);
    check_str(fault.field, "task.id");
    check_str(fault.what, "is not valid UTF-8");
}

test(what_is_read_does_not_depend_on_the_bytes)
{
    char bytes[] = "\x0a\x05\x0a\x03"
                   "a-1";
    struct arena *arena = arena_create(1 << 20);
    ProtobufCMessage *message = NULL;

    check_status(message_wire_read(str_from_bytes(bytes, 7), &pb__create_task_request__descriptor,
                                   arena, NULL, &message),
                 STATUS_OK);
    memset(bytes, 0, sizeof(bytes));
    check(message != NULL);
    if (message)
        check_str(((Pb__CreateTaskRequest *)message)->task->id, "a-1");
    arena_destroy(arena);
}

/* A FileDescriptorProto with messages nested to the given depth, itself included. */
static void write_nested(struct buf *out, unsigned depth)
{
    struct buf inner = {0};

    for (unsigned i = 1; i < depth; i++) {
        struct buf outer = {0};

        /* message_type is field 4 of the file, nested_type is field 3 of a message */
        buf_append_char(&outer, i + 1 == depth ? 0x22 : 0x1a);
        for (size_t left = inner.len;; left >>= 7) {
            buf_append_char(&outer, (char)((left & 0x7f) | (left > 0x7f ? 0x80 : 0)));
            if (left <= 0x7f)
                break;
        }
        buf_append(&outer, inner.data, inner.len);
        buf_deinit(&inner);
        inner = outer;
    }
    *out = inner;
}

test(messages_are_nested_up_to_the_limit_and_not_deeper)
{
    for (unsigned more = 0; more <= 1; more++) {
        struct buf bytes = {0};
        struct arena *arena = arena_create(1 << 20);
        ProtobufCMessage *message = NULL;

        write_nested(&bytes, MESSAGE_WIRE_MAX_DEPTH + more);
        struct status st =
            message_wire_read(buf_get(&bytes), &google__protobuf__file_descriptor_proto__descriptor,
                              arena, NULL, &message);
        check_int(st.code, more ? STATUS_INVALID_ARGUMENT : STATUS_OK);
        check(more == 0 || strstr(st.text, "is nested too deep") != NULL);
        arena_destroy(arena);
        buf_deinit(&bytes);
    }
}

test(a_field_with_a_long_path_is_cut)
{
    struct buf bytes = {0};
    struct message_wire_fault fault;

    write_nested(&bytes, MESSAGE_WIRE_MAX_DEPTH + 1);
    check_status(message_wire_check(buf_get(&bytes),
                                    &google__protobuf__file_descriptor_proto__descriptor, &fault),
                 STATUS_INVALID_ARGUMENT);
    check_int(strlen(fault.field), MESSAGE_WIRE_FIELD_BYTES - 1);
    check(strncmp(fault.field, "message_type.nested_type.nested_type.", 37) == 0);
    buf_deinit(&bytes);
}

test(an_arena_that_is_full_at_any_allocation_is_an_error)
{
    Pb__Job job = PB__JOB__INIT;
    Pb__Job *jobs[] = {&job, &job};
    Pb__Task task = PB__TASK__INIT;
    uint8_t bytes[256];
    unsigned nrefused = 0;
    struct status st;

    job.id = (char *)(uintptr_t)"job-1"; /* is only read */
    task.id = (char *)(uintptr_t)"proc-1";
    task.jobs = jobs;
    task.n_jobs = ARRAY_LEN(jobs);
    size_t len = pb__task__pack(&task, bytes);
    for (size_t max_bytes = 0;; max_bytes += 8) {
        struct arena *arena = arena_create(max_bytes);
        ProtobufCMessage *message = NULL;

        st = message_wire_read(str_from_bytes(bytes, len), &pb__task__descriptor, arena, NULL,
                               &message);
        check(st.code == STATUS_OK ? message != NULL : message == NULL);
        arena_destroy(arena);
        if (st.code != STATUS_RESOURCE_EXHAUSTED || max_bytes > 65536)
            break;
        nrefused++;
    }
    check_status(st, STATUS_OK);
    check(nrefused > 20);
}

test(a_small_message_that_grows_large_is_refused)
{
    enum { NJOBS = 100000 };
    static char bytes[NJOBS * 2];
    struct arena *arena = arena_create(8 << 20);
    ProtobufCMessage *message = NULL;

    for (size_t i = 0; i < sizeof(bytes); i += 2)
        memcpy(bytes + i, "\x72\x00", 2); /* an empty job */
    check_status(message_wire_read(str_from_bytes(bytes, sizeof(bytes)), &pb__task__descriptor,
                                   arena, NULL, &message),
                 STATUS_RESOURCE_EXHAUSTED);
    arena_destroy(arena);
}
