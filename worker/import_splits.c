/*
 * A thread takes the next split that nobody has, reads it batch by batch, writes it, stores the bad rows with the
 * gateway and only then commits. So a bad row that is counted is also kept: after a crash between the two the
 * split is read again, and storing the same bad row twice changes nothing.
 *
 * Where the destination does not keep units, each commit is followed by a checkpoint. One thread at a time saves it, for all
 * whose commits were before; a crash before it is saved has the split written again.
 */
#include "worker/import_splits.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "worker/job_context.h"

enum {
    MAX_THREADS = 8,
    MAX_TRIES = 10, /* of a split that conflicts with others */
    BAD_ROWS_A_CALL = 256,
    RAW_MAX_BYTES = 1024,
    REASON_MAX_BYTES = 512,
};

/* What the threads of one job share. */
struct splits {
    struct import *import;
    const struct plan *plan;
    const struct target_column *columns;
    struct str fingerprint;
    struct stop
        stop; /* one thread failed, or the job is to stop: the readers' and writers' stop is the job's */

    pthread_mutex_t mutex; /* guards what follows */
    size_t next;
    struct job_progress progress;
    struct status status;     /* the first failure */
    struct import_done *done; /* committed */
    unsigned ncommits;        /* in this run */
    unsigned nsaved;          /* of them, those that the last checkpoint has */
    bool is_saving;           /* a thread saves a checkpoint */
    pthread_cond_t saved;     /* it has ended */
};

/* One thread's work on one split. */
struct split_run {
    struct splits *splits;
    struct bad_row_sink read_sink;    /* of what the reader leaves out */
    struct bad_row_sink written_sink; /* of what the writer does */
    const struct split *split;
    struct job_progress
        progress; /* what this split added to the job's, until it is committed or undone */
    Pb__BadRow *bad_rows[BAD_ROWS_A_CALL];
    size_t nbad_rows;
};

/* Adds what a split came to since the last time; undoing is adding the negative. */
static void add_progress(struct split_run *run, const struct job_progress *more)
{
    struct splits *splits = run->splits;

    run->progress.rows_read += more->rows_read;
    run->progress.rows_written += more->rows_written;
    run->progress.bad_rows += more->bad_rows;
    run->progress.bytes_read += more->bytes_read;
    (void)pthread_mutex_lock(&splits->mutex);
    splits->progress.rows_read += more->rows_read;
    splits->progress.rows_written += more->rows_written;
    splits->progress.bad_rows += more->bad_rows;
    splits->progress.bytes_read += more->bytes_read;
    /* Within the mutex, so that the last that is told is the sum of all. */
    job_context_set_progress(splits->import->context, &splits->progress);
    (void)pthread_mutex_unlock(&splits->mutex);
}

static void undo_progress(struct split_run *run)
{
    struct job_progress back = {
        .rows_read = -run->progress.rows_read,
        .rows_written = -run->progress.rows_written,
        .bad_rows = -run->progress.bad_rows,
        .bytes_read = -run->progress.bytes_read,
    };

    add_progress(run, &back);
}

static void free_bad_rows(struct split_run *run)
{
    for (size_t i = 0; i < run->nbad_rows; i++)
        pb__bad_row__free_unpacked(run->bad_rows[i], NULL);
    run->nbad_rows = 0;
}

static struct status store_bad_rows(struct split_run *run)
{
    struct status st = status_ok();

    if (run->nbad_rows > 0)
        st =
            job_context_store_bad_rows(run->splits->import->context, run->bad_rows, run->nbad_rows);
    free_bad_rows(run);
    return st;
}

static char *copy_cut(struct str text, size_t max_bytes)
{
    text.len = utf8_fit(text, max_bytes);
    return mem_copy_str(text);
}

