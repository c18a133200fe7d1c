#include <pthread.h>
#include <stdio.h>

#include "base/thread.h"
#include "hbase/cell.h"
#include "hbase/fault.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/table.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/cluster_fixture.h"

enum { ARENA_BYTES = 1 << 20, SHORT_MS = 300 };

static const struct fake_region three[] = {
    {.table = "t1", .end = "d", .number = 1},
    {.table = "t1", .start = "d", .end = "m", .number = 2},
    {.table = "t1", .start = "m", .number = 3},
};

/* A fake cluster, and a table of its. */
struct fixture {
    struct cluster_fixture base;
    struct hbase_table *table;
    struct arena *arena;
};

static void open_fixture(struct fixture *f, const struct fake_region *regions, size_t nregions)
{
    static const struct hbase_table_name name = {"default", "t1"};

    cluster_fixture_open(&f->base);
    fake_meta_set(&f->base.meta, "t1", regions, nregions);
    f->table = hbase_table_create(f->base.cluster, &name);
    f->arena = arena_create(ARENA_BYTES);
}

static void close_fixture(struct fixture *f)
{
    arena_destroy(f->arena);
    hbase_table_destroy(f->table);
    cluster_fixture_close(&f->base);
}

/* Where the row is, as "start..end@port", or the error's text. */
static const char *locate(struct fixture *f, const char *row)
{
    struct hbase_region region;
    struct status st = hbase_table_locate(f->table, str_from(row), f->arena, &region);

    if (st.code != STATUS_OK)
        return arena_printf(f->arena, "%s", st.text);
    return arena_printf(f->arena, "%.*s..%.*s@%d", (int)region.start_key.len, region.start_key.data,
                        (int)region.end_key.len, region.end_key.data,
                        region.server.port == f->base.meta.port ? 0 : region.server.port);
}

/* The start keys of all regions, each with a comma behind it, or the error's text. */
static const char *list(struct fixture *f)
{
    const struct hbase_region *regions;
    size_t count;
    struct status st = hbase_table_list_regions(f->table, f->arena, &regions, &count);
    const char *text = "";

    if (st.code != STATUS_OK)
        return arena_printf(f->arena, "%s", st.text);
    for (size_t i = 0; i < count; i++)
        text = arena_printf(f->arena, "%s%.*s,", text, (int)regions[i].start_key.len,
                            regions[i].start_key.data);
    return text;
}

static struct hbase_region get_region(struct fixture *f, const char *row)
{
    struct hbase_region region = {0};

    check_status(hbase_table_locate(f->table, str_from(row), f->arena, &region), STATUS_OK);
    return region;
}

test(a_tables_name_has_its_namespace_unless_it_is_the_default_one)
{
    char text[HBASE_TABLE_NAME_BYTES];

    hbase_table_name_write(&(struct hbase_table_name){"default", "t1"}, text);
    check_str(text, "t1");
    hbase_table_name_write(&(struct hbase_table_name){"ns", "t-1.x_y"}, text);
    check_str(text, "ns:t-1.x_y");
}

test(a_row_is_in_the_region_between_whose_keys_it_is)
{
    static const struct {
        const char *row;
        const char *region;
    } cases[] = {
        {"", "..d@0"},    {"c\xff", "..d@0"}, {"d", "d..m@0"}, {"dd", "d..m@0"},
        {"lz", "d..m@0"}, {"m", "m..@0"},     {"z", "m..@0"},  {"a,b,c", "..d@0"},
    };
    struct fixture f = {0};

    open_fixture(&f, three, ARRAY_LEN(three));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_str(locate(&f, cases[i].row), cases[i].region);
    close_fixture(&f);
}

test(the_longest_row_is_located_by_a_key_that_is_not_longer)
{
    char row[HBASE_MAX_ROW_BYTES + 1];
    struct fixture f = {0};

    memset(row, 'e', sizeof(row) - 1);
    row[sizeof(row) - 1] = '\0';
    open_fixture(&f, three, ARRAY_LEN(three));
    check_str(locate(&f, row), "d..m@0");
    struct fake_call *call = fake_server_wait_call(f.base.server, "Scan", 0);
    const Hb__ScanRequest *request =
        (const Hb__ScanRequest *)fake_call_read(call, &hb__scan_request__descriptor);
    check_int(request->scan->start_row.len, HBASE_MAX_ROW_BYTES);
    close_fixture(&f);
}

