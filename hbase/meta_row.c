#include "hbase/meta_row.h"

#include <stdio.h>

#include "hbase/bytes.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/message.h"
#include "hbase/region.h"
#include "hbase/server.h"

enum { MAX_INFO_BYTES = 4 * HBASE_META_MAX_NAME_BYTES }; /* two keys, and names */

const char *const hbase_meta_columns[HBASE_META_NCOLUMNS] = {
    "regioninfo",
    "server",
    "serverstartcode",
    "state",
};

/* The value of info:<qualifier>; {NULL, 0} if there is none. */
static struct str find_value(const struct hbase_cell *cells, size_t ncells, const char *qualifier)
{
    for (size_t i = 0; i < ncells; i++)
        if (str_is(cells[i].family, "info") && str_is(cells[i].qualifier, qualifier))
            return cells[i].value;
    return (struct str){0};
}

/* Where the region is. An empty server means that it is between two. */
static struct status read_server(const struct hbase_cell *cells, size_t ncells,
                                 struct hbase_meta_row *row)
{
    struct str server = find_value(cells, ncells, "server");
    struct str start_code = find_value(cells, ncells, "serverstartcode");
    struct str state = find_value(cells, ncells, "state");

    (void)snprintf(row->state, sizeof(row->state), "%.*s", (int)(state.len < 24 ? state.len : 24),
                   state.data ? state.data : "");
    row->is_open = server.len > 0 && (state.len == 0 || str_is(state, "OPEN"));
    if (!row->is_open)
        return status_ok();

    struct status st = hbase_server_read_text(server, &row->region.server);
    if (start_code.len == sizeof(uint64_t))
        row->region.server.start_code = (int64_t)hbase_get_u64(start_code.data);
    return st;
}

static struct status read_info(const Hb__RegionInfo *info, struct hbase_meta_row *row)
{
    row->region.start_key = hbase_bytes_get(info->start_key);
    row->region.end_key = hbase_bytes_get(info->end_key);
    row->is_past = (info->offline && info->split) || info->replica_id != 0;
    if (row->region.end_key.len > 0 &&
        hbase_bytes_compare(row->region.start_key, row->region.end_key) >= 0)
        return status_error(STATUS_DATA_LOSS, "hbase:meta has a region that ends before it begins");
    return status_ok();
}

struct status hbase_meta_row_read(const struct hbase_cell *cells, size_t ncells,
                                  struct arena *arena, struct hbase_meta_row *ret)
{
    struct str info = find_value(cells, ncells, "regioninfo");
    struct hbase_meta_row row = {0};
    ProtobufCMessage *message = NULL;

    if (ncells == 0 || cells[0].row.len > HBASE_META_MAX_NAME_BYTES || info.len == 0 ||
        info.len > MAX_INFO_BYTES)
        return status_error(STATUS_DATA_LOSS, "hbase:meta has a row that is no region");

    struct status st =
        hbase_message_read_stored(info, &hb__region_info__descriptor, arena, &message);
    if (st.code == STATUS_OK)
        st = hbase_region_copy_text(cells[0].row, arena, &row.region.name);
    if (st.code == STATUS_OK)
        st = read_info((const Hb__RegionInfo *)message, &row);
    if (st.code == STATUS_OK)
        st = read_server(cells, ncells, &row);
    if (st.code == STATUS_OK)
        *ret = row;
    return st;
}
