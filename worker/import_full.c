/*
 * worker/import_full.c - the FULL job of a bulk import: moves the rows.
 *
 * The plan of splits follows from the files alone, so it is not kept; what is kept, as the job's checkpoint, is a
 * fingerprint of the files. When they have changed between two attempts the numbers of finished units would mean other
 * rows: the job refuses to go on. Which units are done the destination keeps with their rows; where it cannot, it stands
 * in the checkpoint, too.
 *
 * The order at the start matters: first the units of an earlier run are dropped (only if there is no checkpoint), then
 * the checkpoint is saved, then rows move. A crash in between repeats the first steps and loses nothing.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/mem.h"
#include "worker/import.h"
#include "worker/import_done.h"
#include "worker/import_splits.h"
#include "worker/job_context.h"
#include "worker/runner.h"

enum { MAX_ROUNDS = 10 };

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
    return hash_add(hash, str_from_bytes(data, len));
}

/* "1 <number of splits> <hash of the files and splits>": what must not change between attempts. */
static void write_fingerprint(const struct plan *plan, struct buf *ret)
{
    uint64_t hash = HASH_EMPTY;

    for (size_t i = 0; i < plan->nfiles; i++) {
        const struct plan_file *file = &plan->files[i];
        hash = mix(hash, file->path, strlen(file->path) + 1);
        hash = mix(hash, &file->size_bytes, sizeof(file->size_bytes));
        hash = mix(hash, &file->modified_ns, sizeof(file->modified_ns));
    }
    for (size_t i = 0; i < plan->nsplits; i++) {
        const struct split *split = &plan->splits[i];
        hash = mix(hash, &split->file, sizeof(split->file));
        hash = mix(hash, &split->first, sizeof(split->first));
        hash = mix(hash, &split->end, sizeof(split->end));
    }
    buf_printf(ret, "1 %zu %016" PRIx64, plan->nsplits, hash);
}

static struct status add_units(struct import_done *done, const struct unit *units, size_t nunits)
{
    struct status st = status_ok();

    for (size_t i = 0; i < nunits && st.code == STATUS_OK; i++)
        st = import_done_add(done, &units[i]);
    return st;
}

/* What is done according to the destination, and to the checkpoint behind the fingerprint; one of them has none. */
static struct status find_done(struct import *import, bool is_first, struct str saved,
                               struct import_done *done)
{
    const struct unit *units = NULL;
    size_t nunits = 0;
    struct status st = import->writer->begin(import->destination, is_first, &units, &nunits);

    if (st.code == STATUS_OK)
        st = add_units(done, units, nunits);
    if (st.code == STATUS_OK && saved.len > 0)
        st = import_done_read(done, saved);
    return st;
}

/*
 * Finds out what the destination has for good. What it has lost is to be moved again; *ret_nlost is how many splits that is.
 */
static struct status settle(struct import *import, struct import_done *done, size_t *ret_nlost)
{
    const struct unit *units = NULL;
    size_t nunits = 0, nsplits = done->nsplits;
    struct status st = import->writer->settle(import->destination, &units, &nunits);

    if (st.code != STATUS_OK)
        return st;
    import_done_deinit(done);
    import_done_init(done, nsplits);
    *ret_nlost = nsplits - nunits;
    return add_units(done, units, nunits);
}

/* Moves all that is not done, until the destination has it for good. */
static struct status move_splits(struct import *import, const struct plan *plan,
                                 struct str fingerprint, struct import_done *done)
{
    for (int i = 0; i < MAX_ROUNDS; i++) {
        size_t nlost = 0;
        struct status st = import_splits_run(import, plan, fingerprint, done);

        if (st.code == STATUS_OK && import->writer->keeps_units)
            st = settle(import, done, &nlost);
        if (st.code != STATUS_OK || nlost == 0)
            return st;
        log_warn("destination lost what it had committed", JOB_FIELDS(import->context),
                 log_int("splits", (int64_t)nlost));
    }
    return status_error(STATUS_UNAVAILABLE, "the destination loses what it has committed");
}

static struct status move(struct import *import, const struct plan *plan, struct str fingerprint)
{
    const Pb__LeasedJob *job = job_context_get_job(import->context);
    struct str saved = str_from_bytes(job->checkpoint.data, job->checkpoint.len);
    struct str saved_fingerprint = str_cut(&saved, '\n');
    bool is_first = saved_fingerprint.len == 0;
    struct import_done done;

    if (!is_first && !str_is_equal(saved_fingerprint, fingerprint))
        return status_error(STATUS_FAILED_PRECONDITION,
                            "the files under '%s' have changed since the import began: retry it "
                            "from the start",
                            import->spec->path);
    import_done_init(&done, plan->nsplits);
    struct status st = find_done(import, is_first, saved, &done);
    if (st.code == STATUS_OK && is_first)
        st = job_context_save_checkpoint(import->context, fingerprint);
    if (st.code == STATUS_OK)
        st = move_splits(import, plan, fingerprint, &done);
    import_done_deinit(&done);
    return st;
}

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct import *import = mem_alloc(sizeof(*import));
    struct runner_result result = {.status = import_open(context, import)};
    struct plan plan = {0};
    struct buf fingerprint = {0};

    *ret_state = import;
    if (result.status.code == STATUS_OK)
        result.status = import_make_plan(import, &plan);
    if (result.status.code == STATUS_OK) {
        write_fingerprint(&plan, &fingerprint);
        result.status = move(import, &plan, buf_get(&fingerprint));
    }
    buf_deinit(&fingerprint);
    plan_deinit(&plan);
    return result;
}

static void close_import(void *state, bool is_over)
{
    struct import *import = state;

    if (import->destination && is_over)
        import->writer->forget(import->destination);
    import_close(import);
    mem_free(import);
}

const struct runner import_full_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_BULKLOAD,
    .role = PB__JOB_ROLE__JOB_ROLE_FULL,
    .run = run,
    .close = close_import,
};
