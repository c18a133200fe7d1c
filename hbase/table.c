#include "hbase/table.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "hbase/meta.h"
#include "hbase/region.h"
#include "hbase/region_cache.h"
#include "hbase/server.h"

enum {
    MAX_LIST_BYTES = 256 * 1024 * 1024, /* that all regions of a table may take in memory */
    MAX_REGION_BYTES = 1024 * 1024,     /* that one may */
};

struct hbase_table {
    struct hbase_cluster *cluster;
    char text[HBASE_TABLE_NAME_BYTES];
    pthread_mutex_t mutex; /* guards the cache */
    struct hbase_region_cache cache;
};

void hbase_table_name_write(const struct hbase_table_name *name, char ret[HBASE_TABLE_NAME_BYTES])
{
    if (strcmp(name->namespace, "default") == 0)
        (void)snprintf(ret, HBASE_TABLE_NAME_BYTES, "%s", name->qualifier);
    else
        (void)snprintf(ret, HBASE_TABLE_NAME_BYTES, "%s:%s", name->namespace, name->qualifier);
}

struct hbase_table *hbase_table_create(struct hbase_cluster *cluster,
                                       const struct hbase_table_name *name)
{
    struct hbase_table *table = mem_alloc(sizeof(*table));

    table->cluster = cluster;
    hbase_table_name_write(name, table->text);
    (void)pthread_mutex_init(&table->mutex, NULL);
    return table;
}

void hbase_table_destroy(struct hbase_table *table)
{
    if (!table)
        return;
    hbase_region_cache_deinit(&table->cache);
    (void)pthread_mutex_destroy(&table->mutex);
    mem_free(table);
}

struct hbase_cluster *hbase_table_get_cluster(const struct hbase_table *table)
{
    return table->cluster;
}

const char *hbase_table_get_text(const struct hbase_table *table)
{
    return table->text;
}

/* ---- Why there is no region ---- */

/* Why there is no open region where one should be: the table is absent or disabled, or else what passing says. */
static bool explain_missing(struct hbase_table *table, struct status passing,
                            struct hbase_fault *ret_fault)
{
    enum hbase_table_presence presence;

    if (!hbase_meta_get_presence(table->cluster, table->text, &presence, ret_fault))
        return false;
    if (presence == HBASE_TABLE_ABSENT)
        passing = status_error(STATUS_NOT_FOUND, "there is no table '%s'", table->text);
    if (presence == HBASE_TABLE_DISABLED)
        passing = status_error(STATUS_FAILED_PRECONDITION, "table '%s' is disabled", table->text);
    *ret_fault = (struct hbase_fault){
        .action = passing.code == STATUS_UNAVAILABLE ? HBASE_ACTION_PAUSE : HBASE_ACTION_FAIL,
        .status = passing,
    };
    return false;
}

static struct status make_between(const struct hbase_table *table, const struct hbase_meta_row *row)
{
    char key[HBASE_KEY_TEXT_BYTES];

    return status_error(STATUS_UNAVAILABLE,
                        "the region of table '%s' that begins at '%s' is at no server now (%s)",
                        table->text, hbase_key_write(row->region.start_key, key),
                        row->state[0] ? row->state : "in transition");
}

/* ---- One region ---- */

static bool find_known(struct hbase_table *table, struct str row, struct arena *arena,
                       struct hbase_region *ret, struct status *ret_status)
{
    (void)pthread_mutex_lock(&table->mutex);
    const struct hbase_region *known = hbase_region_cache_find(&table->cache, row);
    if (known)
        *ret_status = hbase_region_copy(known, arena, ret);
    (void)pthread_mutex_unlock(&table->mutex);
    return known != NULL;
}

static void put(struct hbase_table *table, const struct hbase_region *region)
{
    (void)pthread_mutex_lock(&table->mutex);
    hbase_region_cache_put(&table->cache, region);
    (void)pthread_mutex_unlock(&table->mutex);
}

/* Whether what hbase:meta said of the region is one that has row and can be asked. */
static bool check_located(struct hbase_table *table, struct str row,
                          const struct hbase_meta_rows *rows, struct hbase_fault *ret_fault)
{
    char key[HBASE_KEY_TEXT_BYTES];

    if (rows->count == 0 || rows->items[0].is_past ||
        !hbase_region_has_row(&rows->items[0].region, row))
        return explain_missing(table,
                               status_error(STATUS_UNAVAILABLE,
                                            "table '%s' has no region for the row '%s' now",
                                            table->text, hbase_key_write(row, key)),
                               ret_fault);
    return rows->items[0].is_open ||
           explain_missing(table, make_between(table, &rows->items[0]), ret_fault);
}

/* Reads where the row's region is; *ret is in arena. */
static bool read_region(struct hbase_table *table, struct str row, struct arena *arena,
                        struct hbase_region *ret, struct hbase_fault *ret_fault)
{
    struct hbase_meta_rows rows = {0};
    bool is_ok = hbase_meta_locate(table->cluster, table->text, row, arena, &rows, ret_fault) &&
                 check_located(table, row, &rows, ret_fault);

    if (is_ok) {
        *ret = rows.items[0].region;
        put(table, ret);
    }
    hbase_meta_rows_deinit(&rows);
    return is_ok;
}

struct status hbase_table_locate(struct hbase_table *table, struct str row, struct arena *arena,
                                 struct hbase_region *ret)
{
    struct hbase_region found;
    struct hbase_fault fault;
    struct status st = status_ok();

    if (find_known(table, row, arena, ret, &st))
        return st;

