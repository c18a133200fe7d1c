/* Scans of a fake table: whatever happens in between, each cell is given once and in order. */
#include "hbase/scan.h"

#include "hbase/hbase.pb-c.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/fake_table.h"

#define CELLS \
    "a/f:x@2 a/f:x@1 a/f:y@1 b/f:@9F b/f:x@1 b/f:y@1 c/f:x@1 d/f:x@1 d/f:y@1 d/f:z@1 m/f:x@1 n/f:x@1"
#define HBASE "org.apache.hadoop.hbase."

enum { SHORT_MS = 300 };

static const struct fake_region one[] = {{.table = "t1", .number = 1}};

/* Another region has another number. */
static const struct fake_region merged[] = {{.table = "t1", .number = 9}};

static const struct fake_region three[] = {
    {.table = "t1", .end = "d", .number = 2},
    {.table = "t1", .start = "d", .end = "m", .number = 3},
    {.table = "t1", .start = "m", .number = 4},
};

/* A scan that goes on to its end, or to an error. */
struct walk {
    struct fake_table f;
    struct hbase_scan_options options;
    struct buf cells; /* as a cell block */
    struct buf text;
    size_t npages;
    size_t nrows;
    size_t nregions;
};

static void walk_open(struct walk *w, const struct fake_region *regions, size_t nregions)
{
    *w = (struct walk){.options = {.end_ms = INT64_MAX, .max_versions = HBASE_ALL_VERSIONS}};
    fake_table_open(&w->f, regions, nregions, CELLS);
}

static void walk_close(struct walk *w)
{
    fake_table_close(&w->f);
    buf_deinit(&w->cells);
    buf_deinit(&w->text);
}

static void take_page(struct walk *w, const struct hbase_page *page)
{
    for (size_t i = 0; i < page->ncells; i++)
        hbase_cell_write(&w->cells, &page->cells[i]);
    w->npages++;
    w->nrows += page->nrows;
    w->nregions += page->is_region_end;
}

static struct status walk_on(struct walk *w, struct hbase_scanner *scanner)
{
    struct hbase_page page = {0};
    struct status st = status_ok();

    while (st.code == STATUS_OK && !page.is_end) {
        st = hbase_scanner_next(scanner, &page);
        if (st.code == STATUS_OK)
            take_page(w, &page);
    }
    return st;
}

static struct status walk(struct walk *w)
{
    struct hbase_scanner *scanner = hbase_scanner_create(w->f.table, &w->options);
    struct status st = walk_on(w, scanner);

    hbase_scanner_destroy(scanner);
    return st;
}

static const char *show(struct walk *w)
{
    return cell_text_show_block(buf_get(&w->cells), &w->text);
}

test(scan_gives_all_cells_of_all_regions)
{
    struct walk w;

    walk_open(&w, three, ARRAY_LEN(three));
    check_status(walk(&w), STATUS_OK);
    check_str(show(&w), CELLS);
    check_int(w.nrows, 6);
    check_int(w.nregions, 3);
    check_int(w.f.ncalls, 3);
    walk_close(&w);
}

test(scan_of_any_pages_gives_each_cell_once)
{
    for (size_t page_cells = 1; page_cells <= 5; page_cells++) {
        struct walk w;

        walk_open(&w, three, ARRAY_LEN(three));
        w.f.page_cells = page_cells;
        w.f.sends_heartbeats = page_cells % 2 == 0;
        check_status(walk(&w), STATUS_OK);
        check_str(show(&w), CELLS);
        check_int(w.nrows, 6);
        walk_close(&w);
    }
}

test(scan_keeps_to_its_range)
{
    static const struct {
        const char *start;
        const char *stop;
        const char *cells;
    } cases[] = {
        {"b", "d", "b/f:@9F b/f:x@1 b/f:y@1 c/f:x@1"},
        {"bb", "m", "c/f:x@1 d/f:x@1 d/f:y@1 d/f:z@1"},
        {"m", "mm", "m/f:x@1"},
        {"d", "d", ""},
        {"n", "", "n/f:x@1"},
        {"x", "", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct walk w;
        struct hbase_page page;

        walk_open(&w, three, ARRAY_LEN(three));
        w.options.start_row = str_from(cases[i].start);
        w.options.stop_row = str_from(cases[i].stop);
        struct hbase_scanner *scanner = hbase_scanner_create(w.f.table, &w.options);
        check_status(walk_on(&w, scanner), STATUS_OK);
        check_str(show(&w), cases[i].cells);
        check_status(hbase_scanner_next(scanner, &page), STATUS_OK); /* the end stays the end */
        check(page.is_end && page.ncells == 0);
        check(str_is(page.next_row, cases[i].stop));
        hbase_scanner_destroy(scanner);
        walk_close(&w);
    }
}

test(scan_tells_where_regions_end)
{
    static const char *const ends[] = {"d", "m", ""};
    struct walk w;
    struct hbase_page page;

    walk_open(&w, three, ARRAY_LEN(three));
    struct hbase_scanner *scanner = hbase_scanner_create(w.f.table, &w.options);
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        check_status(hbase_scanner_next(scanner, &page), STATUS_OK);
        check(page.is_region_end);
        check(str_is(page.next_row, ends[i]));
        check_int(page.is_end, i == ARRAY_LEN(ends) - 1);
    }
    hbase_scanner_destroy(scanner);
    walk_close(&w);
}

