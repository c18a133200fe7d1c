/*
 * hbase/scan.c - one scanner at a time, at the server of the region that has the next row.
 *
 * The call for the next page is sent before a page is given to the caller. What a scanner at the server has come to is never
 * asked for: whatever goes wrong, another one is opened at the position (hbase/page.h). That holds for a caller, too, who
 * takes longer with a page than the server keeps a scanner: opening another costs less than keeping one alive.
 */
#include "hbase/scan.h"

#include "base/arena.h"
#include "base/mem.h"
#include "hbase/cluster.h"
#include "hbase/connection.h"
#include "hbase/message.h"
#include "hbase/page.h"
#include "hbase/refusal.h"

enum {
    DEFAULT_PAGE_BYTES = 2 * 1024 * 1024,
    CALL_TIMEOUT_MS = 60000,       /* a server that finds nothing says so after half of it */
    MAX_REGION_BYTES = 256 * 1024, /* that a region's keys may take */
};

struct hbase_scanner {
    struct hbase_table *table;
    struct hbase_cluster *cluster;
    struct arena *arena; /* of the copies of the options */
    struct str stop_row;
    Hb__Scan scan; /* but for its start_row */
    struct hbase_page_reader reader;

    /* The region that is being read; region_arena is NULL if it is not known. */
    struct arena *region_arena;
    struct hbase_region region;
    struct hbase_connection *connection; /* NULL: there is none yet */
    bool is_open;                        /* the server has a scanner */
    uint64_t scanner_id;
    uint64_t next_call_seq;

    struct hbase_call *call;  /* for the next page; NULL: not sent yet */
    struct hbase_reply reply; /* what the caller's page borrows from */
    bool is_retrying;         /* nothing has come since a fault */
    struct hbase_retry retry;
    bool is_end;
};

/* ---- Options */

static struct str copy(struct arena *arena, struct str text)
{
    return (struct str){.data = arena_copy_str(arena, text), .len = text.len};
}

static Hb__Column *find_family(const Hb__Scan *scan, struct str family)
{
    for (size_t i = 0; i < scan->n_column; i++)
        if (str_is_equal(hbase_bytes_get(scan->column[i]->family), family))
            return scan->column[i];
    return NULL;
}

static bool is_whole(const struct hbase_scan_options *options, struct str family)
{
    for (size_t i = 0; i < options->ncolumns; i++)
        if (options->columns[i].is_whole_family && str_is_equal(options->columns[i].family, family))
            return true;
    return options->is_raw;
}

/* A family once, with all its qualifiers: servers take a second one for a change of the first. */
static void set_columns(struct hbase_scanner *scanner, const struct hbase_scan_options *options)
{
    Hb__Scan *scan = &scanner->scan;
    size_t n = options->ncolumns;

    scan->column = arena_alloc(scanner->arena, (n + 1) * sizeof(Hb__Column *));
    for (size_t i = 0; i < n; i++) {
        struct str family = options->columns[i].family;
        Hb__Column *column = find_family(scan, family);

        if (!column) {
            column = arena_alloc(scanner->arena, sizeof(*column));
            *column = (Hb__Column)HB__COLUMN__INIT;
            column->family = hbase_bytes_make(copy(scanner->arena, family));
            column->qualifier = arena_alloc(scanner->arena, (n + 1) * sizeof(*column->qualifier));
            scan->column[scan->n_column++] = column;
        }
        if (!is_whole(options, family))
            column->qualifier[column->n_qualifier++] =
                hbase_bytes_make(copy(scanner->arena, options->columns[i].qualifier));
    }
}

