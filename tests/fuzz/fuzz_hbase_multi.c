/*
 * tests/fuzz/fuzz_hbase_multi.c - any bytes as the answer of a Multi call about four rows in two regions.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "hbase/message.h"
#include "hbase/multi.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void note_fault(struct hbase_multi_reader *reader, const struct hbase_group *group,
                       struct hbase_mutation *mutation, const struct hbase_fault *fault)
{
    require(reader && group && fault->status.code != STATUS_OK);
    require(!mutation || !mutation->is_done);
}

static void fill(struct hbase_batch *batch)
{
    static const char *const rows[] = {"a", "b", "c", "d"};

    hbase_batch_init(batch);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        const struct hbase_cell cell = {
            .row = str_from(rows[i]), .family = str_from("f"), .type = HBASE_PUT};
        require(hbase_batch_add(batch, &cell));
    }
    hbase_batch_end(batch);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const struct hbase_group groups[] = {
        {.region = {.name = str_from("r1")}, .begin = 0, .end = 2, .nmutations = 2},
        {.region = {.name = str_from("r2")}, .begin = 2, .end = 4, .nmutations = 2},
    };
    struct arena *arena = arena_create(1024 * 1024);
    struct hbase_batch batch;
    ProtobufCMessage *response;

    fill(&batch);
    if (hbase_message_read(str_from_bytes(data, size), &hb__multi_response__descriptor, arena,
                           &response)
            .code == STATUS_OK) {
        const struct hbase_multi multi = {&batch, groups, ARRAY_LEN(groups)};
        struct hbase_multi_reader reader = {note_fault, "s1:16020"};
        struct status st = hbase_multi_read(&multi, (const Hb__MultiResponse *)response, &reader);
        require(st.code == STATUS_OK || st.code == STATUS_DATA_LOSS);
    }
    hbase_batch_deinit(&batch);
    arena_destroy(arena);
    return 0;
}
