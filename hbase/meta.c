/*
 * hbase/meta.c - scans hbase:meta as MetaTableAccessor and AsyncNonMetaRegionLocator do.
 *
 * A region's row is called "table,start key,number.hash."; hbase:meta orders them by these parts, so a range of one table's
 * rows is what lies between "table,," and "table ,,", whatever else there is. No client handles rows in parts here: a
 * server sends whole ones then.
 */
#include "hbase/meta.h"

#include "base/mem.h"
#include "hbase/cell.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/message.h"

enum {
    CALL_MS = 10000,
    PRIORITY = 200, /* HConstants.SYSTEMTABLE_QOS */
    PAGE_ROWS = 100,
    PAGE_BYTES = 2 * 1024 * 1024,
    MAX_EMPTY_PAGES = 20, /* one after the other; a server has no reason to send any */
};

static const char META_NAME[] = "hbase:meta,,1";
static const char LAST_NUMBER[] = "99999999999999"; /* HConstants.NINES: behind any region's */

/* What one scan asks for, and what it has found. */
struct scan {
    struct hbase_cluster *cluster;
    struct hbase_server server;
    struct str start;
    struct str stop;
    bool is_last_only; /* backwards from start, one row */
    struct arena *arena;
    struct hbase_meta_rows *rows;
};

void hbase_meta_rows_deinit(struct hbase_meta_rows *rows)
{
    mem_free(rows->items);
    *rows = (struct hbase_meta_rows){0};
}

static Hb__RegionSpecifier make_region(void)
{
    Hb__RegionSpecifier region = HB__REGION_SPECIFIER__INIT;

    region.type = HB__REGION_SPECIFIER__TYPE__REGION_NAME;
    region.value = hbase_bytes_make(str_from(META_NAME));
    return region;
}

/* hbase:meta may be elsewhere now, or its server be gone. */
static bool take_fault(struct hbase_cluster *cluster, const struct hbase_fault *fault)
{
    if (fault->action == HBASE_ACTION_RELOCATE || fault->action == HBASE_ACTION_RECONNECT)
        hbase_cluster_forget(cluster);
    return false;
}

static bool fail(struct status st, struct hbase_fault *ret_fault)
{
    hbase_fault_from_status(st, ret_fault);
    return false;
}

static struct hbase_request make_request(const char *method, const ProtobufCMessage *message,
                                         const ProtobufCMessageDescriptor *reply)
{
    return (struct hbase_request){
        .method = method,
        .message = message,
        .reply = reply,
        .priority = PRIORITY,
        .timeout_ms = CALL_MS,
    };
}

static bool try_call(struct hbase_cluster *cluster, const struct hbase_server *server,
                     struct hbase_request request, struct hbase_reply *ret,
                     struct hbase_fault *ret_fault)
{
    return hbase_cluster_try(cluster, server, HBASE_CLIENT_SERVICE, &request, ret, ret_fault) ||
           take_fault(cluster, ret_fault);
}

static bool try_scan(const struct scan *scan, const Hb__ScanRequest *request,
                     struct hbase_reply *ret, struct hbase_fault *ret_fault)
{
    return try_call(scan->cluster, &scan->server,
                    make_request("Scan", &request->base, &hb__scan_response__descriptor), ret,
                    ret_fault);
}

/* The request that opens the scanner. */
static bool open_scan(const struct scan *scan, struct hbase_reply *ret,
                      struct hbase_fault *ret_fault)
{
    Hb__RegionSpecifier region = make_region();
    Hb__ScanRequest request = HB__SCAN_REQUEST__INIT;
    Hb__Scan what = HB__SCAN__INIT;
    Hb__Column column = HB__COLUMN__INIT, *columns[] = {&column};
    ProtobufCBinaryData qualifiers[HBASE_META_NCOLUMNS];