/* What may happen to a call without harm. */
static const struct fake_table_fault passing[] = {
    {.kind = FAKE_TABLE_HANGS_UP},
    {.kind = FAKE_TABLE_HANGS_UP_LATE},
    {.kind = FAKE_TABLE_THROWS, .class_name = HBASE "NotServingRegionException"},
    {.kind = FAKE_TABLE_THROWS, .class_name = HBASE "exceptions.RegionOpeningException"},
    {.kind = FAKE_TABLE_THROWS, .class_name = HBASE "UnknownScannerException"},
    {.kind = FAKE_TABLE_THROWS, .class_name = HBASE "exceptions.ScannerResetException"},
    {.kind = FAKE_TABLE_THROWS, .class_name = HBASE "exceptions.OutOfOrderScannerNextException"},
    {.kind = FAKE_TABLE_THROWS, .class_name = HBASE "regionserver.LeaseException"},
    {.kind = FAKE_TABLE_THROWS, .class_name = HBASE "CallQueueTooBigException"},
    {.kind = FAKE_TABLE_THROWS, .class_name = HBASE "regionserver.RegionServerStoppedException"},
    {.kind = FAKE_TABLE_THROWS, .class_name = "java.io.IOException"},
    {.kind = FAKE_TABLE_THROWS,
     .class_name = HBASE "quotas.RpcThrottlingException",
     .text = "number of read requests exceeded - wait 20ms"},
};

test(scan_goes_on_behind_the_last_cell_after_any_passing_fault_of_any_call)
{
    static const unsigned calls[] = {0, 2, 3}; /* to open; in the middle of a row; between two */

    for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
        for (size_t j = 0; j < ARRAY_LEN(calls); j++) {
            struct fake_table_fault fault = passing[i];
            struct walk w;

            walk_open(&w, one, ARRAY_LEN(one));
            fault.call = calls[j];
            w.f.faults = &fault;
            w.f.nfaults = 1;
            w.f.page_cells = 2;
            check_status(walk(&w), STATUS_OK);
            check_str(show(&w), CELLS);
            check_int(w.nrows, 6);
            check(w.f.ncalls > 6);
            walk_close(&w);
        }
    }
}

test(scan_does_not_open_another_scanner_for_a_call_that_was_not_begun)
{
    static const struct fake_table_fault fault = {
        .call = 2, .kind = FAKE_TABLE_THROWS, .class_name = HBASE "CallQueueTooBigException"};
    struct walk w;

    walk_open(&w, one, ARRAY_LEN(one));
    w.f.faults = &fault;
    w.f.nfaults = 1;
    w.f.page_cells = 2;
    check_status(walk(&w), STATUS_OK);
    check_int(w.f.scanner_id, 1);
    walk_close(&w);
}

test(scan_goes_on_in_the_regions_that_there_are_after_a_split_and_a_merge)
{
    for (unsigned call = 0; call < 6; call++) {
        const struct fake_table_fault faults[] = {
            {.call = call,
             .kind = FAKE_TABLE_CHANGES,
             .regions = three,
             .nregions = ARRAY_LEN(three)},
            {.call = call + 3,
             .kind = FAKE_TABLE_CHANGES,
             .regions = merged,
             .nregions = ARRAY_LEN(merged)},
        };
        struct walk w;

        walk_open(&w, one, ARRAY_LEN(one));
        w.f.faults = faults;
        w.f.nfaults = ARRAY_LEN(faults);
        w.f.page_cells = 2;
        check_status(walk(&w), STATUS_OK);
        check_str(show(&w), CELLS);
        check_int(w.nrows, 6);
        walk_close(&w);
    }
}

test(scan_says_what_cannot_be_done)
{
    static const struct {
        const char *class_name;
        enum status_code code;
    } cases[] = {
        {HBASE "TableNotFoundException", STATUS_NOT_FOUND},
        {HBASE "security.AccessDeniedException", STATUS_PERMISSION_DENIED},
        {HBASE "regionserver.NoSuchColumnFamilyException", STATUS_FAILED_PRECONDITION},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct fake_table_fault fault = {
            .kind = FAKE_TABLE_THROWS, .count = 99, .class_name = cases[i].class_name};
        struct walk w;

        walk_open(&w, one, ARRAY_LEN(one));
        w.f.faults = &fault;
        w.f.nfaults = 1;
        check_int(walk(&w).code, cases[i].code);
        check_int(w.f.ncalls, 1);
        walk_close(&w);
    }
}

