/* Pages out of answers: rows and parts of rows, and where a scan goes on. */
#include "hbase/page.h"

#include "tests/harness/test.h"
#include "tests/unit/hbase/cell_text.h"
#include "tests/unit/hbase/scan_answer.h"

/* A reader, and the last answer that was read. */
struct fixture {
    struct hbase_page_reader reader;
    struct scan_answer answer;
    struct hbase_page page;
    struct buf text;
};

static void fixture_close(struct fixture *f)
{
    hbase_page_reader_deinit(&f->reader);
    scan_answer_deinit(&f->answer);
    buf_deinit(&f->text);
}

static void begin(struct fixture *f)
{
    scan_answer_deinit(&f->answer);
    scan_answer_init(&f->answer);
}

static struct status read_page(struct fixture *f)
{
    return hbase_page_read(&f->reader, &f->answer.message, buf_get(&f->answer.block), &f->page);
}

/* Reads an answer of one result. */
static struct status read_one(struct fixture *f, enum scan_result kind, const char *cells)
{
    begin(f);
    scan_answer_add(&f->answer, kind, cells);
    return read_page(f);
}

static const char *show(struct fixture *f)
{
    return cell_text_show(f->page.cells, f->page.ncells, &f->text);
}

static bool goes_on_at(const struct fixture *f, const char *row, size_t len)
{
    return str_is_equal(f->page.next_row, str_from_bytes(row, len));
}

test(page_has_the_cells_of_all_rows_and_goes_on_behind_the_last)
{
    struct fixture f = {0};

    begin(&f);
    scan_answer_add(&f.answer, SCAN_ROW, "a/f:x@2 a/f:x@1");
    scan_answer_add(&f.answer, SCAN_ROW, "b/f:@7F b/f:x@1");
    check_status(read_page(&f), STATUS_OK);
    check_str(show(&f), "a/f:x@2 a/f:x@1 b/f:@7F b/f:x@1");
    check_int(f.page.nrows, 2);
    check_int(f.page.nbytes, f.answer.block.len);
    check(goes_on_at(&f, "b\0", 2));
    fixture_close(&f);
}

test(page_without_cells_stays_where_it_is)
{
    struct fixture f = {0};

    hbase_position_set(&f.reader.position, str_from("k"));
    begin(&f);
    check_status(read_page(&f), STATUS_OK);
    check_int(f.page.ncells, 0);
    check(goes_on_at(&f, "k", 1));
    fixture_close(&f);
}

test(page_goes_on_at_a_row_until_its_last_part)
{
    struct fixture f = {0};

    check_status(read_one(&f, SCAN_PART, "a/f:x@2"), STATUS_OK);
    check_int(f.page.nrows, 0);
    check(goes_on_at(&f, "a", 1));
    check_status(read_one(&f, SCAN_ROW, "a/f:y@1"), STATUS_OK);
    check_int(f.page.nrows, 1);
    check(goes_on_at(&f, "a\0", 2));
    fixture_close(&f);
}

test(page_ends_a_row_that_was_marked_as_a_part_when_the_next_begins)
{
    struct fixture f = {0};

    check_status(read_one(&f, SCAN_PART, "a/f:x@2"), STATUS_OK);
    check_status(read_one(&f, SCAN_PART, "b/f:x@2"), STATUS_OK);
    check_int(f.page.nrows, 1);
    check(goes_on_at(&f, "b", 1));
    fixture_close(&f);
}

test(page_leaves_out_what_a_new_scanner_gives_again_of_a_row)
{
    struct fixture f = {0};

    check_status(read_one(&f, SCAN_PART, "a/f:x@2 a/f:y@9"), STATUS_OK);
    check_status(read_one(&f, SCAN_PART, "a/f:x@2 a/f:y@9 a/f:y@8"), STATUS_OK);
    check_str(show(&f), "a/f:y@8");
    check_status(read_one(&f, SCAN_ROW, "a/f:z@1"), STATUS_OK);
    check_str(show(&f), "a/f:z@1");
    fixture_close(&f);
}

test(page_of_what_was_given_already_does_not_go_back)
{
    struct fixture f = {0};

    check_status(read_one(&f, SCAN_PART, "a/f:x@2 a/f:y@9"), STATUS_OK);
    check_status(read_one(&f, SCAN_PART, "a/f:x@2"), STATUS_OK);
    check_str(show(&f), "");
    check_status(read_one(&f, SCAN_PART, "a/f:y@9"), STATUS_OK);
    check_str(show(&f), "");
    check_status(read_one(&f, SCAN_ROW, "a/f:z@1"), STATUS_OK);
    check_str(show(&f), "a/f:z@1");
    check_int(f.page.nrows, 1);
    fixture_close(&f);
}