    for (size_t i = 0; i < HBASE_META_NCOLUMNS; i++)
        qualifiers[i] = hbase_bytes_make(str_from(hbase_meta_columns[i]));
    column.family = hbase_bytes_make(str_from("info"));
    column.qualifier = qualifiers;
    column.n_qualifier = HBASE_META_NCOLUMNS;
    what.column = columns;
    what.n_column = 1;
    what.has_start_row = what.has_stop_row = 1;
    what.start_row = hbase_bytes_make(scan->start);
    what.stop_row = hbase_bytes_make(scan->stop);
    what.has_max_result_size = 1;
    what.max_result_size = PAGE_BYTES;
    what.has_reversed = 1;
    what.reversed = scan->is_last_only;
    request.region = &region;
    request.scan = &what;
    request.has_number_of_rows = request.has_close_scanner = 1;
    request.number_of_rows = scan->is_last_only ? 1 : PAGE_ROWS;
    request.close_scanner = scan->is_last_only;
    if (scan->is_last_only) {
        request.has_limit_of_rows = 1;
        request.limit_of_rows = 1;
    }
    return try_scan(scan, &request, ret, ret_fault);
}

static bool continue_scan(const struct scan *scan, uint64_t scanner_id, uint64_t sequence,
                          struct hbase_reply *ret, struct hbase_fault *ret_fault)
{
    Hb__ScanRequest request = HB__SCAN_REQUEST__INIT;

    request.has_scanner_id = request.has_number_of_rows = request.has_next_call_seq = 1;
    request.scanner_id = scanner_id;
    request.number_of_rows = PAGE_ROWS;
    request.next_call_seq = sequence;
    return try_scan(scan, &request, ret, ret_fault);
}

static struct hbase_meta_row *add_row(struct hbase_meta_rows *rows)
{
    if (rows->count == rows->size) {
        rows->size = rows->size ? 2 * rows->size : 16;
        rows->items = mem_realloc_array(rows->items, rows->size, sizeof(*rows->items));
    }
    return &rows->items[rows->count++];
}

/* Takes the next ncells cells off the block: one row. */
static struct status take_row(struct scan *scan, struct str *block, size_t ncells)
{
    struct hbase_cell cells[HBASE_META_MAX_CELLS];
    struct hbase_meta_row row;

    if (ncells > HBASE_META_MAX_CELLS)
        return status_error(STATUS_DATA_LOSS, "hbase:meta has a row of %zu cells", ncells);
    if (scan->rows->count == HBASE_MAX_REGIONS)
        return status_error(STATUS_RESOURCE_EXHAUSTED, "the table has more than %d regions",
                            HBASE_MAX_REGIONS);
    for (size_t i = 0; i < ncells; i++) {
        struct status st = status_error(STATUS_DATA_LOSS, "an answer has fewer cells than it says");

        if (block->len > 0)
            st = hbase_cell_take(block, &cells[i]);
        if (st.code != STATUS_OK)
            return st;
    }
    struct status st = hbase_meta_row_read(cells, ncells, scan->arena, &row);
    if (st.code == STATUS_OK)
        *add_row(scan->rows) = row;
    return st;
}

static struct status take_page(struct scan *scan, const struct hbase_reply *reply)
{
    const Hb__ScanResponse *response = (const Hb__ScanResponse *)reply->message;
    struct str block = reply->block;
    struct status st = status_ok();

    for (size_t i = 0; i < response->n_cells_per_result && st.code == STATUS_OK; i++)
        st = take_row(scan, &block, response->cells_per_result[i]);
    return st;
}

static bool is_at_end(const struct scan *scan, const Hb__ScanResponse *response)
{
    return scan->is_last_only || (response->has_more_results && !response->more_results) ||
           (response->has_more_results_in_region && !response->more_results_in_region);
}

/* Reads the scanner's pages to the end. */
static bool read_pages(struct scan *scan, struct hbase_fault *ret_fault)
{
    struct hbase_reply reply;
    uint64_t scanner_id = 0;
    unsigned nempty = 0;
    bool is_end = false;

    for (uint64_t i = 0; !is_end; i++) {
        if (!(i == 0 ? open_scan(scan, &reply, ret_fault)
                     : continue_scan(scan, scanner_id, i - 1, &reply, ret_fault)))
            return false;
        const Hb__ScanResponse *response = (const Hb__ScanResponse *)reply.message;
        struct status st = take_page(scan, &reply);

        if (response->has_scanner_id)
            scanner_id = response->scanner_id;
        nempty = response->n_cells_per_result > 0 ? 0 : nempty + 1;
        is_end = is_at_end(scan, response);
        hbase_reply_free(&reply);
        if (st.code == STATUS_OK && !is_end && nempty > MAX_EMPTY_PAGES)
            st = status_error(STATUS_UNAVAILABLE, "the server of hbase:meta sends no rows");
        if (st.code != STATUS_OK)
            return fail(st, ret_fault);
    }
    return true;
}

