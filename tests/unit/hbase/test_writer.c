/* Writes to a fake table: whatever happens in between, all is there in the end. */
#include "hbase/writer.h"

#include <poll.h>
#include <pthread.h>

#include "base/clock.h"
#include "base/thread.h"
#include "hbase/batch.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/window.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/fake_table.h"

#define CELLS \
    "a/f:x@2 a/f:x@1 a/f:y@1 b/f:@9F b/f:x@1 b/f:y@1 c/f:x@1 d/f:x@1 d/f:y@1 d/f:z@1 m/f:x@1 n/f:x@1"
#define HBASE "org.apache.hadoop.hbase."

enum { SHORT_MS = 300 };

static const struct fake_region one[] = {{.table = "t1", .number = 1}};

static const struct fake_region three[] = {
    {.table = "t1", .end = "d", .number = 2},
    {.table = "t1", .start = "d", .end = "m", .number = 3},
    {.table = "t1", .start = "m", .number = 4},
};

struct fixture {
    struct fake_table f;
    struct hbase_writer_options options;
    struct hbase_writer *writer;
    struct buf text;
    struct buf refused; /* cells, and why */
};

static void fixture_open(struct fixture *w, const struct fake_region *regions, size_t nregions)
{
    *w = (struct fixture){0};
    fake_table_open(&w->f, regions, nregions, CELLS);
}

static void fixture_close(struct fixture *w)
{
    hbase_writer_destroy(w->writer);
    fake_table_close(&w->f);
    buf_deinit(&w->text);
    buf_deinit(&w->refused);
}

static struct status put_text(struct fixture *w, const char *text)
{
    struct hbase_cell cells[CELL_TEXT_MAX_CELLS];
    size_t n = cell_text_read(text, cells);

    if (!w->writer)
        w->writer = hbase_writer_create(w->f.table, &w->options);
    return hbase_writer_put(w->writer, cells, n);
}

/* Writes all cells, and waits. */
static struct status write_all(struct fixture *w)
{
    struct status st = put_text(w, CELLS);

    return st.code == STATUS_OK ? hbase_writer_flush(w->writer) : st;
}

static const char *show(struct fixture *w)
{
    return fake_table_show_written(&w->f, &w->text);
}

test(writer_writes_what_it_is_given_to_all_regions_by_one_call)
{
    struct fixture w;

    fixture_open(&w, three, ARRAY_LEN(three));
    check_status(write_all(&w), STATUS_OK);
    check_str(show(&w), CELLS);
    check_int(w.f.ncalls, 1);
    check_int(w.f.nlists, 3);
    check_status(hbase_writer_flush(w.writer), STATUS_OK);
    check_int(w.f.ncalls, 1); /* there was nothing left */
    fixture_close(&w);
}

test(writer_takes_cells_in_any_order)
{
    struct fixture w;

    fixture_open(&w, three, ARRAY_LEN(three));
    check_status(put_text(&w, "n/f:x@1 a/f:x@1 m/f:x@1 d/f:x@1 a/f:x@2"), STATUS_OK);
    check_status(hbase_writer_flush(w.writer), STATUS_OK);
    check_str(show(&w), "a/f:x@2 a/f:x@1 d/f:x@1 m/f:x@1 n/f:x@1");
    check_int(w.f.nlists, 3);
    fixture_close(&w);
}

/* What may happen to a call without harm. */
static const struct fake_table_fault passing[] = {
    {.kind = FAKE_TABLE_HANGS_UP},
    {.kind = FAKE_TABLE_HANGS_UP_LATE},
    {.kind = FAKE_TABLE_SAYS_LESS},
    {.kind = FAKE_TABLE_CHANGES, .regions = three, .nregions = ARRAY_LEN(three)},
    {.kind = FAKE_TABLE_THROWS, .class_name = HBASE "CallQueueTooBigException"},
    {.kind = FAKE_TABLE_THROWS, .class_name = HBASE "regionserver.RegionServerStoppedException"},
    {.kind = FAKE_TABLE_THROWS,
     .class_name = HBASE "quotas.RpcThrottlingException",
     .text = "number of write requests exceeded - wait 20ms"},
    {.kind = FAKE_TABLE_REGION_FAILS, .class_name = HBASE "NotServingRegionException"},
    {.kind = FAKE_TABLE_REGION_FAILS, .class_name = HBASE "exceptions.RegionOpeningException"},
    {.kind = FAKE_TABLE_ROW_FAILS, .class_name = HBASE "RegionTooBusyException"},
    {.kind = FAKE_TABLE_ROW_FAILS, .class_name = HBASE "RetryImmediatelyException"},
    {.kind = FAKE_TABLE_ROW_FAILS,
     .class_name = HBASE "exceptions.FailedSanityCheckException",
     .text = "Requested row out of range for batch mutate"},
};