/* The columns that a raw scan leaves out by itself. */
static void set_filter(struct hbase_scanner *scanner, const struct hbase_scan_options *options)
{
    struct hbase_column *columns =
        arena_alloc(scanner->arena, (options->ncolumns + 1) * sizeof(*columns));

    for (size_t i = 0; i < options->ncolumns; i++) {
        columns[i] = options->columns[i];
        columns[i].family = copy(scanner->arena, columns[i].family);
        columns[i].qualifier = copy(scanner->arena, columns[i].qualifier);
    }
    scanner->reader.columns = columns;
    scanner->reader.ncolumns = options->ncolumns;
}

/* HBase's clients mark raw scans by an attribute, whose value is true as Java writes it (Scan.setRaw). */
static void set_raw(struct hbase_scanner *scanner)
{
    Hb__NameBytesPair *raw = arena_alloc(scanner->arena, sizeof(*raw));
    Hb__Scan *scan = &scanner->scan;

    *raw = (Hb__NameBytesPair)HB__NAME_BYTES_PAIR__INIT;
    raw->name = arena_copy_str(scanner->arena, str_from("_raw_"));
    raw->has_value = true;
    raw->value = hbase_bytes_make(copy(scanner->arena, str_from("\xff")));
    scan->attribute = arena_alloc(scanner->arena, sizeof(Hb__NameBytesPair *));
    scan->attribute[scan->n_attribute++] = raw;
}

static void set_range(struct hbase_scanner *scanner, const struct hbase_scan_options *options)
{
    Hb__TimeRange *range = arena_alloc(scanner->arena, sizeof(*range));

    *range = (Hb__TimeRange)HB__TIME_RANGE__INIT;
    range->has_from = true;
    range->from = (uint64_t)options->start_ms;
    range->has_to = true;
    range->to = (uint64_t)options->end_ms;
    scanner->scan.time_range = range;
}

static void set_keys_only(struct hbase_scanner *scanner)
{
    static const char no_length_instead[] = {1 << 3, 0}; /* KeyOnlyFilter, len_as_val = false */
    Hb__Filter *filter = arena_alloc(scanner->arena, sizeof(*filter));

    *filter = (Hb__Filter)HB__FILTER__INIT;
    filter->name = (char *)(uintptr_t)"org.apache.hadoop.hbase.filter.KeyOnlyFilter";
    filter->has_serialized_filter = true;
    filter->serialized_filter =
        hbase_bytes_make(str_from_bytes(no_length_instead, sizeof(no_length_instead)));
    scanner->scan.filter = filter;
}

static void set_scan(struct hbase_scanner *scanner, const struct hbase_scan_options *options)
{
    Hb__Scan *scan = &scanner->scan;

    *scan = (Hb__Scan)HB__SCAN__INIT;
    set_columns(scanner, options);
    if (options->is_raw) {
        set_raw(scanner);
        set_filter(scanner, options);
    }
    if (options->is_keys_only)
        set_keys_only(scanner);
    if (options->start_ms > 0 || options->end_ms < INT64_MAX)
        set_range(scanner, options);
    scan->has_start_row = true;
    scan->has_stop_row = true;
    scan->stop_row = hbase_bytes_make(scanner->stop_row);
    /* Unless it is said, a scan from a row to itself is that row's get (ProtobufUtil.toScan). */
    scan->has_include_stop_row = true;
    scan->has_max_versions = true;
    scan->max_versions = (uint32_t)options->max_versions;
    scan->has_cache_blocks = true;
    scan->cache_blocks = options->keeps_cache;
    scan->has_max_result_size = true;
    scan->max_result_size = options->page_bytes > 0 ? options->page_bytes : DEFAULT_PAGE_BYTES;
    scan->has_read_type = !options->keeps_cache;
    scan->read_type = HB__SCAN__READ_TYPE__STREAM;
}

struct hbase_scanner *hbase_scanner_create(struct hbase_table *table,
                                           const struct hbase_scan_options *options)
{
    struct hbase_scanner *scanner = mem_alloc(sizeof(*scanner));

    scanner->table = table;
    scanner->cluster = hbase_table_get_cluster(table);
    scanner->arena = arena_create(0);
    scanner->stop_row = copy(scanner->arena, options->stop_row);
    hbase_position_set(&scanner->reader.position, options->start_row);
    set_scan(scanner, options);
    return scanner;
}