test(scan_gives_up_when_the_patience_is_used_up)
{
    static const struct fake_table_fault fault = {.call = 1,
                                                  .count = 1000,
                                                  .kind = FAKE_TABLE_THROWS,
                                                  .class_name = HBASE "NotServingRegionException"};
    struct walk w;

    walk_open(&w, one, ARRAY_LEN(one));
    hbase_cluster_set_patience(w.f.base.cluster, SHORT_MS);
    w.f.faults = &fault;
    w.f.nfaults = 1;
    w.f.page_cells = 2;
    check_status(walk(&w), STATUS_UNAVAILABLE);
    check_str(show(&w), "a/f:x@2 a/f:x@1");
    walk_close(&w);
}

test(scan_ends_with_a_stop)
{
    static const struct fake_table_fault fault = {
        .count = 1000, .kind = FAKE_TABLE_THROWS, .class_name = HBASE "NotServingRegionException"};
    struct walk w;

    walk_open(&w, one, ARRAY_LEN(one));
    w.f.faults = &fault;
    w.f.nfaults = 1;
    stop_request(&w.f.base.stop);
    check_status(walk(&w), STATUS_CANCELLED);
    walk_close(&w);
}

/* The call number n to the table: hbase:meta is asked first. */
static const Hb__ScanRequest *get_request(struct walk *w, unsigned n)
{
    return (const Hb__ScanRequest *)fake_call_read(
        fake_server_wait_call(w->f.base.server, "Scan", n + 1), &hb__scan_request__descriptor);
}

test(scanner_that_is_destroyed_early_is_closed_at_the_server)
{
    struct walk w;
    struct hbase_page page;

    walk_open(&w, one, ARRAY_LEN(one));
    w.f.page_cells = 2;
    struct hbase_scanner *scanner = hbase_scanner_create(w.f.table, &w.options);
    check_status(hbase_scanner_next(scanner, &page), STATUS_OK);
    hbase_scanner_destroy(scanner);
    const Hb__ScanRequest *request = get_request(&w, 2); /* two pages were asked for */
    check_int(request->scanner_id, w.f.scanner_id);
    check(request->close_scanner);
    check_int(request->number_of_rows, 0);
    walk_close(&w);
}

test(scan_of_a_copy_leaves_the_servers_cache_alone)
{
    struct walk w;

    walk_open(&w, one, ARRAY_LEN(one));
    check_status(walk(&w), STATUS_OK);
    const Hb__ScanRequest *request = get_request(&w, 0);
    const Hb__Scan *scan = request->scan;
    check(scan->has_cache_blocks && !scan->cache_blocks);
    check_int(scan->read_type, HB__SCAN__READ_TYPE__STREAM);
    check_int(scan->max_result_size, 2 * 1024 * 1024);
    check_int(scan->max_versions, HBASE_ALL_VERSIONS);
    check(!scan->time_range);
    check_int(scan->n_column, 0);
    check_int(scan->n_attribute, 0);
    check(!request->has_next_call_seq);
    check(request->client_handles_partials && request->client_handles_heartbeats);
    walk_close(&w);
}

test(scan_names_a_family_once_with_all_its_columns)
{
    static const struct hbase_column columns[] = {
        {.family = {"f", 1}, .qualifier = {"x", 1}},
        {.family = {"g", 1}, .qualifier = {"x", 1}},
        {.family = {"f", 1}, .qualifier = {"", 0}},
        {.family = {"g", 1}, .is_whole_family = true},
    };
    struct walk w;

    walk_open(&w, one, ARRAY_LEN(one));
    w.options.columns = columns;
    w.options.ncolumns = ARRAY_LEN(columns);
    w.options.start_ms = 5;
    check_status(walk(&w), STATUS_OK);
    const Hb__Scan *scan = get_request(&w, 0)->scan;
    check_int(scan->n_column, 2);
    check_int(scan->column[0]->n_qualifier, 2);
    check_int(scan->column[1]->n_qualifier, 0);
    check_int(scan->time_range->from, 5);
    check_int(scan->time_range->to, INT64_MAX);
    walk_close(&w);
}

test(raw_scan_asks_for_families_and_leaves_out_columns_itself)
{
    static const struct hbase_column columns[] = {{.family = {"f", 1}, .qualifier = {"y", 1}}};
    struct walk w;

    walk_open(&w, one, ARRAY_LEN(one));
    w.options.columns = columns;
    w.options.ncolumns = ARRAY_LEN(columns);
    w.options.is_raw = true;
    check_status(walk(&w), STATUS_OK);
    check_str(show(&w), "a/f:y@1 b/f:@9F b/f:y@1 d/f:y@1");
    check_int(w.nrows, 3);
    const Hb__Scan *scan = get_request(&w, 0)->scan;
    check_int(scan->n_column, 1);
    check_int(scan->column[0]->n_qualifier, 0);
    check_int(scan->n_attribute, 1);
    check_str(scan->attribute[0]->name, "_raw_");
    check_int(scan->attribute[0]->value.len, 1);
    check_int(scan->attribute[0]->value.data[0], 0xff);
    walk_close(&w);
}