test(writer_sends_again_what_is_not_acknowledged_after_any_passing_fault)
{
    for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
        struct fixture w;

        fixture_open(&w, one, ARRAY_LEN(one));
        w.f.faults = &passing[i];
        w.f.nfaults = 1;
        check_status(write_all(&w), STATUS_OK);
        check_str(show(&w), CELLS);
        check(w.f.ncalls >= 2);
        fixture_close(&w);
    }
}

/* The mutations of the call number n. */
static size_t count_actions(struct fixture *w, unsigned n)
{
    const Hb__MultiRequest *request = (const Hb__MultiRequest *)fake_call_read(
        fake_server_wait_call(w->f.base.server, "Multi", n), &hb__multi_request__descriptor);
    size_t count = 0;

    for (size_t i = 0; i < request->n_region_action; i++)
        count += request->region_action[i]->n_action;
    return count;
}

test(writer_sends_no_more_again_than_what_is_not_acknowledged)
{
    static const struct fake_table_fault fault = {.kind = FAKE_TABLE_ROW_FAILS,
                                                  .class_name = HBASE "RegionTooBusyException"};
    struct fixture w;

    fixture_open(&w, three, ARRAY_LEN(three));
    w.f.faults = &fault;
    w.f.nfaults = 1;
    check_status(write_all(&w), STATUS_OK);
    check_int(count_actions(&w, 0), 7); /* six rows, and the marker of one */
    check_int(count_actions(&w, 1), 1);
    fixture_close(&w);
}

test(writer_splits_a_batch_by_the_regions_that_there_are_now)
{
    static const struct fake_table_fault fault = {
        .call = 1, .kind = FAKE_TABLE_CHANGES, .regions = three, .nregions = ARRAY_LEN(three)};
    struct fixture w;

    fixture_open(&w, one, ARRAY_LEN(one));
    w.f.faults = &fault;
    w.f.nfaults = 1;
    check_status(put_text(&w, "a/f:x@1"), STATUS_OK);
    check_status(hbase_writer_flush(w.writer), STATUS_OK);
    check_status(write_all(&w), STATUS_OK);
    check_str(show(&w), CELLS);
    check_int(w.f.nlists, 1 + 1 + 3);
    fixture_close(&w);
}

/* Writes rows of one letter from first on; each is a batch of its own. */
static struct status put_batches(struct hbase_writer *writer, char first, size_t nbatches)
{
    char value[HBASE_WRITER_BATCH_BYTES / 2 + 1] = {0};
    struct hbase_cell cell = {.family = str_from("f"),
                              .qualifier = str_from("x"),
                              .value = str_from_bytes(value, sizeof(value)),
                              .timestamp_ms = 1,
                              .type = HBASE_PUT};
    struct status st = status_ok();

    for (size_t i = 0; i < nbatches && st.code == STATUS_OK; i++) {
        char row = (char)(first + (char)i);

        cell.row = str_from_bytes(&row, 1);
        st = hbase_writer_put(writer, &cell, 1);
    }
    return st.code == STATUS_OK ? hbase_writer_flush(writer) : st;
}

/* Calls are answered when two have come, the last one first; so they must be on their way at the same time. */
test(writer_has_several_batches_on_their_way)
{
    struct fixture w;

    fixture_open(&w, three, ARRAY_LEN(three));
    w.f.nkept = 2;
    w.writer = hbase_writer_create(w.f.table, &w.options);
    check_status(put_batches(w.writer, 'a', 8), STATUS_OK);
    check_str(show(&w), "a/f:x@1 b/f:x@1 c/f:x@1 d/f:x@1 e/f:x@1 f/f:x@1 g/f:x@1 h/f:x@1");
    fixture_close(&w);
}

struct other_writer {
    struct fixture *w;
    char first;
    pthread_t thread;
    struct status status;
};

static void *write_batches(void *arg)
{
    struct other_writer *other = arg;
    struct hbase_writer *writer = hbase_writer_create(other->w->f.table, &other->w->options);

    other->status = put_batches(writer, other->first, 4);
    hbase_writer_destroy(writer);
    return NULL;
}

/* Whether the server has been sent so many batches, and is sent no more for a while. */
static bool is_sent_no_more_than(struct fixture *w, unsigned count)
{
    const int64_t end_ms = clock_get_monotonic_ms() + SHORT_MS;

    (void)fake_server_wait_call(w->f.base.server, "Multi", count - 1);
    while (clock_get_monotonic_ms() < end_ms) {
        if (fake_server_count_calls(w->f.base.server, "Multi") > count)
            return false;
        (void)poll(NULL, 0, 1);
    }
    return true;
}

