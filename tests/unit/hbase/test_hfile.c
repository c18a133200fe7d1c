/* Files as HBase writes them: golden bytes of a small one, and a walk through larger ones by what the format says. */
#include "hbase/hfile.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/crc32c.h"
#include "hbase/bytes.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/message.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/cell_text.h"
#include "tests/unit/hbase/hex.h"

enum {
    HEADER_BYTES = 33,
    CHUNK_BYTES = 16 * 1024,
    TRAILER_BYTES = 4096,
};

static const int64_t now_ms = INT64_C(1600000000000);

struct fixture {
    int fd;
    struct hbase_hfile *hfile;
    struct arena *arena;
    struct str bytes; /* of the whole file; when it is finished */
    const Hb__FileTrailer *trailer;
};

static void open_file(struct fixture *f)
{
    *f = (struct fixture){.fd = memfd_create("hfile", 0), .arena = arena_create(64 << 20)};
    check(f->fd >= 0);
    f->hfile = hbase_hfile_create(f->fd, "the file", now_ms);
}

static void close_file(struct fixture *f)
{
    hbase_hfile_destroy(f->hfile);
    if (f->bytes.data)
        (void)munmap((void *)(uintptr_t)f->bytes.data, f->bytes.len);
    arena_destroy(f->arena);
    (void)close(f->fd);
}

