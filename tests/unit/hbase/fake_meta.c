#include "tests/unit/hbase/fake_meta.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "hbase/bytes.h"
#include "hbase/cell.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/message.h"

enum { START_CODE = 1700000000, NAME_BYTES = 600, SERVER_BYTES = 300 };

static const char * or (const char *text, const char *fallback)
{
    return text ? text : fallback;
}

void fake_meta_init(struct fake_meta *ret)
{
    *ret = (struct fake_meta){.tables = ""};
    (void)pthread_mutex_init(&ret->mutex, NULL);
}

void fake_meta_deinit(struct fake_meta *meta)
{
    (void)pthread_mutex_destroy(&meta->mutex);
}

void fake_meta_set(struct fake_meta *meta, const char *tables, const struct fake_region *regions,
                   size_t nregions)
{
    if (nregions > FAKE_META_MAX_REGIONS)
        abort();
    (void)pthread_mutex_lock(&meta->mutex);
    meta->tables = tables;
    meta->nregions = nregions;
    if (nregions > 0)
        memcpy(meta->regions, regions, nregions * sizeof(*regions));
    (void)pthread_mutex_unlock(&meta->mutex);
}

const char *fake_region_write_name(const struct fake_region *region, char ret[NAME_BYTES])
{
    (void)snprintf(ret, NAME_BYTES, "%s,%s,%u.", region->table, or (region->start, ""),
                   region->number);
    return ret;
}

/* ---- The registry ---- */

static Hb__ServerName make_server(const struct fake_meta *meta)
{
    Hb__ServerName server = HB__SERVER_NAME__INIT;

    server.host_name = (char *)(uintptr_t) or (meta->host, "127.0.0.1");
    server.has_port = server.has_start_code = 1;
    server.port = (uint32_t)meta->port;
    server.start_code = START_CODE;
    return server;
}

static void answer_master(struct fake_meta *meta, struct fake_call *call)
{
    Hb__GetActiveMasterResponse reply = HB__GET_ACTIVE_MASTER_RESPONSE__INIT;
    Hb__ServerName server = make_server(meta);

    if (meta->is_old) {
        fake_call_throw(call, "org.apache.hadoop.hbase.DoNotRetryIOException",
                        "java.lang.UnsupportedOperationException: GetActiveMaster",
                        FAKE_DO_NOT_RETRY);
        return;
    }
    if (!meta->has_no_master)
        reply.server_name = &server;
    fake_call_reply(call, &reply.base, (struct str){0});
}

/* A standby stands first. */
static void answer_masters(struct fake_meta *meta, struct fake_call *call)
{
    Hb__GetMastersResponse reply = HB__GET_MASTERS_RESPONSE__INIT;
    Hb__GetMastersResponseEntry standby = HB__GET_MASTERS_RESPONSE_ENTRY__INIT;
    Hb__GetMastersResponseEntry active = HB__GET_MASTERS_RESPONSE_ENTRY__INIT;
    Hb__GetMastersResponseEntry *entries[] = {&standby, &active};
    Hb__ServerName server = make_server(meta), other = make_server(meta);

    other.port = 1;
    standby.server_name = &other;
    active.server_name = &server;
    active.is_active = !meta->has_no_master;
    reply.n_master_servers = 2;
    reply.master_servers = entries;
    fake_call_reply(call, &reply.base, (struct str){0});
}

/* A replica stands first. */
static void answer_meta(struct fake_meta *meta, struct fake_call *call)
{
    Hb__GetMetaRegionLocationsResponse reply = HB__GET_META_REGION_LOCATIONS_RESPONSE__INIT;
    Hb__RegionLocation replica = HB__REGION_LOCATION__INIT, first = HB__REGION_LOCATION__INIT;
    Hb__RegionLocation *locations[] = {&replica, &first};
    Hb__RegionInfo replica_info = HB__REGION_INFO__INIT, info = HB__REGION_INFO__INIT;
    Hb__TableName name = HB__TABLE_NAME__INIT;
    Hb__ServerName server = make_server(meta), other = make_server(meta);

    other.port = 1;
    name.namespace_ = hbase_bytes_make(str_from("hbase"));
    name.qualifier = hbase_bytes_make(str_from("meta"));
    replica_info.table_name = info.table_name = &name;
    replica_info.has_replica_id = 1;
    replica_info.replica_id = 1;
    replica.region_info = &replica_info;
    replica.server_name = &other;
    first.region_info = &info;
    first.server_name = meta->has_no_meta ? NULL : &server;
    reply.n_meta_locations = 2;
    reply.meta_locations = locations;
    fake_call_reply(call, &reply.base, (struct str){0});
}