test(writers_together_have_no_more_batches_on_their_way_to_a_server_than_it_does_well_with)
{
    struct other_writer others[] = {{.first = 'a'}, {.first = 'm'}};
    struct fixture w;

    fixture_open(&w, one, ARRAY_LEN(one));
    w.f.nkept = HBASE_WRITER_MAX_AT_SERVER + 1; /* none is answered, unless there are too many */
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        others[i].w = &w;
        check_status(thread_start("writer", write_batches, &others[i], &others[i].thread),
                     STATUS_OK);
    }
    check(is_sent_no_more_than(&w, HBASE_WRITER_MAX_AT_SERVER));
    fake_table_keep(&w.f, 0);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        check_int(pthread_join(others[i].thread, NULL), 0);
        check_status(others[i].status, STATUS_OK);
    }
    check_str(show(&w), "a/f:x@1 b/f:x@1 c/f:x@1 d/f:x@1 m/f:x@1 n/f:x@1 o/f:x@1 p/f:x@1");
    fixture_close(&w);
}

test(writers_that_wait_for_others_batches_end_with_a_stop)
{
    struct other_writer others[] = {{.first = 'a'}, {.first = 'm'}};
    struct fixture w;

    fixture_open(&w, one, ARRAY_LEN(one));
    w.f.nkept = HBASE_WRITER_MAX_AT_SERVER + 1;
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        others[i].w = &w;
        check_status(thread_start("writer", write_batches, &others[i], &others[i].thread),
                     STATUS_OK);
    }
    (void)fake_server_wait_call(w.f.base.server, "Multi", HBASE_WRITER_MAX_AT_SERVER - 1);
    stop_request(&w.f.base.stop);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        check_int(pthread_join(others[i].thread, NULL), 0);
        check_status(others[i].status, STATUS_CANCELLED);
    }
    fixture_close(&w);
}

test(writer_has_fewer_batches_on_their_way_while_a_server_is_overloaded)
{
    struct hbase_window window = {.max = 4, .size = 4};

    hbase_window_note(&window, true);
    check_int(window.size, 2);
    hbase_window_note(&window, true);
    hbase_window_note(&window, true);
    check_int(window.size, 1);
    for (unsigned i = 0; i < HBASE_WINDOW_CALM; i++)
        hbase_window_note(&window, false);
    check_int(window.size, 2);
    for (unsigned i = 0; i < 100; i++)
        hbase_window_note(&window, false);
    check_int(window.size, 4);
}

test(writer_ends_with_what_cannot_be_done_and_stays_ended)
{
    static const struct {
        enum fake_table_fault_kind kind;
        const char *class_name;
        enum status_code code;
    } cases[] = {
        {FAKE_TABLE_THROWS, HBASE "security.AccessDeniedException", STATUS_PERMISSION_DENIED},
        {FAKE_TABLE_REGION_FAILS, HBASE "TableNotFoundException", STATUS_NOT_FOUND},
        {FAKE_TABLE_ROW_FAILS, HBASE "regionserver.NoSuchColumnFamilyException",
         STATUS_FAILED_PRECONDITION},
        {FAKE_TABLE_ROW_FAILS, HBASE "DoNotRetryIOException", STATUS_FAILED_PRECONDITION},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct fake_table_fault fault = {.kind = cases[i].kind,
                                               .class_name = cases[i].class_name};
        struct fixture w;

        fixture_open(&w, one, ARRAY_LEN(one));
        w.f.faults = &fault;
        w.f.nfaults = 1;
        check_int(write_all(&w).code, cases[i].code);
        check_int(write_all(&w).code, cases[i].code);
        check_int(hbase_writer_flush(w.writer).code, cases[i].code);
        check_int(w.f.ncalls, 1);
        fixture_close(&w);
    }
}