static Pb__BadRow *make_bad_row(const struct bad_row *row)
{
    Pb__BadRow *message = mem_alloc(sizeof(*message));
    size_t raw_len = row->raw.len < RAW_MAX_BYTES ? row->raw.len : RAW_MAX_BYTES;

    pb__bad_row__init(message);
    message->file = mem_copy_str(str_from(row->file));
    message->row = row->row;
    message->byte_offset = (int64_t)row->byte_offset;
    message->column = mem_copy_str(str_from(row->column));
    message->reason = copy_cut(str_from(row->reason), REASON_MAX_BYTES);
    message->raw.data = (uint8_t *)mem_copy_str((struct str){row->raw.data, raw_len});
    message->raw.len = raw_len;
    return message;
}

static struct status refuse_bad_row(const struct import *import, const struct bad_row *row)
{
    const char *more = import->spec->max_bad_rows > 0 ? " (more bad rows than maxBadRows)" : "";

    if (row->column[0] == '\0')
        return status_error(STATUS_INVALID_ARGUMENT, "%s: row %" PRId64 ": %s%s", row->file,
                            row->row, row->reason, more);
    return status_error(STATUS_INVALID_ARGUMENT, "%s: row %" PRId64 ", column '%s': %s%s",
                        row->file, row->row, row->column, row->reason, more);
}

static struct status take_bad_row(struct split_run *run, const struct bad_row *row,
                                  const struct job_progress *count)
{
    struct splits *splits = run->splits;

    add_progress(run, count);
    (void)pthread_mutex_lock(&splits->mutex);
    bool is_too_many = splits->progress.bad_rows > splits->import->spec->max_bad_rows;
    (void)pthread_mutex_unlock(&splits->mutex);
    if (is_too_many)
        return refuse_bad_row(splits->import, row);
    run->bad_rows[run->nbad_rows++] = make_bad_row(row);
    return run->nbad_rows == BAD_ROWS_A_CALL ? store_bad_rows(run) : status_ok();
}

static struct status take_unreadable(struct bad_row_sink *sink, const struct bad_row *row)
{
    return take_bad_row(container_of(sink, struct split_run, read_sink), row,
                        &(struct job_progress){.rows_read = 1, .bad_rows = 1});
}

/* The row was counted as written with its batch. */
static struct status take_refused(struct bad_row_sink *sink, const struct bad_row *row)
{
    return take_bad_row(container_of(sink, struct split_run, written_sink), row,
                        &(struct job_progress){.rows_written = -1, .bad_rows = 1});
}

static bool is_stopping(const struct splits *splits)
{
    return stop_is_requested(&splits->stop) ||
           stop_is_requested(job_context_get_stop(splits->import->context));
}

/* Copies the rows of a split from reader to writer. */
static struct status copy_rows(struct split_run *run, struct reader *reader, struct writer *writer,
                               struct batch *batch, bool *ret_again)
{
    const struct import *import = run->splits->import;
    const char *file = run->splits->plan->files[run->split->file].path;

    for (;;) {
        if (is_stopping(run->splits))
            return status_error(STATUS_CANCELLED, "stopped");
        struct status st = import->reader->next(reader, batch);
        if (st.code != STATUS_OK)
            return st;
        struct job_progress more = {
            .rows_read = (int64_t)batch->nrows,
            .rows_written = (int64_t)batch->nrows,
            .bytes_read =
                (int64_t)import->reader->get_bytes_read(reader) - run->progress.bytes_read,
        };
        add_progress(run, &more);
        if (batch->nrows == 0)
            return st;
        st = import->writer->write(writer, file, batch, &run->written_sink, ret_again);
        if (st.code != STATUS_OK || *ret_again)
            return st;
    }
}

/* Saves what is committed, unless another thread does so for this one. The mutex is held; not while it is saved. */
static struct status save_commits(struct splits *splits, unsigned ncommits)
{
    struct status st = status_ok();