test(hbase_meta_is_read_once_for_the_rows_of_a_region)
{
    struct fixture f = {0};

    open_fixture(&f, three, ARRAY_LEN(three));
    check_str(locate(&f, "e"), "d..m@0");
    check_str(locate(&f, "d"), "d..m@0");
    check_str(locate(&f, "l"), "d..m@0");
    check_int(fake_server_count_calls(f.base.server, "Scan"), 1);
    const struct fake_call *call = fake_server_wait_call(f.base.server, "Scan", 0);
    check_int(call->priority, 200);
    check_str(call->service, "ClientService");
    close_fixture(&f);
}

test(a_list_of_regions_is_read_anew_and_locates_all_rows)
{
    static const struct fake_region merged[] = {{.table = "t1", .number = 9}};
    struct fixture f = {0};

    open_fixture(&f, three, ARRAY_LEN(three));
    check_str(list(&f), ",d,m,");
    check_str(locate(&f, "a"), "..d@0");
    check_str(locate(&f, "z"), "m..@0");
    check_int(fake_server_count_calls(f.base.server, "Scan"), 1);
    fake_meta_set(&f.base.meta, "t1", merged, ARRAY_LEN(merged));
    check_str(list(&f), ",");
    check_str(locate(&f, "a"), "..@0");
    close_fixture(&f);
}

test(a_list_of_regions_is_read_page_by_page)
{
    struct fixture f = {0};

    open_fixture(&f, three, ARRAY_LEN(three));
    f.base.meta.page_rows = 1;
    check_str(list(&f), ",d,m,");
    check_int(fake_server_count_calls(f.base.server, "Scan"), 3);
    close_fixture(&f);
}

test(parents_of_a_split_and_replicas_are_no_regions_of_their_own)
{
    static const struct fake_region regions[] = {
        {.table = "t1", .number = 1, .is_split = true, .state = "SPLIT"},
        {.table = "t1", .end = "d", .number = 2},
        {.table = "t1", .end = "d", .number = 2, .replica = 1},
        {.table = "t1", .start = "d", .number = 2},
    };
    struct fixture f = {0};

    open_fixture(&f, regions, ARRAY_LEN(regions));
    check_str(list(&f), ",d,");
    close_fixture(&f);
}

test(regions_that_hbase_before_2_wrote_have_no_state)
{
    static const struct fake_region regions[] = {{.table = "t1", .state = ""}};
    struct fixture f = {0};

    open_fixture(&f, regions, ARRAY_LEN(regions));
    check_str(list(&f), ",");
    check_str(locate(&f, "a"), "..@0");
    close_fixture(&f);
}

/* Lists in a thread of its own. */
struct lister {
    struct fixture *f;
    const char *got;
};

static void *run_list(void *arg)
{
    struct lister *lister = arg;

    lister->got = list(lister->f);
    return NULL;
}

static void check_list_waits(const struct fake_region *first, size_t nfirst, const char *tables)
{
    struct fixture f = {0};
    struct lister lister = {.f = &f};
    pthread_t thread;

    open_fixture(&f, first, nfirst);
    fake_meta_set(&f.base.meta, tables, first, nfirst);
    check_status(thread_start("list", run_list, &lister, &thread), STATUS_OK);
    (void)fake_server_wait_call(f.base.server, "Scan", 1); /* it has tried, and tries again */
    fake_meta_set(&f.base.meta, "t1", three, ARRAY_LEN(three));
    (void)pthread_join(thread, NULL);
    check_str(lister.got, ",d,m,");
    close_fixture(&f);
}

test(a_list_of_regions_waits_until_they_are_whole)
{
    static const struct fake_region hole[] = {
        {.table = "t1", .end = "d"},
        {.table = "t1", .start = "m", .number = 2},
    };
    static const struct fake_region no_beginning[] = {{.table = "t1", .start = "d"}};
    static const struct fake_region no_end[] = {{.table = "t1", .end = "d"}};
    static const struct fake_region overlap[] = {
        {.table = "t1", .number = 1},
        {.table = "t1", .end = "d", .number = 2},
        {.table = "t1", .start = "d", .number = 2},
    };
    static const struct fake_region no_server[] = {{.table = "t1", .server = ""}};
    static const struct fake_region opening[] = {{.table = "t1", .state = "OPENING"}};

    check_list_waits(hole, ARRAY_LEN(hole), "t1");
    check_list_waits(no_beginning, ARRAY_LEN(no_beginning), "t1");
    check_list_waits(no_end, ARRAY_LEN(no_end), "t1");
    check_list_waits(overlap, ARRAY_LEN(overlap), "t1");
    check_list_waits(no_server, ARRAY_LEN(no_server), "t1");
    check_list_waits(opening, ARRAY_LEN(opening), "t1");
    check_list_waits(NULL, 0, "t1"); /* a table that is being made */
}

