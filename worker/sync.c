#include "worker/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/sha256.h"
#include "hbase/cluster.h"
#include "spec/cluster_key.h"
#include "spec/data_source_spec.h"
#include "spec/sync_spec.h"
#include "spec/violations.h"
#include "worker/job_context.h"
#include "worker/migration.h"

static const char job_field[] = "job.table";

enum { PEER_DIGITS = 32 };

/* A task's id ends with 32 hex digits; a peer's name must not have the '-' in front of them. */
static void name_peer(const char *task_id, char ret[SYNC_PEER_ID_BYTES])
{
    size_t len = strlen(task_id);

    (void)snprintf(ret, SYNC_PEER_ID_BYTES, "sluice_%s",
                   len > PEER_DIGITS ? task_id + len - PEER_DIGITS : task_id);
}

/* ---- The tables: those of the job, since patterns are resolved there */

static int compare_names(const void *a, const void *b)
{
    const struct hbase_table_name *left = a, *right = b;
    int order = strcmp(left->namespace, right->namespace);

    return order ? order : strcmp(left->qualifier, right->qualifier);
}

/* Sorted before, so that the order in which tables are named means nothing. */
static void digest_tables(struct sync *sync)
{
    uint8_t digest[SHA256_BYTES];
    struct buf list = {0};

    for (size_t i = 0; i < sync->ntables; i++)
        buf_printf(&list, "%s:%s,", sync->tables[i].namespace, sync->tables[i].qualifier);
    sha256_make(buf_get(&list), digest);
    buf_deinit(&list);
    (void)hex_encode(digest, sizeof(digest), sync->tables_digest);
}

static struct status read_tables(const Pb__LeasedJob *job, struct sync *sync)
{
    const struct table_names_rules rules = {.field = job_field};
    char **texts = arena_alloc(sync->arena, TABLE_NAMES_MAX_COUNT * sizeof(*texts));
    struct str rest = str_from(job->table);
    struct violations violations = {0};
    struct table_names names = {0};
    size_t count = 0;

    while (rest.data && count < TABLE_NAMES_MAX_COUNT)
        texts[count++] = arena_copy_str(sync->arena, str_cut(&rest, ','));
    table_names_read(texts, count, &rules, sync->arena, &violations, &names);
    if (violations.count > 0)
        return violations_get_status(&violations);
    struct hbase_table_name *tables = arena_alloc(sync->arena, names.count * sizeof(*tables));
    for (size_t i = 0; i < names.count; i++)
        tables[i] = migration_copy_name(&names.entries[i].source, sync->arena);
    qsort(tables, names.count, sizeof(*tables), compare_names);
    sync->tables = tables;
    sync->ntables = names.count;
    digest_tables(sync);
    return status_ok();
}

static struct status read_spec(const Pb__LeasedJob *job, struct sync *sync)
{
    struct violations violations = {0};
    struct sync_spec spec;
    bool is_one_source = str_is(str_from(job->task->source), job->task->destination);

    if (job->task->spec_case != PB__TASK__SPEC_INCREMENTAL_SYNC)
        return status_error(STATUS_INVALID_ARGUMENT, "the job has no spec of a sync");
    sync_spec_read(job->task->incremental_sync, is_one_source, sync->arena, &violations, &spec);
    if (violations.count > 0)
        return violations_get_status(&violations);
    sync->has_to_create = spec.has_to_create;
    sync->is_full = spec.is_full;
    return read_tables(job, sync);
}

/* ---- The destination's key, as the source's servers read it (ZKConfig.transformClusterKey) */

static struct status write_hosts(struct cluster_key key, struct buf *out)
{
    bool is_first = true;

    for (struct str rest = key.hosts; rest.data; is_first = false) {
        struct host_port server;
        struct status st = host_list_take(&rest, key.default_port, &server);

        if (st.code != STATUS_OK)
            return st;
        bool is_ipv6 = str_find_byte(server.host, ':') < server.host.len;
        buf_printf(out, "%s%s%.*s%s", is_first ? "" : ",", is_ipv6 ? "[" : "", (int)server.host.len,
                   server.host.data, is_ipv6 ? "]" : "");
        if (server.port != key.default_port)
            buf_printf(out, ":%d", server.port);
    }
    return status_ok();
}

static struct status write_key(const Pb__DataSource *destination, const char *text,
                               struct arena *arena, const char **ret)
{
    struct cluster_key key;
    struct buf out = {0};

    struct status st = cluster_key_read(str_from(text), &key);
    if (st.code == STATUS_OK && key.kind != CLUSTER_KEY_ZOOKEEPER)
        st = status_error(STATUS_FAILED_PRECONDITION,
                          "the clusterKey of data source '%s' names servers of HBase; a sync needs "
                          "that of its ZooKeeper, such as zk1,zk2:2181:/hbase, for the source's "
                          "servers find the destination by it",
                          destination->name);
    if (st.code == STATUS_OK)
        st = write_hosts(key, &out);
    if (st.code == STATUS_OK) {
        buf_printf(&out, ":%d:%.*s", key.default_port, (int)key.parent.len, key.parent.data);
        *ret = arena_copy_str(arena, buf_get(&out));
    }
    buf_deinit(&out);
    return st;
}

static struct status read_destination_key(const Pb__DataSource *destination, struct sync *sync)
{
    char *text = NULL;
    struct status st =
        data_source_read_parameter(destination->parameters_json, "clusterKey", &text);

    if (st.code == STATUS_OK && text)
        st = write_key(destination, text, sync->arena, &sync->destination_key);
    mem_free(text);
    return st;
}

struct status sync_open_source(struct job_context *context, struct sync *ret)
{
    const Pb__LeasedJob *job = job_context_get_job(context);

    ret->context = context;
    ret->arena = arena_create(0);
    if (!job->task || !job->source || !job->destination)
        return status_error(STATUS_INVALID_ARGUMENT, "the job has no task or no data sources");
    name_peer(job->task_id, ret->peer_id);
    return migration_open_cluster(context, job->source, SYNC_PATIENCE_MS, &ret->source);
}

struct status sync_open(struct job_context *context, struct sync *ret)
{
    const Pb__LeasedJob *job = job_context_get_job(context);

    struct status st = sync_open_source(context, ret);
    if (st.code == STATUS_OK)
        st = read_spec(job, ret);
    if (st.code == STATUS_OK)
        st = migration_open_cluster(context, job->destination, SYNC_PATIENCE_MS, &ret->destination);
    if (st.code == STATUS_OK)
        st = read_destination_key(job->destination, ret);
    return st;
}

void sync_close(struct sync *sync)
{
    hbase_cluster_destroy(sync->source);
    hbase_cluster_destroy(sync->destination);
    arena_destroy(sync->arena);
    *sync = (struct sync){0};
}