test(writer_names_the_table_and_the_family_that_is_missing)
{
    static const struct {
        const char *class_name;
        const char *said;
        const char *text;
    } cases[] = {
        {HBASE "regionserver.NoSuchColumnFamilyException",
         "Column family f9 does not exist in region t1,,1.0123. in table 't1', {NAME => 'f'}",
         "table 't1' has no family 'f9'"},
        {HBASE "DoNotRetryIOException", "region is read only", "table 't1' is read-only"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct fake_table_fault fault = {
            .kind = FAKE_TABLE_ROW_FAILS, .class_name = cases[i].class_name, .text = cases[i].said};
        struct fixture w;

        fixture_open(&w, one, ARRAY_LEN(one));
        w.f.faults = &fault;
        w.f.nfaults = 1;
        struct status st = write_all(&w);
        check_status(st, STATUS_FAILED_PRECONDITION);
        check_str(st.text, cases[i].text);
        fixture_close(&w);
    }
}

test(writer_gives_up_when_the_patience_is_used_up)
{
    static const struct fake_table_fault fault = {.count = 1000,
                                                  .kind = FAKE_TABLE_REGION_FAILS,
                                                  .class_name = HBASE "NotServingRegionException"};
    struct fixture w;

    fixture_open(&w, one, ARRAY_LEN(one));
    hbase_cluster_set_patience(w.f.base.cluster, SHORT_MS);
    w.f.faults = &fault;
    w.f.nfaults = 1;
    check_status(write_all(&w), STATUS_UNAVAILABLE);
    fixture_close(&w);
}

/* Each call acknowledges one region, and takes longer than half of the patience until the next try. */
test(writer_is_patient_with_what_gets_on)
{
    static const struct fake_table_fault faults[] = {
        {.call = 0, .kind = FAKE_TABLE_REGION_FAILS, .class_name = HBASE "RegionTooBusyException"},
        {.call = 1, .kind = FAKE_TABLE_ROW_FAILS, .class_name = HBASE "RegionTooBusyException"},
    };
    struct fixture w;

    fixture_open(&w, three, ARRAY_LEN(three));
    hbase_cluster_set_patience(w.f.base.cluster, 2 * SHORT_MS);
    w.f.faults = faults;
    w.f.nfaults = ARRAY_LEN(faults);
    check_status(write_all(&w), STATUS_OK);
    check_str(show(&w), CELLS);
    fixture_close(&w);
}

test(writer_ends_with_a_stop)
{
    static const struct fake_table_fault fault = {.count = 1000,
                                                  .kind = FAKE_TABLE_REGION_FAILS,
                                                  .class_name = HBASE "NotServingRegionException"};
    struct fixture w;

    fixture_open(&w, one, ARRAY_LEN(one));
    w.f.faults = &fault;
    w.f.nfaults = 1;
    stop_request(&w.f.base.stop);
    check_status(write_all(&w), STATUS_CANCELLED);
    fixture_close(&w);
}

/* ---- Cells that the server will never take ---- */

static struct status leave_out(void *self, const struct hbase_cell *cell, struct status reason)
{
    struct fixture *w = self;
    struct buf text = {0};

    buf_printf(&w->refused, "%s%s %s", w->refused.len > 0 ? ", " : "",
               cell_text_show(cell, 1, &text), status_code_get_name(reason.code));
    buf_deinit(&text);
    return status_ok();
}

static struct status put_large(struct fixture *w, const char *row)
{
    static const char value[200];
    const struct hbase_cell cell = {.row = str_from(row),
                                    .family = str_from("f"),
                                    .qualifier = str_from("l"),
                                    .value = str_from_bytes(value, sizeof(value)),
                                    .timestamp_ms = 1,
                                    .type = HBASE_PUT};

    return hbase_writer_put(w->writer, &cell, 1);
}

test(writer_leaves_out_the_rows_that_are_refused_and_no_others)
{
    struct fixture w;

    fixture_open(&w, three, ARRAY_LEN(three));
    w.f.max_cell_bytes = 200;
    w.options.on_refused = leave_out;
    w.options.self = &w;
    check_status(put_text(&w, "a/f:x@1 b/f:x@1 m/f:x@1"), STATUS_OK);
    check_status(put_large(&w, "b"), STATUS_OK);
    check_status(put_large(&w, "n"), STATUS_OK);
    check_status(put_text(&w, "n/f:m@1"), STATUS_OK);
    check_status(hbase_writer_flush(w.writer), STATUS_OK);
    check_str(show(&w), "a/f:x@1 b/f:x@1 m/f:x@1");
    check_str(buf_get_text(&w.refused), "b/f:l@1 INVALID_ARGUMENT, n/f:l@1 INVALID_ARGUMENT");
    fixture_close(&w);
}

test(writer_without_a_place_for_refused_cells_ends_with_the_reason)
{
    struct fixture w;

    fixture_open(&w, one, ARRAY_LEN(one));
    w.f.max_cell_bytes = 200;
    check_status(put_text(&w, "a/f:x@1"), STATUS_OK);
    check_status(put_large(&w, "b"), STATUS_OK);
    check_status(hbase_writer_flush(w.writer), STATUS_INVALID_ARGUMENT);
    fixture_close(&w);
}
