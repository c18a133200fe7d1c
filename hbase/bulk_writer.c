#include "hbase/bulk_writer.h"

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "hbase/bulk_load.h"
#include "hbase/hfile.h"
#include "hbase/region.h"
#include "hbase/staging.h"

enum {
    MAX_REGION_BYTES = 1024 * 1024,
    US_PER_MS = 1000,
};

/* The file of one family. */
struct family_file {
    struct buf family;
    struct buf url;
    struct hbase_staged_file staged;
    struct hbase_hfile *hfile;
};

struct hbase_bulk_writer {
    struct hbase_table *table;
    struct hbase_staging *staging;
    struct status status;       /* the error that ended the writer */
    struct arena *arena;        /* of the region */
    struct hbase_region region; /* of the files */
    struct family_file *files;  /* files[0 .. nfiles), in memory for HBASE_BULK_MAX_FAMILIES */
    size_t nfiles;
    struct family_file *current; /* the one that was written to last; NULL: none */
    struct buf first_row;        /* of the files */
    struct buf last_row;
};

struct hbase_bulk_writer *hbase_bulk_writer_create(struct hbase_table *table,
                                                   struct hbase_staging *staging)
{
    struct hbase_bulk_writer *writer = mem_alloc(sizeof(*writer));

    writer->table = table;
    writer->staging = staging;
    writer->files = mem_alloc_array(HBASE_BULK_MAX_FAMILIES, sizeof(*writer->files));
    return writer;
}

/* Forgets the region and its files; those that were not loaded are gone. */
static void end_region(struct hbase_bulk_writer *writer)
{
    for (size_t i = 0; i < writer->nfiles; i++) {
        struct family_file *file = &writer->files[i];

        hbase_hfile_destroy(file->hfile);
        hbase_staging_remove_file(writer->staging, &file->staged);
        buf_deinit(&file->url);
        buf_deinit(&file->family);
    }
    writer->nfiles = 0;
    writer->current = NULL;
    arena_destroy(writer->arena);
    writer->arena = NULL;
}

void hbase_bulk_writer_destroy(struct hbase_bulk_writer *writer)
{
    if (!writer)
        return;
    end_region(writer);
    buf_deinit(&writer->last_row);
    buf_deinit(&writer->first_row);
    mem_free(writer->files);
    mem_free(writer);
}

static struct status begin_region(struct hbase_bulk_writer *writer, struct str row)
{
    struct hbase_cluster *cluster = hbase_table_get_cluster(writer->table);
    struct hbase_retry retry = hbase_cluster_begin_retry(cluster);
    struct hbase_fault fault;

    writer->arena = arena_create(MAX_REGION_BYTES);
    for (;;) {
        struct status st = hbase_table_locate(writer->table, row, writer->arena, &writer->region);

        if (st.code != STATUS_UNAVAILABLE)
            return st;
        hbase_fault_from_status(st, &fault);
        if (!hbase_cluster_pause(cluster, &retry, &fault))
            return hbase_cluster_explain(cluster, &fault);
    }
}

static struct status begin_file(struct hbase_bulk_writer *writer, struct str family)
{
    struct family_file *file = &writer->files[writer->nfiles];

    if (writer->nfiles == HBASE_BULK_MAX_FAMILIES)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "table '%s' has more than %d column families; files are written of at "
                            "most as many: create the task without bulkload",
                            hbase_table_get_text(writer->table), HBASE_BULK_MAX_FAMILIES);
    *file = (struct family_file){.hfile = NULL};
    struct status st = hbase_staging_create_file(writer->staging, &file->staged);
    if (st.code != STATUS_OK)
        return st;
    writer->nfiles++;
    buf_append_str(&file->family, family);
    hbase_staging_write_url(writer->staging, &file->staged, &file->url);
    file->hfile = hbase_hfile_create(file->staged.fd, buf_get_text(&file->url),
                                     clock_get_time_us() / US_PER_MS);
    writer->current = file;
    return st;
}