test(a_list_of_regions_says_what_it_waits_for)
{
    static const struct fake_region hole[] = {
        {.table = "t1", .end = "d\x01"},
        {.table = "t1", .start = "m", .number = 2},
    };
    static const struct fake_region closing[] = {
        {.table = "t1", .end = "d"},
        {.table = "t1", .start = "d", .state = "CLOSING"},
    };
    struct fixture f = {0};

    open_fixture(&f, hole, ARRAY_LEN(hole));
    hbase_cluster_set_patience(f.base.cluster, SHORT_MS);
    check_str(list(&f),
              "the regions of table 't1' do not follow each other in hbase:meta, behind the "
              "key 'd\\x01'; it is being split or merged, or is to be repaired (HBCK2)");
    fake_meta_set(&f.base.meta, "t1", closing, ARRAY_LEN(closing));
    check_str(list(&f),
              "the region of table 't1' that begins at 'd' is at no server now (CLOSING)");
    close_fixture(&f);
}

test(a_table_that_is_absent_or_disabled_is_not_waited_for)
{
    static const struct fake_region closed[] = {{.table = "t1", .state = "CLOSED"}};
    struct hbase_region region;
    const struct hbase_region *regions;
    struct fixture f = {0};
    size_t count;

    open_fixture(&f, NULL, 0);
    fake_meta_set(&f.base.meta, "t2", NULL, 0);
    check_status(hbase_table_list_regions(f.table, f.arena, &regions, &count), STATUS_NOT_FOUND);
    check_status(hbase_table_locate(f.table, str_from("a"), f.arena, &region), STATUS_NOT_FOUND);
    check_str(list(&f), "there is no table 't1'");
    fake_meta_set(&f.base.meta, "t1!", closed, ARRAY_LEN(closed));
    check_status(hbase_table_list_regions(f.table, f.arena, &regions, &count),
                 STATUS_FAILED_PRECONDITION);
    check_status(hbase_table_locate(f.table, str_from("a"), f.arena, &region),
                 STATUS_FAILED_PRECONDITION);
    check_str(locate(&f, "a"), "table 't1' is disabled");
    close_fixture(&f);
}

test(regions_that_take_more_memory_than_is_allowed_are_refused)
{
    const struct hbase_region *regions;
    struct hbase_region region;
    struct arena *small = arena_create(32);
    struct fixture f = {0};
    size_t count;

    open_fixture(&f, three, ARRAY_LEN(three));
    check_status(hbase_table_locate(f.table, str_from("a"), small, &region),
                 STATUS_RESOURCE_EXHAUSTED);
    check_status(hbase_table_list_regions(f.table, small, &regions, &count),
                 STATUS_RESOURCE_EXHAUSTED);
    arena_destroy(small);
    close_fixture(&f);
}

test(a_region_that_a_server_does_not_serve_is_looked_up_again)
{
    static const struct fake_region moved[] = {
        {.table = "t1", .end = "d", .number = 1},
        {.table = "t1", .start = "d", .end = "m", .number = 2, .server = "rs9:99"},
        {.table = "t1", .start = "m", .number = 3},
    };
    struct hbase_fault fault = {.action = HBASE_ACTION_RELOCATE};
    struct fixture f = {0};

    open_fixture(&f, three, ARRAY_LEN(three));
    struct hbase_region region = get_region(&f, "e");
    fake_meta_set(&f.base.meta, "t1", moved, ARRAY_LEN(moved));
    check_str(locate(&f, "e"), "d..m@0");
    hbase_table_take_fault(f.table, &region, &fault);
    check_str(locate(&f, "e"), "d..m@99");
    /* The same fault comes once more, of a call that was on its way: what is known is newer. */
    hbase_table_take_fault(f.table, &region, &fault);
    check_str(locate(&f, "e"), "d..m@99");
    check_int(fake_server_count_calls(f.base.server, "Scan"), 2);
    close_fixture(&f);
}

test(a_server_that_says_where_the_region_went_is_believed)
{
    struct hbase_fault fault = {
        .action = HBASE_ACTION_RELOCATE, .moved_host = "rs9", .moved_port = 99};
    struct fixture f = {0};

    open_fixture(&f, three, ARRAY_LEN(three));
    struct hbase_region region = get_region(&f, "e");
    hbase_table_take_fault(f.table, &region, &fault);
    check_str(get_region(&f, "e").server.host, "rs9");
    check_str(locate(&f, "e"), "d..m@99");
    check_str(locate(&f, "a"), "..d@0");
    check_int(fake_server_count_calls(f.base.server, "Scan"), 2);
    close_fixture(&f);
}

