#include "base/arena.h"
#include "hbase/cell.h"
#include "hbase/frame.h"
#include "hbase/message.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/hex.h"

enum { ARENA_BYTES = 1024 * 1024 };

static ProtobufCBinaryData bytes_of(const char *text)
{
    return hbase_bytes_make(str_from(text));
}

static void check_request(uint32_t call_id, const struct hbase_request *request, const char *hex)
{
    struct buf out = {0};

    hbase_frame_write_request(&out, call_id, request);
    buf_append_str(&out, request->block);
    hex_check(buf_get(&out), hex);
    buf_deinit(&out);
}

test(hello_says_who_we_are_and_which_version_we_are_like)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct buf out = {0};
    ProtobufCMessage *message;

    hbase_frame_write_hello(&out, "ClientService", "lts");
    hex_check(str_from_bytes(out.data, 6), "48 42 61 73 00 50");
    struct str header = str_skip(buf_get(&out), 10);
    hex_check(str_from_bytes(header.data, 0x43),
              "0a 05 0a 03 6c 74 73 12 0d 43 6c 69 65 6e 74 53 65 72 76 69 63 65 1a 2b 6f 72 67 2e"
              "61 70 61 63 68 65 2e 68 61 64 6f 6f 70 2e 68 62 61 73 65 2e 63 6f 64 65 63 2e 4b 65"
              "79 56 61 6c 75 65 43 6f 64 65 63");
    check_int((uint8_t)out.data[9], header.len);
    check_status(hbase_message_read(header, &hb__connection_header__descriptor, arena, &message),
                 STATUS_OK);
    const Hb__ConnectionHeader *hello = (const Hb__ConnectionHeader *)message;
    check_int(hello->version_info->version_major, 2);
    check_int(hello->version_info->version_minor, 5);
    buf_deinit(&out);
    arena_destroy(arena);
}

test(requests_without_parameters_carry_an_empty_one)
{
    const Hb__Empty empty = HB__EMPTY__INIT;
    const struct hbase_request request = {
        .method = "GetMetaRegionLocations", .message = &empty.base, .timeout_ms = 10000};

    check_request(1, &request,
                  "00 00 00 21 1f 08 01 1a 16 47 65 74 4d 65 74 61 52 65 67 69 6f 6e 4c 6f 63 61"
                  "74 69 6f 6e 73 20 01 38 90 4e 00");
}

test(requests_carry_their_priority)
{
    Hb__RegionSpecifier region = HB__REGION_SPECIFIER__INIT;
    Hb__Column column = HB__COLUMN__INIT, *columns[] = {&column};
    Hb__Scan scan = HB__SCAN__INIT;
    Hb__ScanRequest message = HB__SCAN_REQUEST__INIT;
    const struct hbase_request request = {
        .method = "Scan", .message = &message.base, .priority = 200, .timeout_ms = 60000};

    region.type = HB__REGION_SPECIFIER__TYPE__REGION_NAME;
    region.value = bytes_of("hbase:meta,,1");
    column.family = bytes_of("info");
    scan.n_column = 1;
    scan.column = columns;
    scan.has_start_row = scan.has_stop_row = scan.has_max_versions = scan.has_cache_blocks = 1;
    scan.start_row = bytes_of("t1,,");
    scan.stop_row = bytes_of("t1 ,,");
    scan.max_versions = 1;
    scan.cache_blocks = 1;
    scan.has_include_start_row = scan.include_start_row = 1;
    scan.has_include_stop_row = 1;
    message.region = &region;
    message.scan = &scan;
    message.has_number_of_rows = message.has_close_scanner = 1;
    message.number_of_rows = 100;
    message.has_client_handles_partials = message.client_handles_partials = 1;
    message.has_client_handles_heartbeats = message.client_handles_heartbeats = 1;
    check_request(1, &request,
                  "00 00 00 4f 11 08 01 1a 04 53 63 61 6e 20 01 30 c8 01 38 e0 d4 03 3c 0a 11 08"
                  "01 12 0d 68 62 61 73 65 3a 6d 65 74 61 2c 2c 31 12 1f 0a 06 0a 04 69 6e 66 6f"
                  "1a 04 74 31 2c 2c 22 05 74 31 20 2c 2c 38 01 40 01 a8 01 01 b0 01 00 20 64 28"
                  "00 38 01 40 01");
}

