/*
 * hbase/hfile.c - as HBase 2.x writes and reads it (hbase-server: HFileWriterImpl, HFileBlock, HFileInfo, FixedFileTrailer,
 * StoreFileWriter).
 *
 * Cells carry no mvcc numbers: without KEY_VALUE_VERSION among the facts a reader takes them for 0, and the server gives the file's
 * sequence number to all of them when it is loaded.
 */
#include "hbase/hfile.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/mem.h"
#include "hbase/bytes.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/message.h"

enum {
    HEADER_BYTES = 33,
    MAGIC_BYTES = 8,
    CHECKSUM_CRC32C = 2,
    CHECKSUM_CHUNK_BYTES = 16 * 1024,
    TRAILER_BYTES = 4096,
    TRAILER_VERSION_BYTES = 4,
    MAJOR_VERSION = 3,
    MINOR_VERSION = 3,
    NO_COMPRESSION = 2,
    MAX_KEPT_BYTES = 1024 * 1024, /* of a block's memory, when the next one begins */
    MAX_FACTS = 10,
};

static const char data_magic[] = "DATABLK*";
static const char index_magic[] = "IDXROOT2";
static const char info_magic[] = "FILEINF2";
static const char trailer_magic[] = "TRABLK\"$";
static const char comparator_class[] = "org.apache.hadoop.hbase.KeyValue$KVComparator";
static const uint64_t no_offset = UINT64_MAX; /* -1 */

/* A cell's key, kept. */
struct kept_key {
    struct buf bytes;
    struct hbase_cell cell; /* without its value; borrows from bytes */
};

struct hbase_hfile {
    int fd;
    const char *path;
    int64_t now_ms;
    struct status status; /* the error that ended it */
    struct crc32c crc;
    uint64_t offset;  /* bytes written */
    struct buf block; /* the block that is being filled: room for its header, then what is in it */
    uint64_t uncompressed_bytes;

    struct buf index;   /* of the blocks of cells */
    size_t index_entry; /* where the last entry of it begins */
    uint32_t ndatablocks;
    uint64_t first_block; /* offsets of blocks of cells */
    uint64_t last_block;

    struct kept_key last;
    uint64_t ncells;
    uint64_t nfamily_markers;
    uint64_t key_bytes;
    uint64_t value_bytes;
    uint64_t min_ms;
    uint64_t max_ms;
    uint64_t earliest_put_ms;
};

struct hbase_hfile *hbase_hfile_create(int fd, const char *path, int64_t now_ms)
{
    struct hbase_hfile *hfile = mem_alloc(sizeof(*hfile));

    hfile->fd = fd;
    hfile->path = mem_copy_str(str_from(path));
    hfile->now_ms = now_ms;
    hfile->first_block = no_offset;
    hfile->last_block = no_offset;
    hfile->min_ms = UINT64_MAX;
    hfile->earliest_put_ms = INT64_MAX; /* as HBase has it for a file without values */
    crc32c_init(&hfile->crc);
    return hfile;
}

void hbase_hfile_destroy(struct hbase_hfile *hfile)
{
    if (!hfile)
        return;
    mem_free((char *)(uintptr_t)hfile->path);
    buf_deinit(&hfile->block);
    buf_deinit(&hfile->index);
    buf_deinit(&hfile->last.bytes);
    mem_free(hfile);
}

uint64_t hbase_hfile_get_size_bytes(const struct hbase_hfile *hfile)
{
    return hfile->offset + hfile->block.len + hfile->index.len;
}

bool hbase_hfile_is_full(const struct hbase_hfile *hfile)
{
    return hfile->index.len >= HBASE_HFILE_MAX_INDEX_BYTES;
}

/* ---- Bytes */

static void append_u32(struct buf *out, uint32_t number)
{
    char bytes[sizeof(number)];

    (void)hbase_put_u32(bytes, number);
    buf_append(out, bytes, sizeof(bytes));
}

static void append_u64(struct buf *out, uint64_t number)
{
    char bytes[sizeof(number)];

    (void)hbase_put_u64(bytes, number);
    buf_append(out, bytes, sizeof(bytes));
}

/* A length as Hadoop writes it (WritableUtils.writeVLong): up to 127 itself, else how many bytes follow. */
static void append_hadoop_length(struct buf *out, uint32_t number)
{
    unsigned nbytes = number > 0xffffff ? 4 : number > 0xffff ? 3 : number > 0xff ? 2 : 1;

    assert(number <= INT32_MAX);
    if (number <= 127) {
        buf_append_char(out, (char)number);
        return;
    }
    buf_append_char(out, (char)(0x90 - nbytes));
    while (nbytes-- > 0)
        buf_append_char(out, (char)(number >> 8 * nbytes));
}

