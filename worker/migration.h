/*
 * worker/migration.h - what the runners of tasks between HBase clusters share: the clusters, the spec and the job's table.
 *
 * They run the jobs of full migrations, and those of incremental syncs that make tables and copy rows. A sync has no
 * settings for what is copied: its spec is that of a migration which copies everything.
 */
#ifndef WORKER_MIGRATION_H
#define WORKER_MIGRATION_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "hbase/table.h"
#include "spec/migration_spec.h"

struct Pb__DataSource;
struct arena;
struct hbase_cluster;
struct job_context;

/*
 * How long a call tries again before its failure is told: short, so that a user who named a wrong port learns of it
 * within seconds. What lasts longer is waited for by the runners, or by the gateway, which gives the job out again.
 */
enum { MIGRATION_PATIENCE_MS = 8000 };

/* What HBase may send of tables and their regions: HBASE_MAX_REGIONS with keys of some hundred bytes. */
enum { MIGRATION_ARENA_BYTES = 256 * 1024 * 1024 };

struct migration {
    struct job_context *context;
    struct arena *arena; /* dies with the migration */
    struct migration_spec spec;
    struct hbase_cluster *source;
    struct hbase_cluster *destination;
    struct hbase_table_name source_name; /* of the job's table; NULLs if the job has none */
    struct hbase_table_name destination_name;
    char source_text[HBASE_TABLE_NAME_BYTES]; /* the same as HBase writes them, for messages */
    char destination_text[HBASE_TABLE_NAME_BYTES];
};

/*
 * Reads what the job names and makes both clusters; nothing is connected yet. *ret is {0} before, and is to be closed by
 * migration_close, also after an error. INVALID_ARGUMENT, FAILED_PRECONDITION: the job is not right.
 */
struct status migration_open(struct job_context *context, struct migration *ret) MUST_CHECK;

void migration_close(struct migration *migration);

/* A data source of the job as a cluster that is waited for patience_ms. FAILED_PRECONDITION: it is of another type. */
struct status migration_open_cluster(struct job_context *context,
                                     const struct Pb__DataSource *data_source, int64_t patience_ms,
                                     struct hbase_cluster **ret) MUST_CHECK;

/* A copy in arena. */
struct hbase_table_name migration_copy_name(const struct table_name *name, struct arena *arena);

/* st, whose text says first at which side it happened. OK stays OK. */
struct status migration_at_source(struct status st) MUST_CHECK;
struct status migration_at_destination(struct status st) MUST_CHECK;

#endif
