/* tests/unit/connectors/test_csv.c - each rule of the CSV reader. */
#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "connectors/csv/csv_records.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/csv_fixture.h"

/* A file and what is read of it. */
struct csv_case {
    const char *text;
    const char *expected;
};

static void check_cases(struct csv_fixture *fixture, const struct csv_case *cases, size_t ncases)
{
    for (size_t i = 0; i < ncases; i++)
        check(csv_fixture_reads_as(fixture, str_from(cases[i].text), cases[i].expected));
}

test(csv_reads_plain_records)
{
    static const struct csv_case cases[] = {
        {"1,x\n", "1: 1 [x]\n"},
        {"1,x", "1: 1 [x]\n"},
        {"1,x\r\n2,y\r\n", "1: 1 [x]\n2: 2 [y]\n"},
        {"1,x\r\n2,y", "1: 1 [x]\n2: 2 [y]\n"},
        {"1,x\n2,y\r", "1: 1 [x]\n2: 2 [y]\n"},
        {"1,x\ry\n", "1: 1 [x\ry]\n"},
        {" 1 , x \n", "1: 1 [ x ]\n"},
        {"\xef\xbb\xbf"
         "1,x\n",
         "1: 1 [x]\n"},
        {"1,caf\xc3\xa9\n", "1: 1 [caf\xc3\xa9]\n"},
        {"", ""},
        {"\xef\xbb\xbf", ""},
    };
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    check_cases(&fixture, cases, ARRAY_LEN(cases));
    csv_fixture_close(&fixture);
}

test(csv_reads_quoted_fields)
{
    static const struct csv_case cases[] = {
        {"\"1\",\"x\"\n", "1: 1 [x]\n"},
        {"1,\"x,y\"\n", "1: 1 [x,y]\n"},
        {"1,\"x\ny\"\n2,z\n", "1: 1 [x\ny]\n2: 2 [z]\n"},
        {"1,\"x\r\ny\"\r\n", "1: 1 [x\r\ny]\n"},
        {"1,\"say \"\"hi\"\"\"\n", "1: 1 [say \"hi\"]\n"},
        {"1,\"\"\"\"\n", "1: 1 [\"]\n"},
        {"1,\"\"\"\"\"\"", "1: 1 [\"\"]\n"},
        {"1,\"x\"", "1: 1 [x]\n"},
    };
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    check_cases(&fixture, cases, ARRAY_LEN(cases));
    csv_fixture_close(&fixture);
}

test(csv_tells_null_from_the_empty_text)
{
    static const struct csv_case cases[] = {
        {",\n", "1: - -\n"},
        {"1,\n", "1: 1 -\n"},
        {"1,\"\"\n", "1: 1 []\n"},
        {"1,\r\n", "1: 1 -\n"},
        {"1,", "1: 1 -\n"},
        {"1,\"\"", "1: 1 []\n"},
        {"\"\",x\n", "bad 1 @0 a: '' is not an INT (-2147483648 to 2147483647) {\"\",x}\n"},
    };
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    check_cases(&fixture, cases, ARRAY_LEN(cases));
    csv_fixture_close(&fixture);
}

test(csv_passes_over_empty_lines_but_counts_them)
{
    static const struct csv_case cases[] = {
        {"1,x\n\n2,y\n\n", "1: 1 [x]\n3: 2 [y]\n"},
        {"1,x\r\n\r\n2,y\r\n\r\n", "1: 1 [x]\n3: 2 [y]\n"},
        {"\n\n", ""},
        {" \n1,x\n", "2: 1 [x]\nbad 1 @0 : 1 field, but 2 expected { }\n"},
    };
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    check_cases(&fixture, cases, ARRAY_LEN(cases));
    csv_fixture_close(&fixture);
}

test(csv_reads_an_empty_line_of_a_single_column_as_null)
{
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    fixture.spec.ncolumns = 1;
    check(csv_fixture_reads_as(&fixture, str_from("1\n\n3\n"), "1: 1\n2: -\n3: 3\n"));
    csv_fixture_close(&fixture);
}