/* A message with its length in front, as protobuf's writeDelimitedTo has it. */
static void append_message(struct buf *out, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);

    for (; len > 127; len >>= 7)
        buf_append_char(out, (char)(len | 0x80));
    buf_append_char(out, (char)len);
    hbase_message_write(out, message);
}

static struct status write_all(struct hbase_hfile *hfile, struct str bytes)
{
    while (bytes.len > 0) {
        ssize_t n = write(hfile->fd, bytes.data, bytes.len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            hfile->status = status_from_errno(errno, "%s cannot be written", hfile->path);
            return hfile->status;
        }
        bytes = str_skip(bytes, (size_t)n);
        hfile->offset += (uint64_t)n;
    }
    return status_ok();
}

/* ---- Blocks */

static void begin_block(struct buf *block)
{
    static const char zeros[HEADER_BYTES];

    if (block->size > MAX_KEPT_BYTES)
        buf_deinit(block);
    buf_clear(block);
    buf_append(block, zeros, sizeof(zeros));
}

static size_t count_payload(const struct buf *block)
{
    return block->len > HEADER_BYTES ? block->len - HEADER_BYTES : 0;
}

/* The sums are of header and content, chunk by chunk, and are not among what they sum up. */
static void append_checksums(struct hbase_hfile *hfile, struct buf *block)
{
    size_t len = block->len;

    for (size_t at = 0; at < len; at += CHECKSUM_CHUNK_BYTES) {
        size_t n = len - at < CHECKSUM_CHUNK_BYTES ? len - at : CHECKSUM_CHUNK_BYTES;

        append_u32(block, crc32c_make(&hfile->crc, str_from_bytes(block->data + at, n)));
    }
}

/* Puts the header in its place and writes the block; previous is where the one of its kind before is. */
static struct status end_block(struct hbase_hfile *hfile, struct buf *block, const char *magic,
                               uint64_t previous)
{
    size_t payload = count_payload(block);
    size_t nchunks = (block->len + CHECKSUM_CHUNK_BYTES - 1) / CHECKSUM_CHUNK_BYTES;
    char *at = block->data;

    memcpy(at, magic, MAGIC_BYTES);
    at = hbase_put_u32(at + MAGIC_BYTES, (uint32_t)(payload + nchunks * sizeof(uint32_t)));
    at = hbase_put_u32(at, (uint32_t)payload);
    at = hbase_put_u64(at, previous);
    *at++ = CHECKSUM_CRC32C;
    at = hbase_put_u32(at, CHECKSUM_CHUNK_BYTES);
    (void)hbase_put_u32(at, (uint32_t)block->len);
    hfile->uncompressed_bytes += block->len;
    append_checksums(hfile, block);
    return write_all(hfile, buf_get(block));
}

/* An entry of the index: where the block is, how large, and its first key. */
static void begin_data_block(struct hbase_hfile *hfile, const struct hbase_cell *first)
{
    struct buf key = {0};

    begin_block(&hfile->block);
    hfile->index_entry = hfile->index.len;
    append_u64(&hfile->index, hfile->offset);
    append_u32(&hfile->index, 0); /* its size, when it is known */
    struct str bytes = hbase_cell_write_key(&key, first);
    append_hadoop_length(&hfile->index, (uint32_t)bytes.len);
    buf_append_str(&hfile->index, bytes);
    buf_deinit(&key);
}

static struct status end_data_block(struct hbase_hfile *hfile)
{
    uint64_t offset = hfile->offset;

    if (count_payload(&hfile->block) == 0)
        return status_ok();
    struct status st = end_block(hfile, &hfile->block, data_magic, hfile->last_block);
    (void)hbase_put_u32(hfile->index.data + hfile->index_entry + sizeof(uint64_t),
                        (uint32_t)hfile->block.len);
    if (hfile->ndatablocks == 0)
        hfile->first_block = offset;
    hfile->last_block = offset;
    hfile->ndatablocks++;
    buf_clear(&hfile->block);
    return st;
}

/* ---- Cells */