static bool run(struct scan *scan, struct hbase_fault *ret_fault)
{
    struct status st = hbase_cluster_find_meta(scan->cluster, &scan->server);

    return st.code == STATUS_OK ? read_pages(scan, ret_fault) : fail(st, ret_fault);
}

bool hbase_meta_list(struct hbase_cluster *cluster, const char *table, struct arena *arena,
                     struct hbase_meta_rows *ret, struct hbase_fault *ret_fault)
{
    struct buf start = {0}, stop = {0};

    buf_printf(&start, "%s,,", table);
    buf_printf(&stop, "%s ,,", table);
    struct scan scan = {.cluster = cluster,
                        .start = buf_get(&start),
                        .stop = buf_get(&stop),
                        .arena = arena,
                        .rows = ret};
    bool is_ok = run(&scan, ret_fault);
    buf_deinit(&start);
    buf_deinit(&stop);
    return is_ok;
}

bool hbase_meta_locate(struct hbase_cluster *cluster, const char *table, struct str row,
                       struct arena *arena, struct hbase_meta_rows *ret,
                       struct hbase_fault *ret_fault)
{
    /*
     * What is searched for is itself a row's key. A region that begins with a longer text than fits would have a name that
     * does not, so what is behind that decides nothing.
     */
    size_t max = HBASE_MAX_ROW_BYTES - strlen(table) - strlen(LAST_NUMBER) - 2;
    struct buf start = {0}, stop = {0};

    buf_printf(&start, "%s,", table);
    buf_append(&start, row.data, row.len < max ? row.len : max);
    buf_printf(&start, ",%s", LAST_NUMBER);
    buf_printf(&stop, "%s,,", table);
    struct scan scan = {.cluster = cluster,
                        .start = buf_get(&start),
                        .stop = buf_get(&stop),
                        .is_last_only = true,
                        .arena = arena,
                        .rows = ret};
    bool is_ok = run(&scan, ret_fault);
    buf_deinit(&start);
    buf_deinit(&stop);
    return is_ok;
}

static struct status read_presence(struct str block, enum hbase_table_presence *ret)
{
    struct hbase_cell cell;
    ProtobufCMessage *message;

    if (block.len == 0) {
        *ret = HBASE_TABLE_ABSENT;
        return status_ok();
    }
    struct status st = hbase_cell_take(&block, &cell);
    if (st.code != STATUS_OK)
        return st;

    struct arena *arena = arena_create(1024);
    st = hbase_message_read(cell.value, &hb__table_state__descriptor, arena, &message);
    if (st.code == STATUS_OK) {
        Hb__TableState__State state = ((const Hb__TableState *)message)->state;

        *ret =
            state == HB__TABLE_STATE__STATE__DISABLED || state == HB__TABLE_STATE__STATE__DISABLING
                ? HBASE_TABLE_DISABLED
                : HBASE_TABLE_ENABLED;
    }
    arena_destroy(arena);
    return st;
}

bool hbase_meta_get_presence(struct hbase_cluster *cluster, const char *table,
                             enum hbase_table_presence *ret, struct hbase_fault *ret_fault)
{
    Hb__RegionSpecifier region = make_region();
    Hb__GetRequest request = HB__GET_REQUEST__INIT;
    Hb__Get get = HB__GET__INIT;
    Hb__Column column = HB__COLUMN__INIT, *columns[] = {&column};
    ProtobufCBinaryData qualifier = hbase_bytes_make(str_from("state"));
    struct hbase_server server;
    struct hbase_reply reply;

    struct status st = hbase_cluster_find_meta(cluster, &server);
    if (st.code != STATUS_OK)
        return fail(st, ret_fault);
    column.family = hbase_bytes_make(str_from("table"));
    column.qualifier = &qualifier;
    column.n_qualifier = 1;
    get.row = hbase_bytes_make(str_from(table));
    get.column = columns;
    get.n_column = 1;
    request.region = &region;
    request.get = &get;
    if (!try_call(cluster, &server,
                  make_request("Get", &request.base, &hb__get_response__descriptor), &reply,
                  ret_fault))
        return false;
    st = read_presence(reply.block, ret);
    hbase_reply_free(&reply);
    return st.code == STATUS_OK || fail(st, ret_fault);
}
