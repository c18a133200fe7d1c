/*
 * tests/unit/gateway/test_fault.c - the table of what clients are told.
 */
#include "gateway/fault.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "tests/harness/test.h"

test(fault_reasons_are_upper_case_names)
{
    for (int i = 0; i < FAULT_NFAULTS; i++) {
        const char *reason = fault_get((enum fault)i)->reason;

        /* google.rpc.ErrorInfo: at most 63 of A-Z, 0-9 and '_'. */
        check(strlen(reason) > 0 && strlen(reason) <= 63);
        check(strspn(reason, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(reason));
    }
}

/* One reason may be that of several kinds of subject. */
test(fault_reasons_say_one_thing)
{
    for (int i = 0; i < FAULT_NFAULTS; i++)
        for (int j = 0; j < i; j++) {
            const struct fault_row *a = fault_get((enum fault)i), *b = fault_get((enum fault)j);

            if (strcmp(a->reason, b->reason) != 0)
                continue;
            check_int(a->code, b->code);
            check_str(a->text, b->text);
            check(a->key && b->key && strcmp(a->key, b->key) != 0);
        }
}

test(fault_rows_are_whole)
{
    for (int i = 0; i < FAULT_NFAULTS; i++) {
        const struct fault_row *row = fault_get((enum fault)i);

        check(row->code != STATUS_OK && row->code != STATUS_INTERNAL);
        check(!row->subject == !row->key);
        check(row->subject || !row->resource);
        check((row->code == STATUS_NOT_FOUND) <= (row->resource != NULL));
        check((row->code == STATUS_UNAVAILABLE) <= (row->retry_ms > 0));
    }
}

test(fault_names_what_it_is_about)
{
    struct status st = fault_make_status(FAULT_TASK_NOT_FOUND, "proc-1");

    check_status(st, STATUS_NOT_FOUND);
    check_str(st.text, "task 'proc-1' does not exist");
}

test(fault_cuts_a_long_name)
{
    char name[1000];

    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    struct status st = fault_make_status(FAULT_DATA_SOURCE_NOT_FOUND, name);
    check(strstr(st.text, "' does not exist") != NULL);
}

/* The page for users, from the folder that tests run in. */
static struct buf read_page(void)
{
    FILE *file = fopen("docs/errors.md", "r");
    struct buf page = {0};
    char chunk[4096];
    size_t n;

    check(file != NULL);
    while (file && (n = fread(chunk, 1, sizeof(chunk), file)) > 0)
        buf_append(&page, chunk, n);
    if (file)
        (void)fclose(file);
    return page;
}

/* Whether a line of the page's table is of a fault: "| `REASON` | CODE, ...". */
static bool is_line_of(struct str line, const struct fault_row *row)
{
    char head[128];

    (void)snprintf(head, sizeof(head), "| `%s` | %s, ", row->reason,
                   status_code_get_name(row->code));
    return str_has_prefix(line, head);
}

static size_t count_lines_of(struct str page, const struct fault_row *row)
{
    size_t count = 0;

    while (page.data)
        count += is_line_of(str_cut(&page, '\n'), row);
    return count;
}

static bool is_line_of_any(struct str line)
{
    for (int i = 0; i < FAULT_NFAULTS; i++)
        if (is_line_of(line, fault_get((enum fault)i)))
            return true;
    return false;
}

test(fault_reasons_are_those_of_the_page_about_errors)
{
    struct buf page = read_page();
    struct str rest = buf_get(&page);

    for (int i = 0; i < FAULT_NFAULTS; i++) {
        const struct fault_row *row = fault_get((enum fault)i);

        if (count_lines_of(buf_get(&page), row) != 1)
            printf("docs/errors.md has no line of its own for %s\n", row->reason);
        check_int(count_lines_of(buf_get(&page), row), 1);
    }
    while (rest.data) {
        struct str line = str_cut(&rest, '\n');

        if (str_has_prefix(line, "| `") && !is_line_of_any(line)) {
            printf("docs/errors.md has a line for no fault: %.*s\n", 40, line.data);
            check(false);
        }
    }
    buf_deinit(&page);
}