test(csv_reports_records_that_are_wrong)
{
    static const struct csv_case cases[] = {
        {"1\n2,y\n", "2: 2 [y]\nbad 1 @0 : 1 field, but 2 expected {1}\n"},
        {"1,x\n2,y,z\n", "1: 1 [x]\nbad 2 @4 : 3 fields, but 2 expected {2,y,z}\n"},
        {"abc,x\n", "bad 1 @0 a: 'abc' is not an INT (-2147483648 to 2147483647) {abc,x}\n"},
        {"1,x\"y\"\n",
         "bad 1 @0 : field 2: a quote inside a field that does not begin with one {1,x\"y\"}\n"},
        {"1, \"y\"\n",
         "bad 1 @0 : field 2: a quote inside a field that does not begin with one {1, \"y\"}\n"},
        {"\"1\"2,x\n", "bad 1 @0 : field 1: text behind the quote that ends a field {\"1\"2,x}\n"},
        {"1,\"x\"y\"z\"\n",
         "bad 1 @0 : field 2: text behind the quote that ends a field {1,\"x\"y\"z\"}\n"},
        {"1,\"x\" \n", "bad 1 @0 : field 2: text behind the quote that ends a field {1,\"x\" }\n"},
        {"1,\xff\n", "bad 1 @0 b: '?' is not UTF-8 {1,\xff}\n"},
    };
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    check_cases(&fixture, cases, ARRAY_LEN(cases));
    csv_fixture_close(&fixture);
}

test(csv_reports_a_byte_zero)
{
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    check(csv_fixture_reads_as(&fixture, str_from_bytes("1,x\0y\n", 6),
                               "bad 1 @0 b: 'x?y' has a byte 0x00 {1,x}\n"));
    csv_fixture_close(&fixture);
}

test(csv_takes_any_bytes_for_varbinary)
{
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    csv_fixture_set_column(&fixture, 1, COLUMN_VARBINARY, "b");
    check(csv_fixture_reads_as(&fixture, str_from("1,\xff\xfe\n2,\\x4142\n3,\"\\x41\"\n"),
                               "1: 1 [\xff\xfe]\n2: 2 [AB]\n3: 3 [A]\n"));
    csv_fixture_close(&fixture);
}

test(csv_reports_a_null_that_is_not_allowed)
{
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    fixture.columns[0].is_nullable = false;
    check(csv_fixture_reads_as(&fixture, str_from(",x\n2,\n"),
                               "2: 2 -\nbad 1 @0 a: null, but the column needs a value {,x}\n"));
    csv_fixture_close(&fixture);
}

test(csv_refuses_a_quote_that_is_never_closed)
{
    static const struct csv_case cases[] = {
        {"1,x\n2,\"y\n3,z\n", "INVALID_ARGUMENT: file 'x.csv', row 2 (from byte 4 on): a quote is "
                              "opened, but never closed\n"},
        {"\"", "INVALID_ARGUMENT: file 'x.csv', row 1 (from byte 0 on): a quote is opened, but "
               "never closed\n"},
    };
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    check_cases(&fixture, cases, ARRAY_LEN(cases));
    csv_fixture_close(&fixture);
}

test(csv_takes_another_delimiter)
{
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    fixture.spec.delimiter = '\t';
    check(csv_fixture_reads_as(&fixture, str_from("1\tx,y\n2\t\"a\tb\"\n"),
                               "1: 1 [x,y]\n2: 2 [a\tb]\n"));
    fixture.spec.delimiter = '|';
    check(csv_fixture_reads_as(&fixture, str_from("1|x\n"), "1: 1 [x]\n"));
    csv_fixture_close(&fixture);
}

test(csv_finds_columns_by_the_names_of_the_header)
{
    static const struct csv_case cases[] = {
        {"b,a\nx,1\n", "2: 1 [x]\n"},
        {"b,c,a\r\nx,,1\r\n", "2: 1 [x]\n"},
        {"\xef\xbb\xbf\"a\",\"b\"\n1,x\n", "2: 1 [x]\n"},
        {"a,\"c\n\"\"d\",b\n1,2,x", "2: 1 [x]\n"},
        {"a,b\n1,x\n2\n", "2: 1 [x]\nbad 3 @8 : 1 field, but 2 expected {2}\n"},
        {"a,b", ""},
        {"a,b\n", ""},
        {"", ""},
    };
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    fixture.spec.has_header = true;
    check_cases(&fixture, cases, ARRAY_LEN(cases));
    csv_fixture_close(&fixture);
}

test(csv_refuses_a_header_that_does_not_fit)
{
    static const struct csv_case cases[] = {
        {"a,c\n1,x\n", "INVALID_ARGUMENT: file 'x.csv' has no column 'b'; its header has: a, c\n"},
        {"\n1,x\n", "INVALID_ARGUMENT: file 'x.csv' has no column 'a'; its header has: \n"},
        {"a,b,b\n1,x,y\n", "INVALID_ARGUMENT: file 'x.csv' has 2 columns named 'b'\n"},
        {"a,x\"b\"\n1,x\n", "INVALID_ARGUMENT: file 'x.csv', header, field 2: a quote inside a "
                            "field that does not begin with one\n"},
        {"a,\"b\n1,x\n", "INVALID_ARGUMENT: file 'x.csv', row 1 (from byte 0 on): a quote is "
                         "opened, but never closed\n"},
    };
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    fixture.spec.has_header = true;
    check_cases(&fixture, cases, ARRAY_LEN(cases));
    csv_fixture_close(&fixture);
}