/* A message with its length in front. */
static const ProtobufCMessage *read_delimited(struct str bytes,
                                              const ProtobufCMessageDescriptor *type,
                                              struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    size_t len = 0;

    for (unsigned shift = 0;; shift += 7) {
        uint8_t byte = (uint8_t)bytes.data[0];

        bytes = str_skip(bytes, 1);
        len |= (size_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            break;
    }
    check(len <= bytes.len);
    check_status(hbase_message_read(str_from_bytes(bytes.data, len), type, arena, &message),
                 STATUS_OK);
    return message;
}

static void finish_file(struct fixture *f)
{
    struct stat now;

    check_status(hbase_hfile_finish(f->hfile), STATUS_OK);
    check_int(fstat(f->fd, &now), 0);
    f->bytes.len = (size_t)now.st_size;
    f->bytes.data = mmap(NULL, f->bytes.len, PROT_READ, MAP_PRIVATE, f->fd, 0);
    check_int(hbase_hfile_get_size_bytes(f->hfile) >= f->bytes.len, 1);

    struct str trailer = str_skip(f->bytes, f->bytes.len - TRAILER_BYTES);
    check(str_has_prefix(trailer, "TRABLK\"$"));
    hex_check(str_skip(trailer, TRAILER_BYTES - 4), "03000003");
    f->trailer = (const Hb__FileTrailer *)read_delimited(str_skip(trailer, 8),
                                                         &hb__file_trailer__descriptor, f->arena);
    check_str(f->trailer->comparator_class_name, "org.apache.hadoop.hbase.KeyValue$KVComparator");
    check_int(f->trailer->compression_codec, 2);
    check_int(f->trailer->num_data_index_levels, 1);
}

static void add_text(struct fixture *f, const char *text)
{
    struct hbase_cell cells[CELL_TEXT_MAX_CELLS];
    size_t ncells = cell_text_read(text, cells);

    for (size_t i = 0; i < ncells; i++)
        check_status(hbase_hfile_add(f->hfile, &cells[i]), STATUS_OK);
}

/* Checks a block's header and sums; returns its content, and how large it is with all of that. */
static struct str read_block(struct str file, uint64_t offset, const char *magic, uint64_t previous,
                             size_t *ret_size)
{
    struct str block = str_skip(file, offset);
    struct crc32c crc;

    crc32c_init(&crc);
    check(str_has_prefix(block, magic));
    size_t size = HEADER_BYTES + hbase_get_u32(block.data + 8);
    size_t payload = hbase_get_u32(block.data + 12);
    check(hbase_get_u64(block.data + 16) == previous);
    check_int(block.data[24], 2);
    check_int(hbase_get_u32(block.data + 25), CHUNK_BYTES);
    check_int(hbase_get_u32(block.data + 29), HEADER_BYTES + payload);
    const char *sum = block.data + HEADER_BYTES + payload;
    for (size_t at = 0; at < HEADER_BYTES + payload; at += CHUNK_BYTES, sum += 4) {
        size_t left = HEADER_BYTES + payload - at;
        struct str chunk = {block.data + at, left < CHUNK_BYTES ? left : CHUNK_BYTES};
        check_int(hbase_get_u32(sum), crc32c_make(&crc, chunk));
    }
    check_int(sum - block.data, size);
    *ret_size = size;
    return str_from_bytes(block.data + HEADER_BYTES, payload);
}

/* Counts the cells of a block, and checks their lengths and that its first key is the one of the index. */
static size_t count_cells(struct str block, struct str first_key)
{
    size_t n = 0;

    while (block.len > 0) {
        size_t key_len = hbase_get_u32(block.data), value_len = hbase_get_u32(block.data + 4);

        check(8 + key_len + value_len <= block.len);
        if (n++ == 0)
            check(str_is_equal(str_from_bytes(block.data + 8, key_len), first_key));
        block = str_skip(block, 8 + key_len + value_len);
    }
    return n;
}

static uint32_t read_hadoop_length(struct str *rest)
{
    signed char first = *rest->data;
    uint32_t number = 0;

    *rest = str_skip(*rest, 1);
    if (first >= 0)
        return (uint32_t)first;
    for (int n = -112 - first; n > 0; n--) {
        number = number << 8 | (uint8_t)*rest->data;
        *rest = str_skip(*rest, 1);
    }
    return number;
}

/* Goes through all blocks by the index; returns how many cells they have. */
static size_t walk(const struct fixture *f)
{
    uint64_t offset = 0, previous = UINT64_MAX;
    size_t size, ncells = 0, nblocks = 0;
    struct str index =
        read_block(f->bytes, f->trailer->load_on_open_data_offset, "IDXROOT2", UINT64_MAX, &size);

    check_int(f->trailer->file_info_offset,
              f->trailer->load_on_open_data_offset + size + HEADER_BYTES + 4);
    for (; index.len > 0; nblocks++) {
        check_int(hbase_get_u64(index.data), offset);
        uint32_t told = hbase_get_u32(index.data + 8);
        index = str_skip(index, 12);
        uint32_t key_len = read_hadoop_length(&index);
        struct str block = read_block(f->bytes, offset, "DATABLK*", previous, &size);
        check_int(told, size);
        ncells += count_cells(block, str_from_bytes(index.data, key_len));
        index = str_skip(index, key_len);
        previous = offset;
        offset += size;
    }
    check_int(nblocks, f->trailer->data_index_count);
    check_int(offset, f->trailer->load_on_open_data_offset);
    check_int(ncells, f->trailer->entry_count);
    return ncells;
}

/* The value of a fact of the file; {NULL, 0} if there is none. */
static struct str find_fact(const struct fixture *f, const char *name)
{
    size_t size;
    struct str block =
        read_block(f->bytes, f->trailer->file_info_offset, "FILEINF2", UINT64_MAX, &size);
    const Hb__FileInfo *info;

    check(str_has_prefix(block, "PBUF"));
    info = (const Hb__FileInfo *)read_delimited(str_skip(block, 4), &hb__file_info__descriptor,
                                                f->arena);
    for (size_t i = 0; i < info->n_map_entry; i++)
        if (str_is(hbase_bytes_get(info->map_entry[i]->first), name))
            return hbase_bytes_get(info->map_entry[i]->second);
    return (struct str){0};
}

test(a_file_of_one_cell_is_as_hbase_has_it)
{
    static const struct hbase_cell put = {
        .row = {"r1", 2},
        .family = {"f", 1},
        .qualifier = {"q", 1},
        .value = {"v1", 2},
        .timestamp_ms = INT64_C(1500000000000),
        .type = HBASE_PUT,
    };
    struct fixture f;

    open_file(&f);
    check_status(hbase_hfile_add(f.hfile, &put), STATUS_OK);
    finish_file(&f);
    hex_check(str_from_bytes(f.bytes.data, 63 + 66 + 37),
              "44 41 54 41 42 4c 4b 2a 00 00 00 1e 00 00 00 1a ff ff ff ff ff ff ff ff 02 00 00 40"
              "00 00 00 00 3b 00 00 00 10 00 00 00 02 00 02 72 31 01 66 71 00 00 01 5d 3e f7 98 00"
              "04 76 31 d6 31 d6 76"
              "49 44 58 52 4f 4f 54 32 00 00 00 21 00 00 00 1d ff ff ff ff ff ff ff ff 02 00 00 40"
              "00 00 00 00 3e 00 00 00 00 00 00 00 00 00 00 00 3f 10 00 02 72 31 01 66 71 00 00 01"
              "5d 3e f7 98 00 04 9d 71 34 2d"
              "49 44 58 52 4f 4f 54 32 00 00 00 04 00 00 00 00 00 00 00 00 00 00 00 3f 02 00 00 40"
              "00 00 00 00 21 de f9 c5 6a");
    check_int(walk(&f), 1);
    hex_check(find_fact(&f, "hfile.LASTKEY"), "000272310166710000015d3ef7980004");
    hex_check(find_fact(&f, "hfile.AVG_KEY_LEN"), "00000010");
    hex_check(find_fact(&f, "hfile.AVG_VALUE_LEN"), "00000002");
    hex_check(find_fact(&f, "BULKLOAD_TIMESTAMP"), "00000174876e8000");
    hex_check(find_fact(&f, "DELETE_FAMILY_COUNT"), "0000000000000000");
    hex_check(find_fact(&f, "EARLIEST_PUT_TS"), "0000015d3ef79800");
    check(!find_fact(&f, "KEY_VALUE_VERSION").data); /* cells would have mvcc numbers */
    check(!find_fact(&f, "hfile.MAX_TAGS_LEN").data);
    close_file(&f);
}

test(what_readers_may_skip_a_file_for_is_right)
{
    static const struct {
        const char *cells;
        uint64_t from, to, earliest_put, nfamily_markers;
    } cases[] = {
        {"a/f:q@5 b/f:q@9 c/f:q@7", 5, 9, 5, 0}, {"a/f:q@8D b/f:q@9", 8, 9, 9, 0},
        {"a/f:q@8C b/f:q@9", 0, 9, 9, 0}, /* it hides what is older */
        {"a/f:@8F b/f:q@9", 0, 9, 9, 1},         {"a/f:@8V b/f:@8F", 0, 8, INT64_MAX, 2},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        ProtobufCMessage *message = NULL;

        open_file(&f);
        add_text(&f, cases[i].cells);
        finish_file(&f);
        check_status(hbase_message_read_stored(find_fact(&f, "TIMERANGE"),
                                               &hb__time_range__descriptor, f.arena, &message),
                     STATUS_OK);
        const Hb__TimeRange *range = (const Hb__TimeRange *)message;
        check_int(range->from, cases[i].from);
        check_int(range->to, cases[i].to);
        check(hbase_get_u64(find_fact(&f, "EARLIEST_PUT_TS").data) == cases[i].earliest_put);
        check(hbase_get_u64(find_fact(&f, "DELETE_FAMILY_COUNT").data) == cases[i].nfamily_markers);
        close_file(&f);
    }
}

test(a_file_of_many_blocks_is_found_by_its_index)
{
    static char value[100 * 1024];
    struct fixture f;
    char row[16];

    open_file(&f);
    for (int i = 0; i < 20000; i++) {
        size_t len = (size_t)snprintf(row, sizeof(row), "row%08d", i);
        struct hbase_cell cell = {
            .row = {row, len},
            .family = {"f", 1},
            .qualifier = {"qualifier", (size_t)(i % 10)},
            .value = {value, i % 5000 == 0 ? sizeof(value) : (size_t)(i % 100)},
            .timestamp_ms = i,
            .type = HBASE_PUT,
        };
        check_status(hbase_hfile_add(f.hfile, &cell), STATUS_OK);
    }
    finish_file(&f);
    check_int(walk(&f), 20000);
    check(f.trailer->data_index_count > 10);
    check_int(f.trailer->first_data_block_offset, 0);
    close_file(&f);
}

test(a_file_without_cells_is_whole)
{
    struct fixture f;

    open_file(&f);
    finish_file(&f);
    check_int(walk(&f), 0);
    check(!find_fact(&f, "hfile.LASTKEY").data);
    check(find_fact(&f, "hfile.AVG_KEY_LEN").data);
    close_file(&f);
}

test(a_cell_that_is_there_twice_is_written_once_and_one_out_of_order_refused)
{
    struct fixture f;
    struct hbase_cell cells[CELL_TEXT_MAX_CELLS];

    open_file(&f);
    add_text(&f, "a/f:q@5 a/f:q@5 a/f:q@4 b/f:@1");
    finish_file(&f);
    check_int(walk(&f), 3);
    close_file(&f);

    open_file(&f);
    add_text(&f, "b/f:q@5");
    (void)cell_text_read("b/f:q@6 c/f:q@1", cells);
    check_status(hbase_hfile_add(f.hfile, &cells[0]), STATUS_DATA_LOSS);
    check_status(hbase_hfile_add(f.hfile, &cells[1]), STATUS_DATA_LOSS); /* it stays so */
    check_status(hbase_hfile_finish(f.hfile), STATUS_DATA_LOSS);
    close_file(&f);
}

test(a_file_is_full_when_its_index_is)
{
    static char row[HBASE_MAX_ROW_BYTES], value[HBASE_HFILE_BLOCK_BYTES];
    struct hbase_cell cell = {{row, sizeof(row)},     {"f", 1}, {"", 0},
                              {value, sizeof(value)}, 1,        HBASE_PUT};
    struct fixture f;

    open_file(&f);
    size_t max = HBASE_HFILE_MAX_INDEX_BYTES / sizeof(row);
    for (size_t i = 0; i < max; i++) {
        check(!hbase_hfile_is_full(f.hfile));
        (void)hbase_put_u32(row, (uint32_t)i);
        check_status(hbase_hfile_add(f.hfile, &cell), STATUS_OK);
    }
    check(hbase_hfile_is_full(f.hfile));
    close_file(&f);
}

test(a_disk_that_is_full_is_told)
{
    int fd = open("/dev/full", O_WRONLY);
    struct hbase_hfile *hfile = hbase_hfile_create(fd, "file:///dev/full", now_ms);
    struct status st = hbase_hfile_finish(hfile);

    check_status(st, STATUS_RESOURCE_EXHAUSTED);
    check_str(st.text, "file:///dev/full cannot be written: No space left on device");
    check_status(hbase_hfile_finish(hfile), STATUS_RESOURCE_EXHAUSTED);
    hbase_hfile_destroy(hfile);
    (void)close(fd);
}
