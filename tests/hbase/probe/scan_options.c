/*
 * tests/hbase/probe/scan_options.c - what to scan, as JSON: {"raw", "versions", "from", "to", "page", "start", "stop",
 * "columns": [[family], [family, qualifier], ...]}; keys and names are hexadecimal, and all members may be absent.
 */
#include "tests/hbase/probe/probe.h"

static int64_t get_int(const struct json *object, const char *key, int64_t fallback)
{
    const struct json *value = json_find(object, key);

    return value ? json_get_int(value) : fallback;
}

static struct status get_bytes(const struct probe *probe, const struct json *value, struct str *ret)
{
    if (!value)
        return status_ok();
    return probe_read_bytes(probe, json_get_string(value), ret);
}

static struct status read_columns(const struct probe *probe, const struct json *list,
                                  struct hbase_scan_options *ret)
{
    size_t n = list ? json_get_count(list) : 0;
    struct hbase_column *columns = arena_alloc(probe->arena, (n + 1) * sizeof(*columns));
    struct status st = status_ok();

    for (size_t i = 0; i < n && st.code == STATUS_OK; i++) {
        const struct json *names = json_get_element(list, i);
        columns[i].is_whole_family = json_get_count(names) == 1;
        st = get_bytes(probe, json_get_element(names, 0), &columns[i].family);
        if (st.code == STATUS_OK && !columns[i].is_whole_family)
            st = get_bytes(probe, json_get_element(names, 1), &columns[i].qualifier);
    }
    ret->columns = columns;
    ret->ncolumns = n;
    return st;
}

struct status probe_read_scan_options(const struct probe *probe, const struct json *object,
                                      struct hbase_scan_options *ret)
{
    const struct json *raw = json_find(object, "raw");

    *ret = (struct hbase_scan_options){
        .max_versions = (int32_t)get_int(object, "versions", HBASE_ALL_VERSIONS),
        .start_ms = get_int(object, "from", 0),
        .end_ms = get_int(object, "to", INT64_MAX),
        .page_bytes = (size_t)get_int(object, "page", 0),
        .is_raw = raw && json_get_bool(raw),
    };
    struct status st = read_columns(probe, json_find(object, "columns"), ret);
    if (st.code == STATUS_OK)
        st = get_bytes(probe, json_find(object, "start"), &ret->start_row);
    if (st.code == STATUS_OK)
        st = get_bytes(probe, json_find(object, "stop"), &ret->stop_row);
    return st;
}
