/*
 * tests/hbase/probe/scan.c - scan TABLE [OPTIONS [PATIENCE_MS]]: all cells that a scan gives, each [row, family, qualifier, timestamp, type, value],
 * and how many pages and rows there were.
 */
#include "tests/hbase/probe/probe.h"

static void tell_cells(struct probe *probe, const struct hbase_page *page)
{
    for (size_t i = 0; i < page->ncells; i++) {
        const struct hbase_cell *cell = &page->cells[i];

        json_out_begin_array(probe->out);
        probe_write_bytes(probe, cell->row);
        probe_write_bytes(probe, cell->family);
        probe_write_bytes(probe, cell->qualifier);
        json_out_int(probe->out, cell->timestamp_ms);
        json_out_int(probe->out, cell->type);
        probe_write_bytes(probe, cell->value);
        json_out_end_array(probe->out);
    }
}

static struct status scan(struct probe *probe, struct hbase_scanner *scanner)
{
    struct hbase_page page = {0};
    uint64_t nrows = 0, npages = 0, nregions = 0;
    struct status st;

    json_out_key(probe->out, "cells");
    json_out_begin_array(probe->out);
    for (;;) {
        st = hbase_scanner_next(scanner, &page);
        if (st.code != STATUS_OK)
            return st;
        tell_cells(probe, &page);
        nrows += page.nrows;
        npages++;
        nregions += page.is_region_end;
        if (page.is_end)
            break;
    }
    json_out_end_array(probe->out);
    json_out_key(probe->out, "rows");
    json_out_uint(probe->out, nrows);
    json_out_key(probe->out, "pages");
    json_out_uint(probe->out, npages);
    json_out_key(probe->out, "regions");
    json_out_uint(probe->out, nregions);
    probe_tell_bytes(probe, "next_row", page.next_row);
    return st;
}

struct status probe_scan(struct probe *probe)
{
    const struct hbase_table_name name = probe_get_table(probe, 0);
    struct hbase_scan_options options;
    struct json *json;
    int64_t patience_ms;
    struct status st = probe_get_number(probe, 2, PROBE_PATIENCE_MS, &patience_ms);

    if (st.code == STATUS_OK)
        st = json_read("OPTIONS", str_from(probe->nargs > 1 ? probe->args[1] : "{}"), &json);
    if (st.code != STATUS_OK)
        return st;
    st = probe_read_scan_options(probe, json, &options);
    if (st.code == STATUS_OK) {
        hbase_cluster_set_patience(probe->cluster, patience_ms);
        struct hbase_table *table = hbase_table_create(probe->cluster, &name);
        struct hbase_scanner *scanner = hbase_scanner_create(table, &options);
        st = scan(probe, scanner);
        hbase_scanner_destroy(scanner);
        hbase_table_destroy(table);
    }
    json_destroy(json);
    return st;
}