    while (splits->nsaved < ncommits && st.code == STATUS_OK) {
        struct buf text = {0};
        unsigned nnow = splits->ncommits;

        if (splits->is_saving) {
            (void)pthread_cond_wait(&splits->saved, &splits->mutex);
            continue;
        }
        splits->is_saving = true;
        buf_append_str(&text, splits->fingerprint);
        buf_append_char(&text, '\n');
        import_done_write(splits->done, &text);
        (void)pthread_mutex_unlock(&splits->mutex);
        st = job_context_save_checkpoint(splits->import->context, buf_get(&text));
        buf_deinit(&text);
        (void)pthread_mutex_lock(&splits->mutex);
        splits->is_saving = false;
        if (st.code == STATUS_OK)
            splits->nsaved = nnow;
        (void)pthread_cond_broadcast(&splits->saved);
    }
    return st;
}

/* Notes a split that is committed. */
static struct status note_commit(struct splits *splits, const struct unit *unit)
{
    (void)pthread_mutex_lock(&splits->mutex);
    struct status st = import_done_add(splits->done, unit);
    splits->ncommits++;
    if (st.code == STATUS_OK && !splits->import->writer->keeps_units)
        st = save_commits(splits, splits->ncommits);
    (void)pthread_mutex_unlock(&splits->mutex);
    return st;
}

static struct status commit(struct split_run *run, struct writer *writer, bool *ret_again)
{
    struct unit unit = {
        .number = (uint32_t)(run->split - run->splits->plan->splits),
        .rows_read = run->progress.rows_read,
        .rows_written = run->progress.rows_written,
        .bad_rows = run->progress.bad_rows,
        .bytes_read = (uint64_t)run->progress.bytes_read,
    };
    struct status st = store_bad_rows(run);

    if (st.code != STATUS_OK)
        return st;
    st = run->splits->import->writer->commit(writer, &unit, ret_again);
    return st.code == STATUS_OK && !*ret_again ? note_commit(run->splits, &unit) : st;
}

static struct status try_split(struct split_run *run, struct writer *writer, struct batch *batch,
                               bool *ret_again)
{
    struct splits *splits = run->splits;
    struct import *import = splits->import;
    struct reader *reader = NULL;
    struct reader_options options = {
        .spec = import->spec,
        .root = import->root,
        .columns = splits->columns,
        .ncolumns = import->spec->ncolumns,
        .plan = splits->plan,
        .split = run->split,
        .bad_rows = &run->read_sink,
        .stop = job_context_get_stop(import->context),
    };
    struct status st = import->reader->open(&options, &reader);

    if (st.code == STATUS_OK)
        st = copy_rows(run, reader, writer, batch, ret_again);
    if (st.code == STATUS_OK && !*ret_again)
        st = commit(run, writer, ret_again);
    import->reader->close(reader);
    if (st.code != STATUS_OK || *ret_again) {
        import->writer->rollback(writer);
        undo_progress(run);
    }
    free_bad_rows(run);
    return st;
}

static struct status run_split(struct splits *splits, const struct split *split,
                               struct writer *writer, struct batch *batch)
{
    for (int i = 0; i < MAX_TRIES; i++) {
        struct split_run run = {.splits = splits,
                                .split = split,
                                .read_sink = {take_unreadable},
                                .written_sink = {take_refused}};
        bool is_again = false;
        struct status st = try_split(&run, writer, batch, &is_again);

        if (st.code != STATUS_OK || !is_again)
            return st;
    }
    return status_error(STATUS_UNAVAILABLE, "%s: gave way to other writers %d times",
                        splits->plan->files[split->file].path, MAX_TRIES);
}

static struct status run_traced(struct splits *splits, const struct split *split,
                                struct writer *writer, struct batch *batch)
{
    struct span span;

    job_context_begin_part(splits->import->context, "split", &span);
    struct status st = run_split(splits, split, writer, batch);
    span_set_int(&span, "sluice.split.number", split - splits->plan->splits);
    span_set_int(&span, "sluice.split.bytes", (int64_t)split->size_bytes);
    if (st.code != STATUS_OK)
        span_fail(&span, st.text);
    span_end(&span);
    return st;
}

