/*
 * connectors/hbase/hbase_destination.c - hbase_destination: imports into tables of HBase, through its write path.
 *
 * HBase has no transactions: a split that was not noted as done is written again, and writing it again changes nothing, since
 * all cells of an import have one timestamp that stays the same. It has no fence either: what a worker that lost its lease
 * still sends are the cells that the next one writes, too.
 */
#include "connectors/hbase/hbase_row_writer.h"
#include "connectors/hbase/hbase_source.h"
#include "connectors/hbase/hbase_target.h"
#include "connectors/writer.h"

#include "base/mem.h"
#include "hbase/cluster.h"

struct destination {
    struct metric *bytes_written; /* or NULL */
    struct hbase_target target;
    struct hbase_cluster *cluster;
    struct hbase_table *table;
};

static void close_destination(struct destination *destination)
{
    if (!destination)
        return;
    hbase_table_destroy(destination->table);
    hbase_cluster_destroy(destination->cluster);
    hbase_target_deinit(&destination->target);
    mem_free(destination);
}

static struct status open_destination(const struct destination_options *options,
                                      struct destination **ret)
{
    struct destination *destination = mem_alloc(sizeof(*destination));
    struct status st =
        hbase_target_init(&destination->target, options->spec, options->task_time_ms);

    destination->bytes_written = options->bytes_written;
    if (st.code == STATUS_OK)
        st = hbase_source_open(options->parameters_json, options->name, options->stop,
                               options->metrics, &destination->cluster);
    if (st.code != STATUS_OK) {
        close_destination(destination);
        return st;
    }
    destination->table = hbase_table_create(destination->cluster, &destination->target.name);
    *ret = destination;
    return st;
}

/* Users wait for what comes of it; rows, later, are worth more patience. */
enum { SCHEMA_PATIENCE_MS = 8 * 1000 };

static struct status make_table(struct destination *destination, struct row_sampler *sampler,
                                bool *ret_made)
{
    hbase_cluster_set_patience(destination->cluster, SCHEMA_PATIENCE_MS);
    return hbase_target_make_table(&destination->target, destination->cluster, sampler, ret_made);
}

static struct status get_columns(struct destination *destination,
                                 const struct target_column **ret_columns)
{
    *ret_columns = destination->target.columns;
    return status_ok();
}

static struct status begin(struct destination *destination, bool drops_units,
                           const struct unit **ret_units, size_t *ret_nunits)
{
    (void)destination;
    (void)drops_units;
    *ret_units = NULL;
    *ret_nunits = 0;
    return status_ok();
}

static void forget(struct destination *destination)
{
    (void)destination; /* nothing was kept */
}

static struct status open_writer(struct destination *destination, struct writer **ret)
{
    *ret = hbase_row_writer_create(destination->table, &destination->target,
                                   destination->bytes_written);
    return status_ok();
}

const struct destination_type hbase_destination = {
    .name = "hbase",
    .keeps_units = false,
    .open = open_destination,
    .close = close_destination,
    .make_table = make_table,
    .get_columns = get_columns,
    .begin = begin,
    .forget = forget,
    .open_writer = open_writer,
    .close_writer = hbase_row_writer_destroy,
    .write = hbase_row_writer_write,
    .commit = hbase_row_writer_commit,
    .rollback = hbase_row_writer_rollback,
};