static void keep(struct kept_key *kept, const struct hbase_cell *cell)
{
    buf_clear(&kept->bytes);
    buf_append_str(&kept->bytes, cell->row);
    buf_append_str(&kept->bytes, cell->family);
    buf_append_str(&kept->bytes, cell->qualifier);
    const char *at = buf_get_text(&kept->bytes);
    kept->cell = *cell;
    kept->cell.value = (struct str){0};
    kept->cell.row.data = at;
    kept->cell.family.data = at + cell->row.len;
    kept->cell.qualifier.data = at + cell->row.len + cell->family.len;
}

static void note_time(struct hbase_hfile *hfile, uint64_t time_ms)
{
    if (time_ms < hfile->min_ms)
        hfile->min_ms = time_ms;
    if (time_ms > hfile->max_ms)
        hfile->max_ms = time_ms;
}

static void note_cell(struct hbase_hfile *hfile, const struct hbase_cell *cell, size_t nbytes)
{
    uint64_t time_ms = (uint64_t)cell->timestamp_ms;
    bool is_family = cell->type == HBASE_DELETE_FAMILY || cell->type == HBASE_DELETE_FAMILY_VERSION;

    hfile->ncells++;
    hfile->key_bytes += nbytes - 2 * sizeof(uint32_t) - cell->value.len;
    hfile->value_bytes += cell->value.len;
    hfile->nfamily_markers += is_family;
    note_time(hfile, time_ms);
    /* They speak of all that is older, too (TimeRangeTracker.includeTimestamp). */
    if (cell->type == HBASE_DELETE_FAMILY || cell->type == HBASE_DELETE_COLUMN)
        note_time(hfile, 0);
    if (cell->type == HBASE_PUT && time_ms < hfile->earliest_put_ms)
        hfile->earliest_put_ms = time_ms;
}

struct status hbase_hfile_add(struct hbase_hfile *hfile, const struct hbase_cell *cell)
{
    int order = hfile->ncells > 0 ? hbase_cell_compare(&hfile->last.cell, cell) : -1;

    if (hfile->status.code != STATUS_OK || order == 0)
        return hfile->status;
    if (order > 0) {
        hfile->status =
            status_error(STATUS_DATA_LOSS, "the cells for %s are not in order", hfile->path);
        return hfile->status;
    }
    if (count_payload(&hfile->block) >= HBASE_HFILE_BLOCK_BYTES &&
        end_data_block(hfile).code != STATUS_OK)
        return hfile->status;
    if (count_payload(&hfile->block) == 0)
        begin_data_block(hfile, cell);
    size_t before = hfile->block.len;
    hbase_cell_write_body(&hfile->block, cell);
    note_cell(hfile, cell, hfile->block.len - before);
    keep(&hfile->last, cell);
    return status_ok();
}

/* ---- What stands behind the cells */

/* The facts of a file, with the memory of their values. */
struct facts {
    Hb__BytesBytesPair pairs[MAX_FACTS];
    Hb__BytesBytesPair *list[MAX_FACTS];
    size_t count;
    struct buf values[MAX_FACTS];
};

/* A fact, whose value is to be appended to the buffer that is returned. They are added in the order of their names. */
static struct buf *add_fact(struct facts *facts, const char *name)
{
    size_t i = facts->count++;

    assert(i < MAX_FACTS);
    facts->pairs[i] = (Hb__BytesBytesPair)HB__BYTES_BYTES_PAIR__INIT;
    facts->pairs[i].first = hbase_bytes_make(str_from(name));
    facts->list[i] = &facts->pairs[i];
    return &facts->values[i];
}

static void add_number(struct facts *facts, const char *name, uint64_t number)
{
    append_u64(add_fact(facts, name), number);
}

static void add_average(struct facts *facts, const char *name, uint64_t sum, uint64_t count)
{
    append_u32(add_fact(facts, name), count > 0 ? (uint32_t)(sum / count) : 0);
}

static void add_time_range(struct facts *facts, uint64_t from_ms, uint64_t to_ms)
{
    Hb__TimeRange range = HB__TIME_RANGE__INIT;
    struct buf *value = add_fact(facts, "TIMERANGE");

    range.has_from = true;
    range.from = from_ms;
    range.has_to = true;
    range.to = to_ms;
    buf_append_text(value, "PBUF");
    hbase_message_write(value, &range.base);
}