test(a_server_that_names_no_server_is_not_believed)
{
    struct hbase_fault fault = {
        .action = HBASE_ACTION_RELOCATE, .moved_host = "rs\n9", .moved_port = 99};
    struct fixture f = {0};

    open_fixture(&f, three, ARRAY_LEN(three));
    struct hbase_region region = get_region(&f, "e");
    hbase_table_take_fault(f.table, &region, &fault);
    check_str(locate(&f, "e"), "d..m@0");
    check_int(fake_server_count_calls(f.base.server, "Scan"), 2);
    close_fixture(&f);
}

test(daughters_take_the_place_of_their_parent_and_a_merged_region_that_of_both)
{
    static const struct fake_region split[] = {
        {.table = "t1", .end = "d", .number = 1},
        {.table = "t1", .start = "d", .end = "m", .number = 2, .is_split = true},
        {.table = "t1", .start = "d", .end = "g", .number = 5},
        {.table = "t1", .start = "g", .end = "m", .number = 5},
        {.table = "t1", .start = "m", .number = 3},
    };
    static const struct fake_region merged[] = {{.table = "t1", .number = 7}};
    struct hbase_fault fault = {.action = HBASE_ACTION_RELOCATE};
    struct fixture f = {0};

    open_fixture(&f, three, ARRAY_LEN(three));
    struct hbase_region region = get_region(&f, "e");
    fake_meta_set(&f.base.meta, "t1", split, ARRAY_LEN(split));
    hbase_table_take_fault(f.table, &region, &fault);
    check_str(locate(&f, "e"), "d..g@0");
    check_str(locate(&f, "l"), "g..m@0");
    region = get_region(&f, "l");
    fake_meta_set(&f.base.meta, "t1", merged, ARRAY_LEN(merged));
    hbase_table_take_fault(f.table, &region, &fault);
    check_str(locate(&f, "l"), "..@0");
    check_str(locate(&f, "e"), "..@0"); /* what it covers is no longer known */
    close_fixture(&f);
}

test(all_regions_of_a_server_that_is_gone_are_looked_up_again)
{
    struct hbase_fault fault = {.action = HBASE_ACTION_RECONNECT};
    struct fixture f = {0};

    fault.status = status_error(STATUS_UNAVAILABLE, "%s", "gone");
    open_fixture(&f, three, ARRAY_LEN(three));
    check_str(list(&f), ",d,m,");
    struct hbase_region region = get_region(&f, "a");
    hbase_table_take_fault(f.table, &region, &fault);
    check_str(locate(&f, "z"), "m..@0");
    check_int(fake_server_count_calls(f.base.server, "Scan"), 2);
    close_fixture(&f);
}

/* ---- Many threads ---- */

enum { NTHREADS = 8, NLOOKS = 200 };

struct looker {
    struct fixture *f;
    bool is_ok;
};

static void *run_look(void *arg)
{
    static const char *const rows[] = {"a", "e", "z"};
    struct hbase_fault fault = {.action = HBASE_ACTION_RELOCATE};
    struct looker *looker = arg;

    looker->is_ok = true;
    for (unsigned i = 0; i < NLOOKS; i++) {
        struct arena *arena = arena_create(ARENA_BYTES);
        struct hbase_region region;
        struct status st =
            hbase_table_locate(looker->f->table, str_from(rows[i % 3]), arena, &region);

        looker->is_ok = looker->is_ok && st.code == STATUS_OK;
        if (st.code == STATUS_OK && i % 7 == 0)
            hbase_table_take_fault(looker->f->table, &region, &fault);
        arena_destroy(arena);
    }
    return NULL;
}

test(a_table_is_shared_by_threads)
{
    struct looker lookers[NTHREADS];
    pthread_t threads[NTHREADS];
    struct fixture f = {0};

    open_fixture(&f, three, ARRAY_LEN(three));
    for (size_t i = 0; i < NTHREADS; i++) {
        lookers[i] = (struct looker){.f = &f};
        check_status(thread_start("look", run_look, &lookers[i], &threads[i]), STATUS_OK);
    }
    for (size_t i = 0; i < NTHREADS; i++) {
        (void)pthread_join(threads[i], NULL);
        check(lookers[i].is_ok);
    }
    close_fixture(&f);
}
