/*
 * connectors/csv/csv_plan.c - one pass over each file.
 *
 * Nearly all of a file only has its line feeds outside of quotes counted. In the block in which a split has become long
 * enough, their places are asked for as well, and the split is cut behind the first of them that is far enough.
 */
#include "connectors/csv/csv_plan.h"

#include <inttypes.h>
#include <unistd.h>

#include "base/mem.h"
#include "connectors/csv/csv_layout.h"
#include "connectors/csv/csv_records.h"
#include "connectors/csv/csv_scan.h"
#include "connectors/plan.h"

enum {
    BLOCK_BYTES = 128 * 1024, /* stays in the processor's second cache */
    CHUNK_BYTES = 16 * 1024,  /* whose places are asked for at once */
};

struct pass {
    const struct stop *stop;
    const struct plan_file *file;
    uint32_t file_number;
    int fd;
    uint64_t split_bytes;
    struct plan *plan;
    char *block;
    uint32_t *places;

    struct csv_state state;
    uint64_t record;      /* where the record at hand begins */
    int64_t row;          /* its number */
    uint64_t split_first; /* where the split at hand begins; its size counts from size_from */
    uint64_t size_from;
    int64_t split_row;
};

static struct status refuse(const struct pass *pass, const char *what)
{
    return status_error(STATUS_INVALID_ARGUMENT,
                        "file '%s', row %" PRId64 " (from byte %" PRIu64 " on): %s",
                        pass->file->path, pass->row, pass->record, what);
}

/* Ends the split at hand where the record at hand begins. */
static void cut(struct pass *pass)
{
    if (pass->record == pass->split_first)
        return;
    struct split split = {
        .file = pass->file_number,
        .first = pass->split_first,
        .end = pass->record,
        .first_row = pass->split_row,
        .size_bytes = pass->record - pass->size_from,
    };
    plan_add_split(pass->plan, &split);
    pass->split_first = pass->record;
    pass->size_from = pass->record;
    pass->split_row = pass->row;
}

/* Goes from one end of a record to the next. chunk is what the file has at from. */
static struct status walk_chunk(struct pass *pass, uint64_t from, struct str chunk)
{
    size_t nplaces = csv_scanner_native.index(chunk, '\n', &pass->state, pass->places);

    for (size_t i = 0; i < nplaces; i++) {
        uint64_t at = from + pass->places[i];
        if (at - pass->record > CSV_MAX_RECORD_BYTES)
            return refuse(pass, "longer than 16 MiB");
        pass->record = at + 1;
        pass->row++;
        if (pass->record - pass->split_first >= pass->split_bytes)
            cut(pass);
    }
    return status_ok();
}

static void count_block(struct pass *pass, uint64_t from, struct str block)
{
    struct csv_ends ends = csv_scanner_native.count(block, &pass->state);

    if (ends.count > 0)
        pass->record = from + ends.last + 1;
    pass->row += (int64_t)ends.count;
}

/* block is what the file has at from. */
static struct status walk_block(struct pass *pass, uint64_t from, struct str block)
{
    uint64_t end = from + block.len;
    bool is_close =
        end - pass->split_first >= pass->split_bytes || end - pass->record > CSV_MAX_RECORD_BYTES;

    if (!is_close)
        count_block(pass, from, block);
    for (size_t i = 0; is_close && i < block.len; i += CHUNK_BYTES) {
        size_t len = block.len - i < CHUNK_BYTES ? block.len - i : CHUNK_BYTES;
        struct status st = walk_chunk(pass, from + i, str_from_bytes(block.data + i, len));
        if (st.code != STATUS_OK)
            return st;
    }
    if (end - pass->record > CSV_MAX_RECORD_BYTES)
        return refuse(pass, pass->state.is_quoted
                                ? "longer than 16 MiB; is a quote opened, but never closed?"
                                : "longer than 16 MiB");
    return status_ok();
}

static struct status walk_file(struct pass *pass, uint64_t first)
{
    uint64_t size_bytes = pass->file->size_bytes;

    for (uint64_t at = first; at < size_bytes;) {
        size_t wanted = size_bytes - at < BLOCK_BYTES ? (size_t)(size_bytes - at) : BLOCK_BYTES;
        size_t got = wanted;
        if (stop_is_requested(pass->stop))
            return status_error(STATUS_CANCELLED, "stopped");
        struct status st = csv_read_at(pass->fd, pass->file->path, at, pass->block, &got);
        if (st.code == STATUS_OK && got < wanted)
            st = plan_refuse_changed(pass->file->path);
        if (st.code == STATUS_OK)
            st = walk_block(pass, at, str_from_bytes(pass->block, got));
        if (st.code != STATUS_OK)
            return st;
        at += wanted;
    }
    if (pass->state.is_quoted)
        return refuse(pass, "a quote is opened, but never closed");
    if (pass->record < size_bytes) {
        pass->record = size_bytes; /* the last record has no line end */
        pass->row++;
    }
    cut(pass);
    return plan_check_file(pass->file, pass->fd);
}

/* Makes the splits of pass->file, which is open. */
static struct status plan_file(const struct import_spec *spec, struct pass *pass)
{
    struct csv_layout layout;
    struct status st =
        csv_layout_read(spec, pass->fd, pass->file->path, pass->file->size_bytes, &layout);

    if (st.code != STATUS_OK)
        return st;
    pass->state = (struct csv_state){0};
    pass->record = layout.first;
    pass->row = layout.first_row;
    pass->split_first = layout.first;
    pass->size_from = 0;
    pass->split_row = layout.first_row;
    csv_layout_deinit(&layout);
    return walk_file(pass, pass->record);
}

struct status csv_plan_make(const struct import_spec *spec, const struct file_root *root,
                            const struct stop *stop, uint64_t split_bytes, struct plan *plan)
{
    struct pass pass = {
        .stop = stop,
        .split_bytes = split_bytes,
        .plan = plan,
        .block = mem_alloc_array(BLOCK_BYTES, 1),
        .places = mem_alloc_array(CHUNK_BYTES, sizeof(*pass.places)),
    };
    struct status st = status_ok();

    for (size_t i = 0; i < plan->nfiles && st.code == STATUS_OK; i++) {
        pass.file = &plan->files[i];
        pass.file_number = (uint32_t)i;
        st = plan_open_file(root, pass.file, &pass.fd);
        if (st.code != STATUS_OK)
            break;
        st = plan_file(spec, &pass);
        (void)close(pass.fd);
    }
    mem_free(pass.block);
    mem_free(pass.places);
    return st;
}
