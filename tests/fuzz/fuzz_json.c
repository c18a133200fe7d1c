/*
 * tests/fuzz/fuzz_json.c - JSON as a task: what is taken is written, and reads back as the same.
 */
#include <assert.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "rpc/message_json.h"
#include "sluice/v1/task.pb-c.h"

enum { ARENA_BYTES = 8 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The task in text, or NULL. */
static ProtobufCMessage *read(struct str text, struct arena *arena)
{
    struct json *json = NULL;
    ProtobufCMessage *task = NULL;

    if (json_read("input", text, &json).code != STATUS_OK)
        return NULL;
    struct status st = message_json_read(json, &pb__task__descriptor, arena, &task);
    json_destroy(json);
    return st.code == STATUS_OK ? task : NULL;
}

static void write(const ProtobufCMessage *task, struct buf *ret)
{
    struct json_out out = json_out_make(ret);

    message_json_write(task, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    ProtobufCMessage *task = read(str_from_bytes(data, size), arena);

    if (task) {
        struct buf first = {0}, second = {0};
        write(task, &first);
        ProtobufCMessage *again = read(buf_get(&first), arena);
        assert(again || arena_is_full(arena));
        if (again) {
            write(again, &second);
            assert(str_is_equal(buf_get(&first), buf_get(&second)));
        }
        buf_deinit(&first);
        buf_deinit(&second);
    }
    arena_destroy(arena);
    return 0;
}