static void answer_id(struct fake_meta *meta, struct fake_call *call)
{
    Hb__GetClusterIdResponse reply = HB__GET_CLUSTER_ID_RESPONSE__INIT;

    (void)meta;
    reply.cluster_id = (char *)(uintptr_t)"00112233-4455-6677-8899-aabbccddeeff";
    fake_call_reply(call, &reply.base, (struct str){0});
}

/* ---- Rows ---- */

static void add_cell(struct buf *block, const char *row, const char *qualifier, struct str value)
{
    const struct hbase_cell cell = {
        .row = str_from(row),
        .family = str_from("info"),
        .qualifier = str_from(qualifier),
        .value = value,
        .timestamp_ms = START_CODE,
        .type = HBASE_PUT,
    };

    hbase_cell_write(block, &cell);
}

static void write_info(const struct fake_region *region, struct buf *ret)
{
    Hb__RegionInfo info = HB__REGION_INFO__INIT;
    Hb__TableName name = HB__TABLE_NAME__INIT;

    name.namespace_ = hbase_bytes_make(str_from("default"));
    name.qualifier = hbase_bytes_make(str_from(region->table));
    info.table_name = &name;
    info.region_id = region->number;
    info.has_start_key = info.has_end_key = info.has_offline = info.has_split = 1;
    info.start_key = hbase_bytes_make(str_from(or (region->start, "")));
    info.end_key = hbase_bytes_make(str_from(or (region->end, "")));
    info.offline = info.split = region->is_split;
    info.has_replica_id = 1;
    info.replica_id = region->replica;
    buf_append_text(ret, "PBUF");
    hbase_message_write(ret, &info.base);
}

/* Appends the region's cells; returns how many. */
static uint32_t add_row(const struct fake_meta *meta, const struct fake_region *region,
                        struct buf *block)
{
    char name[NAME_BYTES], server[SERVER_BYTES], start_code[8];
    struct buf info = {0};
    size_t before = block->len;
    uint32_t count = 3;

    fake_region_write_name(region, name);
    write_info(region, &info);
    (void)snprintf(server, sizeof(server), "%s:%d", or (meta->host, "127.0.0.1"), meta->port);
    (void)hbase_put_u64(start_code, START_CODE);
    add_cell(block, name, "regioninfo", buf_get(&info));
    add_cell(block, name, "server", str_from(or (region->server, server)));
    add_cell(block, name, "serverstartcode", str_from_bytes(start_code, sizeof(start_code)));
    if (strcmp(or (region->state, "OPEN"), "") != 0) {
        add_cell(block, name, "state", str_from(or (region->state, "OPEN")));
        count++;
    }
    buf_deinit(&info);
    return block->len > before ? count : 0;
}

static void reply_rows(struct fake_meta *meta, struct fake_call *call, const size_t *rows,
                       size_t nrows, uint64_t more_from)
{
    Hb__ScanResponse reply = HB__SCAN_RESPONSE__INIT;
    uint32_t counts[FAKE_META_MAX_REGIONS];
    struct buf block = {0};

    for (size_t i = 0; i < nrows; i++)
        counts[i] = add_row(meta, &meta->regions[rows[i]], &block);
    reply.n_cells_per_result = nrows;
    reply.cells_per_result = counts;
    reply.has_scanner_id = reply.has_more_results = reply.has_more_results_in_region = 1;
    reply.scanner_id = more_from;
    reply.more_results = 1;
    reply.more_results_in_region = more_from != 0;
    fake_call_reply(call, &reply.base, buf_get(&block));
    buf_deinit(&block);
}

/* The rows of the scanned table from index from on; a scanner's id is where it goes on. */
static void reply_page(struct fake_meta *meta, struct fake_call *call, size_t from)
{
    size_t rows[FAKE_META_MAX_REGIONS], n = 0, i = from;

    for (; i < meta->nregions && (meta->page_rows == 0 || n < meta->page_rows); i++)
        if (strcmp(meta->regions[i].table, meta->scanned_table) == 0)
            rows[n++] = i;
    reply_rows(meta, call, rows, n, i < meta->nregions ? i : 0);
}

