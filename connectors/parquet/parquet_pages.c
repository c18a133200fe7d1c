#include "connectors/parquet/parquet_pages.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "connectors/parquet/parquet_file.h"
#include "connectors/parquet/parquet_limits.h"
#include "connectors/parquet/value.h"
#include "spec/import_spec.h"

enum {
    PAGES_MIB = 144,       /* for the pages of all readers */
    READER_MIB = 8,        /* what a reader needs besides */
    MAX_HEADER_BYTES = 24, /* of a page's header, up to its two sizes */
    FIELD_INT32 = 0x15,    /* the next field, a 32-bit number */
};

/* A part of a page's header. */
struct header {
    const uint8_t *at;
    const uint8_t *end;
};

/* Reads the next field of a header, a number as Thrift's compact protocol has it: zigzag, in groups of 7 bits. */
static bool read_field(struct header *header, uint64_t *ret)
{
    uint64_t zigzag = 0;

    if (header->at == header->end || *header->at++ != FIELD_INT32)
        return false;
    for (unsigned shift = 0; header->at < header->end && shift < 35; shift += 7) {
        uint8_t byte = *header->at++;

        zigzag |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = zigzag >> 1;
            return zigzag % 2 == 0; /* not negative */
        }
    }
    return false;
}

/*
 * The sizes of the page at offset, unpacked and packed, by PageHeader of parquet.thrift: its type, then the two. False: it
 * is not a header.
 */
static bool read_page_sizes(int fd, int64_t offset, uint64_t ret_sizes[2])
{
    uint8_t bytes[MAX_HEADER_BYTES];
    uint64_t type;
    ssize_t n = offset < 0 ? -1 : pread(fd, bytes, sizeof(bytes), offset);
    struct header header = {.at = bytes, .end = bytes + (n < 0 ? 0 : n)};

    return read_field(&header, &type) && read_field(&header, &ret_sizes[0]) &&
           read_field(&header, &ret_sizes[1]);
}

/* DuckDB takes memory in powers of two. */
static uint64_t round_up(uint64_t size_bytes)
{
    uint64_t rounded = 4096;

    while (rounded < size_bytes && rounded < (uint64_t)1 << 40)
        rounded *= 2;
    return rounded;
}

/* What a column chunk needs; without a header that can be read, as if it were one page. */
static uint64_t measure(int fd, int64_t offset, int64_t chunk_bytes)
{
    uint64_t sizes[2];
    uint64_t limit = chunk_bytes < 0 ? UINT64_MAX : (uint64_t)chunk_bytes;

    if (!read_page_sizes(fd, offset, sizes))
        return 2 * round_up(limit);
    return round_up(sizes[0] < limit ? sizes[0] : limit) +
           round_up(sizes[1] < limit ? sizes[1] : limit);
}

static bool is_needed(const struct import_spec *spec, struct str name)
{
    for (size_t i = 0; i < spec->ncolumns; i++) {
        if (str_is(name, spec->columns[i].source))
            return true;
    }
    return false;
}

static uint64_t measure_chunk(const struct parquet_query *query, const struct import_spec *spec,
                              duckdb_data_chunk chunk)
{
    const struct value_source names = {.values = parquet_query_get_values(query, chunk, 0)};
    const int64_t *offsets = parquet_query_get_values(query, chunk, 1);
    const int64_t *sizes = parquet_query_get_values(query, chunk, 2);
    const struct value_type *text = value_type_find(DUCKDB_TYPE_VARCHAR);
    size_t nrows = query->file->duck->data_chunk_get_size(chunk);
    uint64_t sum = 0;
    union value name;

    for (size_t i = 0; i < nrows; i++) {
        if (text->read(&names, i, &name) && is_needed(spec, name.text))
            sum += measure(query->file->fd, offsets[i], sizes[i]);
    }
    return sum;
}

static const char pages[] = "SELECT coalesce(path_in_schema, ''),"
                            "       coalesce(data_page_offset, -1)::BIGINT,"
                            "       coalesce(total_uncompressed_size, -1)::BIGINT"
                            "  FROM parquet_metadata(?)"
                            " WHERE row_group_id BETWEEN ? AND ?";

struct status parquet_pages_choose_threads(struct parquet_file *file,
                                           const struct import_spec *spec, uint64_t row_group,
                                           unsigned *ret)
{
    const struct row_range range = {row_group, row_group};
    const uint64_t mib = 1024 * 1024;
    uint64_t sum = READER_MIB * mib;
    struct parquet_query query;
    duckdb_data_chunk chunk;
    struct status st = parquet_query_start(&query, file, pages, &range);

    while (st.code == STATUS_OK) {
        st = parquet_query_next(&query, &chunk);
        if (st.code != STATUS_OK || !chunk)
            break;
        sum += measure_chunk(&query, spec, chunk);
    }
    parquet_query_stop(&query);
    if (st.code != STATUS_OK)
        return st;

    uint64_t nthreads = PAGES_MIB * mib / sum;
    *ret = nthreads < 1                     ? 1
           : nthreads > PARQUET_MAX_THREADS ? PARQUET_MAX_THREADS
                                            : (unsigned)nthreads;
    return st;
}
