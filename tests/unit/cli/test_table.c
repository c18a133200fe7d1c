/*
 * tests/unit/cli/test_table.c - what tables print.
 */
#include <stdio.h>
#include <unistd.h>

#include "cli/table.h"
#include "tests/harness/test.h"

/* Prints a table of one row and puts what it printed into ret. */
static void print(const char *const *titles, const char *const *cells, size_t ncolumns, char *ret,
                  size_t size)
{
    struct table *table = table_create(titles, ncolumns);
    FILE *file = tmpfile();

    check(file);
    (void)fflush(stdout);
    int saved = dup(STDOUT_FILENO);
    check(dup2(fileno(file), STDOUT_FILENO) >= 0);
    table_add(table, cells);
    table_print(table);
    (void)fflush(stdout);
    check(dup2(saved, STDOUT_FILENO) >= 0);
    (void)close(saved);
    rewind(file);
    size_t len = fread(ret, 1, size - 1, file);
    ret[len] = '\0';
    (void)fclose(file);
}

test(table_columns_are_as_wide_as_their_widest_cell)
{
    const char *const titles[] = {"A", "B"};
    const char *const cells[] = {"long", NULL};
    char text[64];

    print(titles, cells, ARRAY_LEN(titles), text, sizeof(text));
    check_str(text, "A     B\nlong  \n");
}

test(table_cells_do_not_control_the_terminal)
{
    const char *const titles[] = {"A"};
    const char *const cells[] = {"\033[2Jx\ny\tz\x7f \xc3\xa9"};
    char text[64];

    print(titles, cells, ARRAY_LEN(titles), text, sizeof(text));
    check_str(text, "A\n?[2Jx?y?z? \xc3\xa9\n");
}