/* The last row that begins at the row that start, "table,row,99999999999999", names. */
static void reply_last(struct fake_meta *meta, struct fake_call *call, struct str start)
{
    struct str rest = start, table = str_cut(&rest, ',');
    struct str row = str_from_bytes(rest.data, rest.len - strlen(",99999999999999"));
    size_t found = 0;
    bool is_found = false;

    for (size_t i = 0; i < meta->nregions; i++) {
        const struct fake_region *region = &meta->regions[i];

        if (str_is(table, region->table) &&
            hbase_bytes_compare(str_from(or (region->start, "")), row) <= 0) {
            found = i;
            is_found = true;
        }
    }
    reply_rows(meta, call, &found, is_found ? 1 : 0, 0);
}

static void answer_scan(struct fake_meta *meta, struct fake_call *call,
                        const Hb__ScanRequest *request)
{
    if (!request->scan) {
        reply_page(meta, call, request->scanner_id);
        return;
    }
    struct str start = hbase_bytes_get(request->scan->start_row);
    if (request->scan->reversed) {
        reply_last(meta, call, start);
        return;
    }
    struct str table = str_cut(&start, ',');
    (void)snprintf(meta->scanned_table, sizeof(meta->scanned_table), "%.*s", (int)table.len,
                   table.data);
    reply_page(meta, call, 0);
}

/* Says of a table that is among meta->tables whether it is enabled. */
static void answer_get(struct fake_meta *meta, struct fake_call *call,
                       const Hb__GetRequest *request)
{
    Hb__GetResponse reply = HB__GET_RESPONSE__INIT;
    Hb__TableState state = HB__TABLE_STATE__INIT;
    struct str rest = str_from(meta->tables), wanted = hbase_bytes_get(request->get->row);
    struct buf block = {0}, value = {0};

    while (rest.len > 0) {
        struct str table = str_cut(&rest, ' ');
        bool is_disabled = table.len > 0 && table.data[table.len - 1] == '!';

        table.len -= is_disabled;
        if (!str_is_equal(table, wanted))
            continue;
        state.state =
            is_disabled ? HB__TABLE_STATE__STATE__DISABLED : HB__TABLE_STATE__STATE__ENABLED;
        hbase_message_write(&value, &state.base);
        hbase_cell_write(&block, &(struct hbase_cell){.row = wanted,
                                                      .family = str_from("table"),
                                                      .qualifier = str_from("state"),
                                                      .value = buf_get(&value),
                                                      .type = HBASE_PUT});
    }
    fake_call_reply(call, &reply.base, buf_get(&block));
    buf_deinit(&block);
    buf_deinit(&value);
}

/* ---- What is asked ---- */

static bool is_about_meta(Hb__RegionSpecifier *region)
{
    return region && str_is(hbase_bytes_get(region->value), "hbase:meta,,1");
}

static bool answer_read(struct fake_meta *meta, struct fake_call *call)
{
    if (strcmp(call->method, "Scan") == 0) {
        const Hb__ScanRequest *request =
            (const Hb__ScanRequest *)fake_call_read(call, &hb__scan_request__descriptor);

        if (!is_about_meta(request->region) && call->priority == 0)
            return false;
        answer_scan(meta, call, request);
        return true;
    }
    if (strcmp(call->method, "Get") == 0) {
        const Hb__GetRequest *request =
            (const Hb__GetRequest *)fake_call_read(call, &hb__get_request__descriptor);

        if (!is_about_meta(request->region))
            return false;
        answer_get(meta, call, request);
        return true;
    }
    return false;
}

bool fake_meta_answer(struct fake_meta *meta, struct fake_call *call)
{
    static const struct {
        const char *method;
        void (*answer)(struct fake_meta *meta, struct fake_call *call);
    } methods[] = {
        {"GetActiveMaster", answer_master},
        {"GetMasters", answer_masters},
        {"GetMetaRegionLocations", answer_meta},
        {"GetClusterId", answer_id},
    };
    bool is_answered = false;

    (void)pthread_mutex_lock(&meta->mutex);
    for (size_t i = 0; i < ARRAY_LEN(methods) && !is_answered; i++) {
        is_answered = strcmp(call->method, methods[i].method) == 0;
        if (is_answered)
            methods[i].answer(meta, call);
    }
    is_answered = is_answered || answer_read(meta, call);
    (void)pthread_mutex_unlock(&meta->mutex);
    return is_answered;
}