/* The next split that nobody has taken, or NULL. */
static const struct split *take_split(struct splits *splits)
{
    const struct split *split = NULL;

    (void)pthread_mutex_lock(&splits->mutex);
    while (!split && splits->next < splits->plan->nsplits) {
        size_t i = splits->next++;
        if (!splits->done->is_done[i])
            split = &splits->plan->splits[i];
    }
    (void)pthread_mutex_unlock(&splits->mutex);
    return split;
}

static void fail(struct splits *splits, struct status st)
{
    (void)pthread_mutex_lock(&splits->mutex);
    if (splits->status.code == STATUS_OK)
        splits->status = st;
    (void)pthread_mutex_unlock(&splits->mutex);
    stop_request(&splits->stop);
}

static void *run_thread(void *arg)
{
    struct splits *splits = arg;
    const struct destination_type *type = splits->import->writer;
    struct batch *batch = batch_create(splits->columns, splits->import->spec->ncolumns);
    struct writer *writer = NULL;
    struct status st = type->open_writer(splits->import->destination, &writer);

    while (st.code == STATUS_OK && !is_stopping(splits)) {
        const struct split *split = take_split(splits);
        if (!split)
            break;
        st = run_traced(splits, split, writer, batch);
    }
    if (st.code == STATUS_OK && stop_is_requested(job_context_get_stop(splits->import->context)))
        st = status_error(STATUS_CANCELLED, "stopped");
    if (st.code != STATUS_OK)
        fail(splits, st);
    type->close_writer(writer);
    batch_destroy(batch);
    return NULL;
}

static unsigned choose_threads(const struct splits *splits)
{
    const struct import_spec *spec = splits->import->spec;
    long ncpus = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned nthreads = spec->max_threads < MAX_THREADS ? spec->max_threads : MAX_THREADS;
    size_t nleft = 0;

    if (splits->plan->max_threads > 0 && nthreads > splits->plan->max_threads)
        nthreads = splits->plan->max_threads;
    if (ncpus > 0 && nthreads > (unsigned long)ncpus)
        nthreads = (unsigned)ncpus;
    for (size_t i = 0; i < splits->plan->nsplits; i++)
        nleft += !splits->done->is_done[i];
    return nleft < nthreads ? (unsigned)nleft : nthreads;
}

static struct status run_threads(struct splits *splits)
{
    pthread_t threads[MAX_THREADS];
    unsigned nthreads = choose_threads(splits);
    unsigned nstarted = 0;
    struct status st = status_ok();

    while (nstarted < nthreads && st.code == STATUS_OK) {
        st = thread_start("import", run_thread, splits, &threads[nstarted]);
        nstarted += st.code == STATUS_OK;
    }
    if (st.code != STATUS_OK)
        fail(splits, st);
    for (unsigned i = 0; i < nstarted; i++)
        (void)pthread_join(threads[i], NULL);
    return splits->status;
}

/* What was committed by earlier attempts counts as done. */
static void take_over(struct splits *splits)
{
    const struct unit *sum = &splits->done->sum;

    splits->progress = (struct job_progress){
        .rows_read = sum->rows_read,
        .rows_written = sum->rows_written,
        .bad_rows = sum->bad_rows,
        .bytes_read = (int64_t)sum->bytes_read,
    };
    for (size_t i = 0; i < splits->plan->nsplits; i++)
        splits->progress.bytes_total += (int64_t)splits->plan->splits[i].size_bytes;
    job_context_set_progress(splits->import->context, &splits->progress);
}

struct status import_splits_run(struct import *import, const struct plan *plan,
                                struct str fingerprint, struct import_done *done)
{
    struct splits splits = {
        .import = import, .plan = plan, .fingerprint = fingerprint, .done = done};
    struct status st = import->writer->get_columns(import->destination, &splits.columns);

    if (st.code != STATUS_OK)
        return st;
    (void)pthread_mutex_init(&splits.mutex, NULL);
    (void)pthread_cond_init(&splits.saved, NULL);
    take_over(&splits);
    st = run_threads(&splits);
    (void)pthread_cond_destroy(&splits.saved);
    (void)pthread_mutex_destroy(&splits.mutex);
    return st;
}