test(page_of_a_row_that_has_lost_its_rest_goes_on)
{
    struct fixture f = {0};

    check_status(read_one(&f, SCAN_PART, "a/f:x@2 a/f:y@9"), STATUS_OK);
    check_status(read_one(&f, SCAN_ROW, "a/f:x@2"), STATUS_OK);
    check_str(show(&f), "");
    check(goes_on_at(&f, "a\0", 2));
    check_int(f.page.nrows, 1);
    fixture_close(&f);
}

test(page_takes_columns_and_the_markers_of_their_families)
{
    const struct hbase_column columns[] = {
        {.family = str_from("f"), .qualifier = str_from("x")},
        {.family = str_from("f"), .qualifier = str_from("")},
        {.family = str_from("g"), .is_whole_family = true},
    };
    struct fixture f = {.reader = {.columns = columns, .ncolumns = ARRAY_LEN(columns)}};

    begin(&f);
    scan_answer_add(&f.answer, SCAN_ROW, "a/f:@9F a/f:@8V a/f:@7 a/f:x@5C a/f:x@4 a/f:y@3 a/g:y@2");
    scan_answer_add(&f.answer, SCAN_ROW, "b/f:y@3 b/h:x@1");
    check_status(read_page(&f), STATUS_OK);
    check_str(show(&f), "a/f:@9F a/f:@8V a/f:@7 a/f:x@5C a/f:x@4 a/g:y@2");
    check_int(f.page.nrows, 1);
    check(goes_on_at(&f, "b\0", 2));
    fixture_close(&f);
}

/* A position that a page which cannot be read has not moved. */
static void check_refused(struct fixture *f, enum status_code code)
{
    check_int(read_page(f).code, code);
    check_str(buf_get_text(&f->reader.position.next_row), "k");
}

test(page_refuses_an_answer_that_contradicts_itself)
{
    struct fixture f = {0};
    Hb__Result result = HB__RESULT__INIT;
    Hb__Result *results[] = {&result};

    hbase_position_set(&f.reader.position, str_from("k"));
    begin(&f);
    scan_answer_add(&f.answer, SCAN_ROW, "k/f:x@2");
    f.answer.counts[0] = 2;
    check_refused(&f, STATUS_DATA_LOSS);
    f.answer.counts[0] = 0;
    check_refused(&f, STATUS_DATA_LOSS);
    f.answer.counts[0] = HBASE_PAGE_MAX_CELLS + 1;
    check_refused(&f, STATUS_RESOURCE_EXHAUSTED);
    f.answer.counts[0] = 1;
    f.answer.message.n_partial_flag_per_result = 2;
    check_refused(&f, STATUS_DATA_LOSS);
    f.answer.message.n_partial_flag_per_result = 0;
    f.answer.message.results = results;
    f.answer.message.n_results = 1;
    check_refused(&f, STATUS_DATA_LOSS);
    f.answer.message.n_results = 0;
    check_status(read_page(&f), STATUS_OK);
    fixture_close(&f);
}

test(page_refuses_rows_that_are_not_in_order)
{
    static const char *const seconds[] = {"m/f:x@1", "l/f:x@1"};
    struct fixture f = {0};

    hbase_position_set(&f.reader.position, str_from("k"));
    for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
        begin(&f);
        scan_answer_add(&f.answer, SCAN_ROW, "m/f:x@2");
        scan_answer_add(&f.answer, SCAN_ROW, seconds[i]);
        check_refused(&f, STATUS_DATA_LOSS);
    }
    begin(&f);
    scan_answer_add(&f.answer, SCAN_ROW, "j/f:x@2");
    check_refused(&f, STATUS_DATA_LOSS);
    begin(&f);
    scan_answer_add(&f.answer, SCAN_ROW, "m/f:x@2 n/f:x@2"); /* in one result */
    check_refused(&f, STATUS_DATA_LOSS);
    fixture_close(&f);
}

test(page_takes_as_many_cells_as_it_may_have)
{
    struct fixture f = {0};

    begin(&f);
    for (size_t i = 0; i < HBASE_PAGE_MAX_CELLS; i++)
        (void)cell_text_write(&f.answer.block, "a/f:x@1");
    scan_answer_add(&f.answer, SCAN_ROW, "");
    f.answer.counts[0] = HBASE_PAGE_MAX_CELLS;
    check_status(read_page(&f), STATUS_OK);
    check_int(f.page.ncells, HBASE_PAGE_MAX_CELLS);
    fixture_close(&f);
}
