/*
 * tests/unit/connectors/test_parquet_files.c - Parquet files with odd names, and files that are not what they should be.
 */
#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/parquet_fixture.h"

static const struct target_column id_and_name[] = {
    {.source = "id", .target = "ROW", .type = COLUMN_LONG},
    {.source = "name", .target = "f:name", .type = COLUMN_STRING, .is_nullable = true},
};

static const struct target_column only_id[] = {
    {.source = "id", .target = "ROW", .type = COLUMN_LONG},
};

static const char numbers[] = "SELECT i::BIGINT AS id, 'name ' || i AS name FROM range(%d) t(i)";

static void write_numbers(struct parquet_fixture *fixture, const char *name, int nrows,
                          const char *options)
{
    char select[sizeof(numbers) + 16];

    (void)snprintf(select, sizeof(select), numbers, nrows);
    parquet_fixture_write(fixture, name, select, options);
}

test(parquet_files_may_have_any_name)
{
    static const char *const names[] = {
        "a'b.parquet", "a\"b.parquet",  "*.parquet",       "[a-z]?.parquet", "a\\b",
        "new\nline",   "s3:\\x",        "{a,b}.parquet",   "\xc3\xa4",       "a=1&b=%41",
        "$HOME",       "'); SELECT 1;", "file.parquet.gz",
    };
    struct parquet_fixture fixture;
    struct buf got;
    struct buf expected = {0};

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        write_numbers(&fixture, names[i], 1, "");
    check_status(parquet_fixture_read_all(&fixture, &got), STATUS_OK);
    check_int(fixture.plan.nfiles, ARRAY_LEN(names));
    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        buf_append_text(&expected, "1|0\n");
    check_str(buf_get_text(&got), buf_get_text(&expected));
    buf_deinit(&got);
    buf_deinit(&expected);
    parquet_fixture_close(&fixture);
}

test(parquet_a_file_that_changed_since_the_plan_is_refused)
{
    struct parquet_fixture fixture;
    struct buf got = {0};

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    write_numbers(&fixture, "a.parquet", 3, "");
    check_status(parquet_fixture_plan(&fixture), STATUS_OK);
    write_numbers(&fixture, "a.parquet", 4, "");
    struct status st = parquet_fixture_read(&fixture, 0, &got);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check_str(st.text, "file 'a.parquet' changed since the import was planned");
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}

/* Each is a file's bytes in another way; the plan must refuse it and name it. */
static void check_refused(struct parquet_fixture *fixture, struct str bytes)
{
    struct buf got;

    parquet_fixture_save(fixture, "a.parquet", bytes);
    struct status st = parquet_fixture_read_all(fixture, &got);
    check_status(st, STATUS_INVALID_ARGUMENT);
    check(str_has_prefix(str_from(st.text), "file 'a.parquet' cannot be read as Parquet: "));
    check(str_find(str_from(st.text), "/proc") == strlen(st.text));
    buf_deinit(&got);
}

test(parquet_files_that_are_none_are_refused)
{
    struct parquet_fixture fixture;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    check_refused(&fixture, str_from(""));
    check_refused(&fixture, str_from("id,name\n1,one\n2,two\n"));
    check_refused(&fixture, str_from("PAR1PAR1"));
    check_refused(&fixture, str_from_bytes("PAR1\xff\xff\xff\x7fPAR1", 12));
    check_refused(&fixture, str_from_bytes("PAR1\x04\x00\x00\x00PAR1", 12));
    parquet_fixture_close(&fixture);
}

test(parquet_files_that_are_cut_are_refused)
{
    struct parquet_fixture fixture;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    write_numbers(&fixture, "a.parquet", 1000, "");
    struct buf bytes = parquet_fixture_load(&fixture, "a.parquet");
    check_refused(&fixture, str_from_bytes(bytes.data, bytes.len / 2));
    check_refused(&fixture, str_from_bytes(bytes.data, bytes.len - 1));
    check_refused(&fixture, str_skip(buf_get(&bytes), 100));
    buf_deinit(&bytes);
    parquet_fixture_close(&fixture);
}

/* No damage may do more than an error: each byte of the file is changed in turn. */
test(parquet_damaged_files_do_no_harm)
{
    struct parquet_fixture fixture;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, id_and_name, 2);
    write_numbers(&fixture, "a.parquet", 20, ", COMPRESSION uncompressed");
    struct buf bytes = parquet_fixture_load(&fixture, "a.parquet");
    for (size_t i = 0; i < bytes.len; i++) {
        struct buf got;

        bytes.data[i] ^= 0x55;
        parquet_fixture_save(&fixture, "a.parquet", buf_get(&bytes));
        struct status st = parquet_fixture_read_all(&fixture, &got);
        check(st.code == STATUS_OK || st.code == STATUS_INVALID_ARGUMENT ||
              st.code == STATUS_FAILED_PRECONDITION);
        buf_deinit(&got);
        bytes.data[i] ^= 0x55;
    }
    buf_deinit(&bytes);
    parquet_fixture_close(&fixture);
}

/* A page's header says that it is 1 GiB when unpacked; so little as a few bytes may say so. */
test(parquet_pages_larger_than_our_memory_are_refused)
{
    static const char gigabyte[] =
        "\x80\x80\x80\x80\x08"; /* zigzag, as the compact protocol has it */
    struct parquet_fixture fixture;
    struct buf got;
    struct buf bomb = {0};

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    write_numbers(&fixture, "a.parquet", 1000, ", COMPRESSION zstd");

    /* Behind "PAR1": a field with the kind of page, then one with its size in two or three bytes. */
    struct buf bytes = parquet_fixture_load(&fixture, "a.parquet");
    size_t at = 4 + 2;
    check(bytes.data[at] == 0x15);
    size_t end = at + 1;
    while (bytes.data[end] & 0x80)
        end++;
    buf_append(&bomb, bytes.data, at + 1);
    buf_append(&bomb, gigabyte, sizeof(gigabyte) - 1);
    buf_append(&bomb, bytes.data + end + 1, bytes.len - end - 1);
    parquet_fixture_save(&fixture, "a.parquet", buf_get(&bomb));

    struct status st = parquet_fixture_read_all(&fixture, &got);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check(str_has_prefix(str_from(st.text), "file 'a.parquet' has pages that need more than"));
    buf_deinit(&got);
    buf_deinit(&bytes);
    buf_deinit(&bomb);
    parquet_fixture_close(&fixture);
}

test(parquet_a_column_with_the_name_that_we_need_is_refused)
{
    struct parquet_fixture fixture;
    struct buf got;

    if (!parquet_fixture_can_run())
        return;
    parquet_fixture_open(&fixture, only_id, 1);
    parquet_fixture_write(&fixture, "a.parquet", "SELECT 1::BIGINT AS id, 2 AS file_row_number",
                          "");
    struct status st = parquet_fixture_read_all(&fixture, &got);
    check_status(st, STATUS_INVALID_ARGUMENT);
    check(str_find(str_from(st.text), "file_row_number") < strlen(st.text));
    buf_deinit(&got);
    parquet_fixture_close(&fixture);
}