    struct arena *scratch = arena_create(MAX_REGION_BYTES);
    if (read_region(table, row, scratch, &found, &fault))
        st = hbase_region_copy(&found, arena, ret);
    else
        st = fault.status;
    arena_destroy(scratch);
    return st;
}

/* ---- All regions ---- */

/* Drops the rows of regions that are past. */
static void drop_past(struct hbase_meta_rows *rows)
{
    size_t count = 0;

    for (size_t i = 0; i < rows->count; i++)
        if (!rows->items[i].is_past)
            rows->items[count++] = rows->items[i];
    rows->count = count;
}

/* The index of the first row whose region does not begin where the one before it ends; count if all is well. */
static size_t find_gap(const struct hbase_meta_rows *rows)
{
    struct str end = {0};

    for (size_t i = 0; i < rows->count; i++) {
        bool is_behind_all = i > 0 && end.len == 0;

        if (is_behind_all || !str_is_equal(rows->items[i].region.start_key, end))
            return i;
        end = rows->items[i].region.end_key;
    }
    return rows->count;
}

/* Whether the regions are at servers, and follow each other from the table's beginning to its end. */
static bool check_chain(struct hbase_table *table, const struct hbase_meta_rows *rows,
                        struct hbase_fault *ret_fault)
{
    char key[HBASE_KEY_TEXT_BYTES];
    size_t gap = find_gap(rows);
    struct str end = gap > 0 ? rows->items[gap - 1].region.end_key : (struct str){0};

    for (size_t i = 0; i < rows->count; i++)
        if (!rows->items[i].is_open)
            return explain_missing(table, make_between(table, &rows->items[i]), ret_fault);
    if (gap == rows->count && gap > 0 && end.len == 0)
        return true;
    return explain_missing(
        table,
        status_error(STATUS_UNAVAILABLE,
                     "the regions of table '%s' do not follow each other in hbase:meta, behind the "
                     "key '%s'; it is being split or merged, or is to be repaired (HBCK2)",
                     table->text, hbase_key_write(end, key)),
        ret_fault);
}

static struct status copy_regions(struct hbase_table *table, const struct hbase_meta_rows *rows,
                                  struct arena *arena, const struct hbase_region **ret,
                                  size_t *ret_count)
{
    struct hbase_region *regions = arena_try_alloc(arena, rows->count * sizeof(*regions));
    struct status st = status_ok();

    if (!regions)
        return status_error(STATUS_RESOURCE_EXHAUSTED,
                            "the regions take more memory than is allowed");
    for (size_t i = 0; i < rows->count && st.code == STATUS_OK; i++) {
        st = hbase_region_copy(&rows->items[i].region, arena, &regions[i]);
        put(table, &rows->items[i].region);
    }
    if (st.code == STATUS_OK) {
        *ret = regions;
        *ret_count = rows->count;
    }
    return st;
}

/* One try. False: *ret_fault says why; true: *ret_status says whether the regions fit into arena. */
static bool try_list(struct hbase_table *table, struct arena *arena,
                     const struct hbase_region **ret, size_t *ret_count, struct status *ret_status,
                     struct hbase_fault *ret_fault)
{
    struct arena *scratch = arena_create(MAX_LIST_BYTES);
    struct hbase_meta_rows rows = {0};
    bool is_ok = hbase_meta_list(table->cluster, table->text, scratch, &rows, ret_fault);

    drop_past(&rows);
    is_ok = is_ok && check_chain(table, &rows, ret_fault);
    if (is_ok)
        *ret_status = copy_regions(table, &rows, arena, ret, ret_count);
    hbase_meta_rows_deinit(&rows);
    arena_destroy(scratch);
    return is_ok;
}

struct status hbase_table_list_regions(struct hbase_table *table, struct arena *arena,
                                       const struct hbase_region **ret, size_t *ret_count)
{
    struct hbase_retry retry = hbase_cluster_begin_retry(table->cluster);
    struct hbase_fault fault;
    struct status st;

    do {
        if (try_list(table, arena, ret, ret_count, &st, &fault))
            return st;
    } while (hbase_cluster_pause(table->cluster, &retry, &fault));
    return hbase_cluster_explain(table->cluster, &fault);
}

/* ---- What is no longer so ---- */

/* Where the region went, if the fault says so and it is a server that there can be. */
static bool find_moved(const struct hbase_fault *fault, struct hbase_server *ret)
{
    return hbase_server_make(str_from(fault->moved_host), fault->moved_port, 0, ret).code ==
           STATUS_OK;
}

void hbase_table_take_fault(struct hbase_table *table, const struct hbase_region *region,
                            const struct hbase_fault *fault)
{
    struct hbase_server to;

    (void)pthread_mutex_lock(&table->mutex);
    if (fault->action == HBASE_ACTION_RELOCATE && find_moved(fault, &to))
        hbase_region_cache_move(&table->cache, region, &to);
    else if (fault->action == HBASE_ACTION_RELOCATE)
        hbase_region_cache_remove(&table->cache, region);
    else if (fault->action == HBASE_ACTION_RECONNECT)
        hbase_region_cache_remove_server(&table->cache, &region->server);
    (void)pthread_mutex_unlock(&table->mutex);

    /* A time-out may be one slow call: the connection finds out by itself whether it is dead. */
    if (fault->action == HBASE_ACTION_RECONNECT && fault->status.code != STATUS_DEADLINE_EXCEEDED)
        hbase_cluster_disconnect(table->cluster, &region->server, HBASE_CLIENT_SERVICE);
}
