/*
 * worker/import_full.c - the FULL job of a bulk import: moves the rows.
 *
 * The plan of splits follows from the files alone, so it is not kept; what is kept, as the job's checkpoint, is a
 * fingerprint of the files. When they have changed between two attempts the numbers of finished units would mean other
 * rows: the job refuses to go on.
 *
 * The order at the start matters: first the units of an earlier run are dropped (only if there is no checkpoint), then
 * the checkpoint is saved, then rows move. A crash in between repeats the first steps and loses nothing.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/mem.h"
#include "connectors/file/file_root.h"
#include "worker/import.h"
#include "worker/import_splits.h"
#include "worker/job_context.h"
#include "worker/runner.h"

static uint64_t mix(uint64_t hash, const void *data, size_t len)
{
    const unsigned char *bytes = data;

    /* FNV-1a, 64 bits: a change by accident is to be seen, nobody attacks it. */
    for (size_t i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}

/* "1 <number of splits> <hash of the files and splits>": what must not change between attempts. */
static void write_fingerprint(const struct plan *plan, struct buf *ret)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

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

static struct status make_plan(struct import *import, struct plan *plan)
{
    struct status st = file_root_list(import->root, import->spec->path, plan);

    if (st.code != STATUS_OK)
        return st;
    return import->reader->plan(import->spec, import->root, job_context_get_stop(import->context),
                                plan);
}

static struct status move(struct import *import, const struct plan *plan, struct str fingerprint)
{
    const Pb__LeasedJob *job = job_context_get_job(import->context);
    struct str saved = str_from_bytes(job->checkpoint.data, job->checkpoint.len);
    bool is_first = saved.len == 0;
    const struct unit *done = NULL;
    size_t ndone = 0;

    if (!is_first && !str_is_equal(saved, fingerprint))
        return status_error(STATUS_FAILED_PRECONDITION,
                            "the files under '%s' have changed since the import began: retry it "
                            "from the start",
                            import->spec->path);
    struct status st = import->writer->begin(import->destination, is_first, &done, &ndone);
    if (st.code == STATUS_OK && is_first)
        st = job_context_save_checkpoint(import->context, fingerprint);
    if (st.code == STATUS_OK)
        st = import_splits_run(import, plan, done, ndone);
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
        result.status = make_plan(import, &plan);
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
