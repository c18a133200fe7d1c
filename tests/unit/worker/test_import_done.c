#include "tests/harness/test.h"
#include "worker/import_done.h"

static void add(struct import_done *done, uint32_t number)
{
    const struct unit unit = {
        .number = number, .rows_read = 10, .rows_written = 9, .bad_rows = 1, .bytes_read = 100};

    check_status(import_done_add(done, &unit), STATUS_OK);
}

static void check_written(const struct import_done *done, const char *expected)
{
    struct buf text = {0};

    import_done_write(done, &text);
    check_str(buf_get_text(&text), expected);
    buf_deinit(&text);
}

test(what_is_done_is_written_as_sums_and_ranges)
{
    struct import_done done;

    import_done_init(&done, 6);
    check_written(&done, "0 0 0 0");
    add(&done, 5);
    check_written(&done, "10 9 1 100 5-5");
    add(&done, 0);
    add(&done, 1);
    check_written(&done, "30 27 3 300 0-1,5-5");
    add(&done, 3);
    add(&done, 4);
    add(&done, 2);
    check_written(&done, "60 54 6 600 0-5");
    import_done_deinit(&done);
}

test(what_was_written_is_read)
{
    static const char *const texts[] = {"0 0 0 0", "30 27 3 300 0-1,5-5", "60 54 6 600 0-5"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct import_done done;

        import_done_init(&done, 6);
        check_status(import_done_read(&done, str_from(texts[i])), STATUS_OK);
        check_written(&done, texts[i]);
        import_done_deinit(&done);
    }
}

test(a_split_that_the_files_do_not_have_is_refused)
{
    const struct unit unit = {.number = 6};
    struct import_done done;

    import_done_init(&done, 6);
    struct status st = import_done_add(&done, &unit);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check_str(st.text, "unit 6 is done, but the files have 6 splits");
    import_done_deinit(&done);
}

test(a_damaged_checkpoint_is_refused)
{
    static const char *const texts[] = {
        "",
        "1 2 3",
        "1 2 3 x",
        "-1 2 3 4",
        "1 2 3 4 6-6",
        "1 2 3 4 0-6",
        "1 2 3 4 3-2",
        "1 2 3 4 0",
        "1 2 3 4 a-b",
        "1 2 3 4 0-1,,2-2",
        "1 2 3 4  0-1",
        "99999999999999999999 2 3 4",
    };

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct import_done done;

        import_done_init(&done, 6);
        check_status(import_done_read(&done, str_from(texts[i])), STATUS_FAILED_PRECONDITION);
        import_done_deinit(&done);
    }
}