static struct status choose_file(struct hbase_bulk_writer *writer, struct str family)
{
    if (writer->current && str_is_equal(buf_get(&writer->current->family), family))
        return status_ok();
    for (size_t i = 0; i < writer->nfiles; i++) {
        if (str_is_equal(buf_get(&writer->files[i].family), family)) {
            writer->current = &writer->files[i];
            return status_ok();
        }
    }
    return begin_file(writer, family);
}

static struct status put_cell(struct hbase_bulk_writer *writer, const struct hbase_cell *cell)
{
    struct status st = status_ok();

    if (writer->arena && !hbase_region_ends_behind(&writer->region, cell->row))
        st = hbase_bulk_writer_flush(writer);
    if (st.code == STATUS_OK && !writer->arena) {
        st = begin_region(writer, cell->row);
        buf_clear(&writer->first_row);
        buf_append_str(&writer->first_row, cell->row);
    }
    if (st.code == STATUS_OK)
        st = choose_file(writer, cell->family);
    buf_clear(&writer->last_row);
    buf_append_str(&writer->last_row, cell->row);
    return st.code == STATUS_OK ? hbase_hfile_add(writer->current->hfile, cell) : st;
}

struct status hbase_bulk_writer_put(struct hbase_bulk_writer *writer,
                                    const struct hbase_cell *cells, size_t ncells)
{
    for (size_t i = 0; i < ncells && writer->status.code == STATUS_OK; i++)
        writer->status = put_cell(writer, &cells[i]);
    return writer->status;
}

bool hbase_bulk_writer_is_full(const struct hbase_bulk_writer *writer)
{
    uint64_t nbytes = 0;

    for (size_t i = 0; i < writer->nfiles; i++) {
        nbytes += hbase_hfile_get_size_bytes(writer->files[i].hfile);
        if (hbase_hfile_is_full(writer->files[i].hfile))
            return true;
    }
    return nbytes >= HBASE_BULK_MAX_BYTES;
}

static struct status load(struct hbase_bulk_writer *writer)
{
    struct arena *arena = arena_create(0);
    struct hbase_bulk_file *files = arena_alloc(arena, writer->nfiles * sizeof(*files));
    const struct hbase_bulk bulk = {
        .files = files,
        .nfiles = writer->nfiles,
        .first_row = buf_get(&writer->first_row),
        .last_row = buf_get(&writer->last_row),
    };
    struct status st = status_ok();

    for (size_t i = 0; i < writer->nfiles && st.code == STATUS_OK; i++) {
        files[i] = (struct hbase_bulk_file){buf_get(&writer->files[i].family),
                                            buf_get_text(&writer->files[i].url)};
        st = hbase_hfile_finish(writer->files[i].hfile);
        if (st.code == STATUS_OK)
            st = hbase_staging_close_file(writer->staging, &writer->files[i].staged);
    }
    if (st.code == STATUS_OK)
        st = hbase_bulk_load(writer->table, &bulk);
    if (st.code == STATUS_OK)
        hbase_staging_note_loaded(writer->staging, writer->nfiles);
    arena_destroy(arena);
    return st;
}

struct status hbase_bulk_writer_flush(struct hbase_bulk_writer *writer)
{
    if (writer->status.code == STATUS_OK && writer->nfiles > 0)
        writer->status = load(writer);
    end_region(writer);
    return writer->status;
}

struct status hbase_bulk_writer_check(struct hbase_table *table, struct hbase_staging *staging,
                                      struct str family)
{
    struct hbase_bulk_writer *writer = hbase_bulk_writer_create(table, staging);
    struct status st = begin_file(writer, family);

    if (st.code == STATUS_OK)
        st = hbase_hfile_finish(writer->current->hfile);
    if (st.code == STATUS_OK)
        st = hbase_staging_close_file(staging, &writer->current->staged);
    if (st.code == STATUS_OK)
        st = hbase_bulk_check(
            table, &(struct hbase_bulk_file){family, buf_get_text(&writer->current->url)});
    hbase_bulk_writer_destroy(writer);
    return st;
}