test(csv_limits_the_fields_of_a_header)
{
    struct csv_fixture fixture;
    struct buf text = {0};

    csv_fixture_open(&fixture);
    fixture.spec.has_header = true;
    for (size_t more = 0; more < 2; more++) {
        buf_clear(&text);
        buf_append_text(&text, "a,b");
        for (size_t i = 2; i < CSV_MAX_FIELDS + more; i++)
            buf_append_text(&text, ",x");
        check(csv_fixture_reads_as(&fixture, buf_get(&text),
                                   more ? "INVALID_ARGUMENT: file 'x.csv' has a header of more "
                                          "than 16384 fields\n"
                                        : ""));
    }
    buf_deinit(&text);
    csv_fixture_close(&fixture);
}

test(csv_reads_several_files_with_headers_of_their_own)
{
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    fixture.spec.has_header = true;
    csv_fixture_write(&fixture, "1.csv", str_from("a,b\n1,x\n"));
    csv_fixture_write(&fixture, "2.csv", str_from(""));
    csv_fixture_write(&fixture, "3.csv", str_from("b,a\ny,2\n"));
    check(csv_fixture_reads_as(&fixture, str_from("z,b,a\n,z,3\n"),
                               "2: 1 [x]\n2: 2 [y]\n2: 3 [z]\n"));
    check_int(fixture.plan.nfiles, 4);
    check_int(fixture.plan.nsplits, 3);
    csv_fixture_close(&fixture);
}

test(csv_ends_the_reading_when_the_sink_says_so)
{
    struct csv_fixture fixture;

    csv_fixture_open(&fixture);
    fixture.max_bad_rows = 1;
    check(csv_fixture_reads_as(&fixture, str_from("x,x\nx,x\n1,y\n"),
                               "FAILED_PRECONDITION: x.csv: too many bad rows\n"));
    csv_fixture_close(&fixture);
}

/* A quoted text that makes a record of that many bytes, without its line feed. */
static void append_long_record(struct buf *text, size_t size_bytes)
{
    char *room;

    buf_append_text(text, "1,\"");
    room = buf_reserve(text, size_bytes - 4);
    memset(room, 'x', size_bytes - 4);
    text->len += size_bytes - 4;
    buf_append_text(text, "\"");
}

test(csv_limits_the_length_of_a_record)
{
    static const char refused[] =
        "INVALID_ARGUMENT: file 'x.csv', row 2 (from byte 4 on): longer than 16 MiB\n";
    struct csv_fixture fixture;
    struct buf text = {0};

    csv_fixture_open(&fixture);
    for (size_t more = 0; more < 2; more++) {
        for (size_t has_end = 0; has_end < 2; has_end++) {
            buf_clear(&text);
            buf_append_text(&text, "5,y\n");
            append_long_record(&text, CSV_MAX_RECORD_BYTES + more);
            buf_append_text(&text, has_end ? "\n" : "");
            csv_fixture_write(&fixture, "x.csv", buf_get(&text));
            struct buf got = {0};
            csv_fixture_read(&fixture, &got);
            if (more)
                check_str(buf_get_text(&got), refused);
            else
                check_int(got.len, CSV_MAX_RECORD_BYTES - 4 + strlen("1: 5 [y]\n2: 1 []\n"));
            buf_deinit(&got);
        }
    }
    buf_deinit(&text);
    csv_fixture_close(&fixture);
}

test(csv_says_what_a_very_long_record_may_come_from)
{
    struct csv_fixture fixture;
    struct buf text = {0};

    csv_fixture_open(&fixture);
    append_long_record(&text, CSV_MAX_RECORD_BYTES + 100);
    text.len--; /* its last quote */
    check(csv_fixture_reads_as(&fixture, buf_get(&text),
                               "INVALID_ARGUMENT: file 'x.csv', row 1 (from byte 0 on): longer "
                               "than 16 MiB; is a quote opened, but never closed?\n"));
    buf_deinit(&text);
    csv_fixture_close(&fixture);
}