static void collect_facts(const struct hbase_hfile *hfile, struct facts *facts)
{
    add_number(facts, "BULKLOAD_TIMESTAMP", (uint64_t)hfile->now_ms);
    add_number(facts, "DELETE_FAMILY_COUNT", hfile->nfamily_markers);
    add_number(facts, "EARLIEST_PUT_TS", hfile->earliest_put_ms);
    if (hfile->ncells > 0)
        add_time_range(facts, hfile->min_ms, hfile->max_ms);
    add_average(facts, "hfile.AVG_KEY_LEN", hfile->key_bytes, hfile->ncells);
    add_average(facts, "hfile.AVG_VALUE_LEN", hfile->value_bytes, hfile->ncells);
    add_number(facts, "hfile.CREATE_TIME_TS", (uint64_t)hfile->now_ms);
    if (hfile->ncells > 0)
        (void)hbase_cell_write_key(add_fact(facts, "hfile.LASTKEY"), &hfile->last.cell);
}

static struct status write_facts(struct hbase_hfile *hfile)
{
    Hb__FileInfo info = HB__FILE_INFO__INIT;
    struct facts facts = {.count = 0};

    collect_facts(hfile, &facts);
    for (size_t i = 0; i < facts.count; i++)
        facts.pairs[i].second = hbase_bytes_make(buf_get(&facts.values[i]));
    info.map_entry = facts.list;
    info.n_map_entry = facts.count;
    begin_block(&hfile->block);
    buf_append_text(&hfile->block, "PBUF");
    append_message(&hfile->block, &info.base);
    for (size_t i = 0; i < facts.count; i++)
        buf_deinit(&facts.values[i]);
    return end_block(hfile, &hfile->block, info_magic, no_offset);
}

/* The index of the blocks of cells, and the empty one of other blocks, of which there are none. */
static struct status write_indexes(struct hbase_hfile *hfile)
{
    uint64_t offset = hfile->offset;

    begin_block(&hfile->block);
    buf_append_str(&hfile->block, buf_get(&hfile->index));
    struct status st = end_block(hfile, &hfile->block, index_magic, no_offset);
    if (st.code != STATUS_OK)
        return st;
    begin_block(&hfile->block);
    return end_block(hfile, &hfile->block, index_magic, offset);
}

static struct status write_trailer(struct hbase_hfile *hfile, uint64_t indexes, uint64_t facts)
{
    Hb__FileTrailer trailer = HB__FILE_TRAILER__INIT;

    trailer.has_file_info_offset = true;
    trailer.file_info_offset = facts;
    trailer.has_load_on_open_data_offset = true;
    trailer.load_on_open_data_offset = indexes;
    trailer.has_uncompressed_data_index_size = true;
    trailer.uncompressed_data_index_size = HEADER_BYTES + hfile->index.len;
    trailer.has_total_uncompressed_bytes = true;
    trailer.total_uncompressed_bytes = hfile->uncompressed_bytes + TRAILER_BYTES;
    trailer.has_data_index_count = true;
    trailer.data_index_count = hfile->ndatablocks;
    trailer.has_meta_index_count = true;
    trailer.has_entry_count = true;
    trailer.entry_count = hfile->ncells;
    trailer.has_num_data_index_levels = true;
    trailer.num_data_index_levels = 1;
    trailer.has_first_data_block_offset = true;
    trailer.first_data_block_offset = hfile->first_block;
    trailer.has_last_data_block_offset = true;
    trailer.last_data_block_offset = hfile->ndatablocks > 0 ? hfile->last_block : 0;
    trailer.comparator_class_name = (char *)(uintptr_t)comparator_class;
    trailer.has_compression_codec = true;
    trailer.compression_codec = NO_COMPRESSION;

    buf_clear(&hfile->block);
    buf_append_text(&hfile->block, trailer_magic);
    append_message(&hfile->block, &trailer.base);
    while (hfile->block.len < TRAILER_BYTES - TRAILER_VERSION_BYTES)
        buf_append_char(&hfile->block, '\0');
    append_u32(&hfile->block, MINOR_VERSION << 24 | MAJOR_VERSION);
    return write_all(hfile, buf_get(&hfile->block));
}

struct status hbase_hfile_finish(struct hbase_hfile *hfile)
{
    if (hfile->status.code != STATUS_OK)
        return hfile->status;
    struct status st = end_data_block(hfile);
    uint64_t indexes = hfile->offset;
    if (st.code == STATUS_OK)
        st = write_indexes(hfile);
    uint64_t facts = hfile->offset;
    if (st.code == STATUS_OK)
        st = write_facts(hfile);
    return st.code == STATUS_OK ? write_trailer(hfile, indexes, facts) : st;
}