test(requests_carry_their_cells_behind_the_message)
{
    static const char cells_hex[] =
        "00 00 00 1a 00 00 00 10 00 00 00 02 00 02 72 31 01 66 71 00 00 01 5d 3e f7 98 00 04 76 31"
        "00 00 00 18 00 00 00 10 00 00 00 00 00 02 72 31 01 66 71 00 00 01 45 f6 80 b0 00 0c";
    Hb__RegionSpecifier region = HB__REGION_SPECIFIER__INIT;
    Hb__MutationProto mutations[] = {HB__MUTATION_PROTO__INIT, HB__MUTATION_PROTO__INIT};
    Hb__Action actions[] = {HB__ACTION__INIT, HB__ACTION__INIT};
    Hb__Action *list[] = {&actions[0], &actions[1]};
    Hb__RegionAction region_action = HB__REGION_ACTION__INIT, *region_actions[] = {&region_action};
    Hb__MultiRequest message = HB__MULTI_REQUEST__INIT;
    struct buf cells = {0};

    hex_read(cells_hex, &cells);
    for (unsigned i = 0; i < 2; i++) {
        mutations[i].has_row = mutations[i].has_mutate_type = 1;
        mutations[i].row = bytes_of("r1");
        mutations[i].mutate_type = i == 0 ? HB__MUTATION_PROTO__MUTATION_TYPE__PUT
                                          : HB__MUTATION_PROTO__MUTATION_TYPE__DELETE;
        mutations[i].has_associated_cell_count = mutations[i].associated_cell_count = 1;
        actions[i].has_index = 1;
        actions[i].index = i;
        actions[i].mutation = &mutations[i];
    }
    region.type = HB__REGION_SPECIFIER__TYPE__REGION_NAME;
    region.value = bytes_of("t1,,1.c4ca4238a0b923820dcc509a6f75849b.");
    region_action.region = &region;
    region_action.n_action = 2;
    region_action.action = list;
    message.n_region_action = 1;
    message.region_action = region_actions;
    const struct hbase_request request = {
        .method = "Multi", .message = &message.base, .block = buf_get(&cells), .timeout_ms = 60000};
    check_request(3, &request,
                  "00 00 00 9a 13 08 03 1a 05 4d 75 6c 74 69 20 01 2a 02 08 3a 38 e0 d4 03 4b 0a 49"
                  "0a 2b 08 01 12 27 74 31 2c 2c 31 2e 63 34 63 61 34 32 33 38 61 30 62 39 32 33 38"
                  "32 30 64 63 63 35 30 39 61 36 66 37 35 38 34 39 62 2e 1a 0c 08 00 12 08 0a 02 72"
                  "31 10 02 40 01 1a 0c 08 01 12 08 0a 02 72 31 10 03 40 01 00 00 00 1a 00 00 00 10"
                  "00 00 00 02 00 02 72 31 01 66 71 00 00 01 5d 3e f7 98 00 04 76 31 00 00 00 18 00"
                  "00 00 10 00 00 00 00 00 02 72 31 01 66 71 00 00 01 45 f6 80 b0 00 0c");
    buf_deinit(&cells);
}

/* Reads a frame with its length in front. */
static struct status read_answer(const char *hex, struct buf *frame, struct arena *arena,
                                 struct hbase_answer *ret)
{
    size_t len;

    hex_read(hex, frame);
    struct status st = hbase_frame_read_length(frame->data, &len);
    if (st.code != STATUS_OK)
        return st;
    check_int(len, frame->len - HBASE_FRAME_LENGTH_BYTES);
    return hbase_frame_read_answer(str_skip(buf_get(frame), HBASE_FRAME_LENGTH_BYTES), arena, ret);
}

test(answers_have_a_message)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct buf frame = {0};
    struct hbase_answer answer;
    ProtobufCMessage *message;

    check_status(
        read_answer("00 00 00 3f 02 08 01 3b 0a 39 0a 1b 08 01 12 0d 0a 05 68 62 61 73 65 12 04 6d"
                    "65 74 61 1a 00 22 00 28 00 30 00 38 00 12 0f 0a 03 72 73 31 10 94 7d 18 80 d0"
                    "95 ff bc 31 18 ff ff ff ff ff ff ff ff ff 01",
                    &frame, arena, &answer),
        STATUS_OK);
    check_int(answer.call_id, 1);
    check(!answer.exception && answer.block.len == 0);
    check_status(hbase_message_read(answer.message,
                                    &hb__get_meta_region_locations_response__descriptor, arena,
                                    &message),
                 STATUS_OK);
    const Hb__RegionLocation *meta =
        ((const Hb__GetMetaRegionLocationsResponse *)message)->meta_locations[0];
    check_str(meta->server_name->host_name, "rs1");
    check_int(meta->server_name->port, 16020);
    check_int(meta->server_name->start_code, INT64_C(1700000000000));
    check_int(meta->seq_num, -1);
    buf_deinit(&frame);
    arena_destroy(arena);
}

test(answers_have_cells_behind_the_message)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct buf frame = {0};
    struct hbase_answer answer;
    struct hbase_cell cell;

    check_status(
        read_answer("00 00 00 36 06 08 04 1a 02 08 1e 10 08 01 10 07 18 01 20 e0 d4 03 30 00 38 00"
                    "40 01 00 00 00 1a 00 00 00 10 00 00 00 02 00 02 72 31 01 66 71 00 00 01 5d 3e"
                    "f7 98 00 04 76 31",
                    &frame, arena, &answer),
        STATUS_OK);
    check_int(answer.call_id, 4);
    check_status(hbase_cell_take(&answer.block, &cell), STATUS_OK);
    check(str_is(cell.value, "v1") && answer.block.len == 0);
    buf_deinit(&frame);
    arena_destroy(arena);
}