/* ---- Calls */

static struct str get_next_row(const struct hbase_scanner *scanner)
{
    return buf_get(&scanner->reader.position.next_row);
}

/* Finds the region that has the next row, and its server. */
static bool connect_region(struct hbase_scanner *scanner, struct hbase_fault *ret_fault)
{
    struct arena *arena = arena_create(MAX_REGION_BYTES);
    struct status st =
        hbase_table_locate(scanner->table, get_next_row(scanner), arena, &scanner->region);

    arena_destroy(scanner->region_arena);
    scanner->region_arena = arena;
    if (st.code != STATUS_OK) {
        hbase_fault_from_status(st, ret_fault);
        return false;
    }

    st = hbase_cluster_connect(scanner->cluster, &scanner->region.server, HBASE_CLIENT_SERVICE,
                               &scanner->connection);
    if (st.code != STATUS_OK) {
        hbase_fault_from_status(st, ret_fault);
        hbase_table_take_fault(scanner->table, &scanner->region, ret_fault);
        return false;
    }
    return true;
}

/* What to do at the server: with rows 0 a scanner is closed. */
static void start_call(struct hbase_scanner *scanner, uint32_t nrows, struct hbase_call **ret)
{
    Hb__ScanRequest message = HB__SCAN_REQUEST__INIT;
    Hb__RegionSpecifier region = HB__REGION_SPECIFIER__INIT;
    const struct hbase_request request = {
        .method = "Scan",
        .message = &message.base,
        .reply = &hb__scan_response__descriptor,
        .timeout_ms = CALL_TIMEOUT_MS,
    };

    message.has_number_of_rows = true;
    message.number_of_rows = nrows;
    message.has_close_scanner = true;
    message.close_scanner = nrows == 0;
    message.has_client_handles_partials = true;
    message.client_handles_partials = true;
    message.has_client_handles_heartbeats = true;
    message.client_handles_heartbeats = true;
    if (scanner->is_open) {
        message.has_scanner_id = true;
        message.scanner_id = scanner->scanner_id;
        message.has_next_call_seq = nrows > 0;
        message.next_call_seq = scanner->next_call_seq;
    } else {
        region.type = HB__REGION_SPECIFIER__TYPE__REGION_NAME;
        region.value = hbase_bytes_make(scanner->region.name);
        message.region = &region;
        scanner->scan.start_row = hbase_bytes_make(get_next_row(scanner));
        message.scan = &scanner->scan;
    }
    hbase_call_start(scanner->connection, &request, ret);
}

static void leave_region(struct hbase_scanner *scanner)
{
    if (scanner->connection)
        hbase_cluster_release(scanner->cluster, scanner->connection);
    scanner->connection = NULL;
    scanner->is_open = false;
    scanner->next_call_seq = 0;
}

/* Waits for the page that is on its way, or asks for it first. */
static bool receive(struct hbase_scanner *scanner, struct hbase_fault *ret_fault)
{
    if (!scanner->connection && !connect_region(scanner, ret_fault))
        return false;
    if (!scanner->call)
        start_call(scanner, INT32_MAX, &scanner->call);

    bool is_answered = hbase_call_wait(scanner->call, &scanner->reply, ret_fault);
    scanner->call = NULL;
    if (is_answered)
        return true;
    hbase_table_take_fault(scanner->table, &scanner->region, ret_fault);
    /* These were not begun, so the scanner is where it was (RSRpcServices.scan, CallRunner). */
    if (ret_fault->action != HBASE_ACTION_OVERLOAD && ret_fault->action != HBASE_ACTION_THROTTLE)
        leave_region(scanner);
    return false;
}

/* ---- Pages */

