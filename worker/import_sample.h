/*
 * worker/import_sample.h - some rows of an import, read without moving any.
 */
#ifndef WORKER_IMPORT_SAMPLE_H
#define WORKER_IMPORT_SAMPLE_H

#include "connectors/writer.h"
#include "worker/import.h"

/* A sampler for destinations; import is borrowed as long as it is used. */
struct import_sampler {
    struct row_sampler base;
    struct import *import;
};

void import_sampler_init(struct import_sampler *sampler, struct import *import);

#endif