/* The reader's own limits are those of the plan: a file that became another one in between is not read for ever. */
test(csv_refuses_a_file_that_changed)
{
    struct csv_fixture fixture;
    struct buf log = {0};
    struct csv_sink sink = {.log = &log};
    struct reader *reader = NULL;

    csv_fixture_open(&fixture);
    csv_fixture_write(&fixture, "x.csv", str_from("1,x\n"));
    check_status(csv_fixture_plan(&fixture), STATUS_OK);
    csv_fixture_write(&fixture, "x.csv", str_from("1,x\n2,y\n"));
    struct status st = csv_fixture_open_split(&fixture, 0, &sink, &reader);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check_str(st.text, "file 'x.csv' changed since the import was planned");

    check_status(csv_fixture_plan(&fixture), STATUS_OK);
    fixture.plan.files[0].modified_ns--;
    check_status(csv_fixture_open_split(&fixture, 0, &sink, &reader), STATUS_FAILED_PRECONDITION);
    check(!reader);
    csv_fixture_close(&fixture);
}

test(csv_refuses_a_file_that_changes_while_it_is_read)
{
    struct csv_fixture fixture;
    struct buf log = {0};
    struct csv_sink sink = {.log = &log};
    struct reader *reader = NULL;

    csv_fixture_open(&fixture);
    csv_fixture_write(&fixture, "x.csv", str_from("1,x\n2,y\n"));
    check_status(csv_fixture_plan(&fixture), STATUS_OK);
    struct batch *batch = batch_create(fixture.columns, fixture.spec.ncolumns);
    check_status(csv_fixture_open_split(&fixture, 0, &sink, &reader), STATUS_OK);
    csv_fixture_write(&fixture, "x.csv", str_from("1,x\n"));
    check_status(csv_reader.next(reader, batch), STATUS_FAILED_PRECONDITION);
    csv_reader.close(reader);

    csv_fixture_write(&fixture, "x.csv", str_from("1,x\n2,y\n"));
    check_status(csv_fixture_plan(&fixture), STATUS_OK);
    check_status(csv_fixture_open_split(&fixture, 0, &sink, &reader), STATUS_OK);
    check_status(csv_reader.next(reader, batch), STATUS_OK);
    check_int(batch->nrows, 2);
    csv_fixture_write(&fixture, "x.csv", str_from("1,x\n2,y\n3,z\n"));
    check_status(csv_reader.next(reader, batch), STATUS_FAILED_PRECONDITION);
    csv_reader.close(reader);
    batch_destroy(batch);
    csv_fixture_close(&fixture);
}

test(csv_stops_when_it_is_asked_to)
{
    struct csv_fixture fixture;
    struct buf log = {0};
    struct csv_sink sink = {.log = &log};
    struct reader *reader = NULL;

    csv_fixture_open(&fixture);
    csv_fixture_write(&fixture, "x.csv", str_from("1,x\n"));
    check_status(csv_fixture_plan(&fixture), STATUS_OK);
    struct batch *batch = batch_create(fixture.columns, fixture.spec.ncolumns);
    check_status(csv_fixture_open_split(&fixture, 0, &sink, &reader), STATUS_OK);
    stop_request(&fixture.stop);
    check_status(csv_reader.next(reader, batch), STATUS_CANCELLED);
    check_status(csv_fixture_plan(&fixture), STATUS_CANCELLED);
    csv_reader.close(reader);
    batch_destroy(batch);
    csv_fixture_close(&fixture);
}

test(csv_counts_the_bytes_that_are_read)
{
    struct csv_fixture fixture;
    struct buf log = {0};
    struct csv_sink sink = {.log = &log};
    struct reader *reader = NULL;

    csv_fixture_open(&fixture);
    fixture.spec.has_header = true;
    fixture.block_bytes = 16;
    csv_fixture_write(&fixture, "x.csv", str_from("a,b\n1,x\n2,yyyyyyyyyyyyyyyyyyyyyy\n3,z"));
    check_status(csv_fixture_plan(&fixture), STATUS_OK);
    check_int(fixture.plan.nsplits, 1);
    check_int(fixture.plan.splits[0].size_bytes, fixture.plan.files[0].size_bytes);
    struct batch *batch = batch_create(fixture.columns, fixture.spec.ncolumns);
    check_status(csv_fixture_open_split(&fixture, 0, &sink, &reader), STATUS_OK);
    check_int(csv_reader.get_bytes_read(reader), 4);
    check_status(csv_reader.next(reader, batch), STATUS_OK);
    check_int(batch->nrows, 1);
    check_int(csv_reader.get_bytes_read(reader), 8);
    do
        check_status(csv_reader.next(reader, batch), STATUS_OK);
    while (batch->nrows > 0);
    check_int(csv_reader.get_bytes_read(reader), fixture.plan.files[0].size_bytes);
    csv_reader.close(reader);
    batch_destroy(batch);
    csv_fixture_close(&fixture);
}