/* The region is done: the position is its end, or that of the scan. */
static void end_region(struct hbase_scanner *scanner, struct hbase_page *page)
{
    struct hbase_position *position = &scanner->reader.position;
    struct str end = scanner->region.end_key;

    if (position->is_in_row && position->has_cells)
        page->nrows++;
    scanner->is_end = end.len == 0 || (scanner->stop_row.len > 0 &&
                                       hbase_bytes_compare(end, scanner->stop_row) >= 0);
    hbase_position_set(position, scanner->is_end ? scanner->stop_row : end);
    page->next_row = get_next_row(scanner);
    page->is_region_end = true;
    page->is_end = scanner->is_end;
    leave_region(scanner);
}

static bool is_region_done(const Hb__ScanResponse *response)
{
    return (response->has_more_results_in_region && !response->more_results_in_region) ||
           (response->has_more_results && !response->more_results);
}

/* Reads the answer, and sends for the page behind it. */
static struct status take_page(struct hbase_scanner *scanner, struct hbase_page *ret)
{
    const Hb__ScanResponse *response = (const Hb__ScanResponse *)scanner->reply.message;
    bool is_done = is_region_done(response);
    struct status st = hbase_page_read(&scanner->reader, response, scanner->reply.block, ret);

    if (st.code == STATUS_OK && !scanner->is_open && !is_done && !response->has_scanner_id)
        st = status_error(STATUS_DATA_LOSS, "HBase opened a scanner without a number");
    if (st.code != STATUS_OK) {
        leave_region(scanner);
        return st;
    }
    if (is_done || ret->ncells > 0 || response->heartbeat_message)
        scanner->is_retrying = false;
    if (is_done) {
        end_region(scanner, ret);
        return status_ok();
    }
    if (scanner->is_open)
        scanner->next_call_seq++;
    else
        scanner->scanner_id = response->scanner_id;
    scanner->is_open = true;
    start_call(scanner, INT32_MAX, &scanner->call);
    return status_ok();
}

struct status hbase_scanner_next(struct hbase_scanner *scanner, struct hbase_page *ret)
{
    struct hbase_fault fault;

    hbase_reply_free(&scanner->reply);
    scanner->reply = (struct hbase_reply){0};
    if (scanner->is_end) {
        *ret = (struct hbase_page){.next_row = get_next_row(scanner), .is_end = true};
        return status_ok();
    }
    while (!receive(scanner, &fault)) {
        if (!scanner->is_retrying)
            scanner->retry = hbase_cluster_begin_retry(scanner->cluster);
        scanner->is_retrying = true;
        if (!hbase_cluster_pause(scanner->cluster, &scanner->retry, &fault))
            return hbase_refusal_explain(hbase_cluster_explain(scanner->cluster, &fault),
                                         hbase_table_get_text(scanner->table));
    }
    return take_page(scanner, ret);
}

/* A call that is on its way is waited for: the server takes no other one for the same scanner meanwhile. */
static void close_scanner(struct hbase_scanner *scanner)
{
    struct hbase_reply reply = {0};
    struct hbase_fault fault;
    struct hbase_call *call;

    if (scanner->call) {
        bool is_answered = hbase_call_wait(scanner->call, &reply, &fault);
        if (!is_answered || is_region_done((const Hb__ScanResponse *)reply.message))
            scanner->is_open = false;
        hbase_reply_free(&reply);
    }
    if (scanner->is_open) {
        start_call(scanner, 0, &call);
        hbase_call_cancel(call);
    }
}

void hbase_scanner_destroy(struct hbase_scanner *scanner)
{
    if (!scanner)
        return;
    close_scanner(scanner);
    leave_region(scanner);
    hbase_reply_free(&scanner->reply);
    hbase_page_reader_deinit(&scanner->reader);
    arena_destroy(scanner->region_arena);
    arena_destroy(scanner->arena);
    mem_free(scanner);
}