test(answers_may_be_exceptions)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct buf frame = {0}, refusal = {0};
    struct hbase_answer answer;

    check_status(
        read_answer("00 00 00 3d 3c 08 06 12 38 0a 31 6f 72 67 2e 61 70 61 63 68 65 2e 68 61 64 6f"
                    "6f 70 2e 68 62 61 73 65 2e 4e 6f 74 53 65 72 76 69 6e 67 52 65 67 69 6f 6e 45"
                    "78 63 65 70 74 69 6f 6e 12 01 78 28 00",
                    &frame, arena, &answer),
        STATUS_OK);
    check_int(answer.call_id, 6);
    check_str(answer.exception->exception_class_name,
              "org.apache.hadoop.hbase.NotServingRegionException");
    check_str(answer.exception->stack_trace, "x");
    check(!answer.exception->do_not_retry);

    check_status(
        read_answer("00 00 00 44 43 08 ff ff ff ff 0f 12 3b 0a 34 6f 72 67 2e 61 70 61 63 68 65 2e"
                    "68 61 64 6f 6f 70 2e 68 62 61 73 65 2e 69 70 63 2e 46 61 74 61 6c 43 6f 6e 6e"
                    "65 63 74 69 6f 6e 45 78 63 65 70 74 69 6f 6e 12 01 78 28 01",
                    &refusal, arena, &answer),
        STATUS_OK);
    check_int((int32_t)answer.call_id, HBASE_FRAME_NO_CALL);
    check(answer.exception->do_not_retry);
    buf_deinit(&frame);
    buf_deinit(&refusal);
    arena_destroy(arena);
}

test(frames_that_lie_are_refused)
{
    static const struct {
        const char *hex;
        const char *text;
    } cases[] = {
        {"00 00 00 00", "an answer of 0 bytes, where 1 to 268435456 are allowed; is this a server "
                        "of HBase?"},
        {"10 00 00 01", "an answer of 268435457 bytes, where 1 to 268435456 are allowed; is this a "
                        "server of HBase?"},
        {"48 54 54 50", "an answer of 1213486160 bytes, where 1 to 268435456 are allowed; is this "
                        "a server of HBase?"},
        {"00 00 00 01 02", "an answer that is not well formed: its header is cut off"},
        {"00 00 00 06 ff ff ff ff ff ff",
         "an answer that is not well formed: its header is cut off"},
        {"00 00 00 03 02 0f 01", "what HBase sent is no ResponseHeader"},
        {"00 00 00 01 00", "an answer that is not well formed: it does not say which call it is "
                           "for"},
        {"00 00 00 03 02 08 01", "an answer that is not well formed: its message is cut off"},
        {"00 00 00 04 02 08 01 05", "an answer that is not well formed: its message is cut off"},
        {"00 00 00 05 02 08 01 00 00",
         "an answer that is not well formed: its cell block is not as long as it says"},
        {"00 00 00 08 06 08 01 1a 02 08 05 00",
         "an answer that is not well formed: its cell block is not as long as it says"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct arena *arena = arena_create(ARENA_BYTES);
        struct buf frame = {0};
        struct hbase_answer answer;
        struct status st = read_answer(cases[i].hex, &frame, arena, &answer);

        check_status(st, STATUS_DATA_LOSS);
        check_str(st.text, cases[i].text);
        buf_deinit(&frame);
        arena_destroy(arena);
    }
}

test(the_largest_frame_is_taken)
{
    size_t len = 0;

    check_status(hbase_frame_read_length("\x10\0\0\0", &len), STATUS_OK);
    check_int(len, HBASE_MAX_FRAME_BYTES);
}

test(messages_that_take_more_memory_than_is_allowed_are_refused)
{
    enum { NPARTS = 20000 };
    struct arena *arena = arena_create(ARENA_BYTES);
    struct buf bytes = {0};
    ProtobufCMessage *message;

    for (unsigned i = 0; i < NPARTS; i++)
        buf_append(&bytes, "\x0a", 2); /* an empty Cell of a Result */
    struct status st =
        hbase_message_read(buf_get(&bytes), &hb__result__descriptor, arena, &message);
    check_status(st, STATUS_RESOURCE_EXHAUSTED);
    check_str(st.text, "a Result of 40000 bytes takes more memory than is allowed");
    buf_deinit(&bytes);
    arena_destroy(arena);
}

test(stored_messages_have_a_mark_in_front)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    ProtobufCMessage *message;

    check_status(hbase_message_read_stored(str_from_bytes("PBUF\x08\x01", 6),
                                           &hb__replication_state__descriptor, arena, &message),
                 STATUS_OK);
    check_int(((const Hb__ReplicationState *)message)->state, 1);
    check_status(hbase_message_read_stored(str_from_bytes("PBU\x08\x01", 5),
                                           &hb__replication_state__descriptor, arena, &message),
                 STATUS_DATA_LOSS);
    arena_destroy(arena);
}
