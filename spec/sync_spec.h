/*
 * spec/sync_spec.h - what an incremental sync asks for, read from the texts that users send.
 *
 * Pure: the gateway reads a spec to refuse bad tasks early and to plan, the worker to execute good ones.
 */
#ifndef SPEC_SYNC_SPEC_H
#define SPEC_SYNC_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "spec/table_names.h"

struct Pb__IncrementalSyncSpec;

struct sync_spec {
    struct table_names tables;
    bool has_to_create; /* tables that the destination lacks are made */
    bool is_full;       /* the rows that there are before go first */
    const char *folder; /* of files that they go by, as struct migration_spec has it; NULL: none */
    int64_t max_bytes_s_per_thread; /* 0: no limit */
};

/*
 * Reads and checks message; is_one_source: its source and destination are the same data source. What is wrong is added to
 * violations, by fields "task.incremental_sync.*", and *ret is then not to be used. It is in arena and borrows from
 * message.
 */
void sync_spec_read(const struct Pb__IncrementalSyncSpec *message, bool is_one_source,
                    struct arena *arena, struct violations *violations, struct sync_spec *ret);

#endif
