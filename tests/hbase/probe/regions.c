/*
 * tests/hbase/probe/regions.c - regions TABLE [PATIENCE_MS]: its regions, in order. locate TABLE KEY: the one that has the key.
 */
#include "tests/hbase/probe/probe.h"

enum { PATIENCE_MS = 10000 };

static void tell_region(struct probe *probe, const struct hbase_region *region)
{
    probe_tell_bytes(probe, "name", region->name);
    probe_tell_bytes(probe, "start", region->start_key);
    probe_tell_bytes(probe, "end", region->end_key);
    probe_tell_server(probe, "server", &region->server);
}

static struct status list(struct probe *probe, struct hbase_table *table)
{
    const struct hbase_region *regions;
    size_t count;
    struct status st = hbase_table_list_regions(table, probe->arena, &regions, &count);

    if (st.code != STATUS_OK)
        return st;
    json_out_key(probe->out, "regions");
    json_out_begin_array(probe->out);
    for (size_t i = 0; i < count; i++) {
        json_out_begin_object(probe->out);
        tell_region(probe, &regions[i]);
        json_out_end_object(probe->out);
    }
    json_out_end_array(probe->out);
    return st;
}

struct status probe_regions(struct probe *probe)
{
    const struct hbase_table_name name = probe_get_table(probe, 0);
    int64_t patience_ms;
    struct status st = probe_get_number(probe, 1, PATIENCE_MS, &patience_ms);

    if (st.code != STATUS_OK)
        return st;
    hbase_cluster_set_patience(probe->cluster, patience_ms);
    struct hbase_table *table = hbase_table_create(probe->cluster, &name);
    st = list(probe, table);
    hbase_table_destroy(table);
    return st;
}

struct status probe_locate(struct probe *probe)
{
    const struct hbase_table_name name = probe_get_table(probe, 0);
    struct hbase_region region;
    struct str key;
    struct status st = probe_get_bytes(probe, 1, &key);

    if (st.code != STATUS_OK)
        return st;
    struct hbase_table *table = hbase_table_create(probe->cluster, &name);
    st = hbase_table_locate(table, key, probe->arena, &region);
    if (st.code == STATUS_OK)
        tell_region(probe, &region);
    hbase_table_destroy(table);
    return st;
}
