/*
 * worker/import.h - what the runners of a bulk import share: source, destination and spec of the job.
 */
#ifndef WORKER_IMPORT_H
#define WORKER_IMPORT_H

#include "base/status.h"
#include "connectors/reader.h"
#include "connectors/writer.h"
#include "spec/import_spec.h"

struct file_root;
struct job_context;

struct import {
    struct job_context *context;
    struct import_spec *spec;
    const struct reader_type *reader;
    struct file_root *root;
    const struct destination_type *writer;
    struct destination *destination;
};

/* Opens what the job names. On failure nothing is left open. Blocks. */
struct status import_open(struct job_context *context, struct import *ret) MUST_CHECK;

void import_close(struct import *import);

/* Lists the files and cuts them into splits: the same ones as long as the files are the same. plan is {0} before. Blocks. */
struct status import_make_plan(struct import *import, struct plan *plan) MUST_CHECK;

#endif
