#include "cli/table.h"

#include <assert.h>
#include <stdio.h>

#include "base/mem.h"

struct table {
    const char *const *titles;
    size_t ncolumns;
    char **cells; /* [0 .. nrows * ncolumns) */
    size_t nrows;
    size_t widths[TABLE_MAX_COLUMNS];
};

struct table *table_create(const char *const *titles, size_t ncolumns)
{
    assert(ncolumns <= TABLE_MAX_COLUMNS);

    struct table *table = mem_alloc(sizeof(*table));

    table->titles = titles;
    table->ncolumns = ncolumns;
    for (size_t i = 0; i < ncolumns; i++)
        table->widths[i] = strlen(titles[i]);
    return table;
}

char *table_copy_plain(struct str text)
{
    char *copy = mem_copy_str(text);

    for (char *c = copy; *c; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = '?';
    }
    return copy;
}

void table_add(struct table *table, const char *const *cells)
{
    size_t at = table->nrows++ * table->ncolumns;

    table->cells =
        mem_realloc_array(table->cells, table->nrows * table->ncolumns, sizeof(*table->cells));
    for (size_t i = 0; i < table->ncolumns; i++) {
        struct str text = str_from(cells[i]);
        table->cells[at + i] = table_copy_plain(text);
        if (text.len > table->widths[i])
            table->widths[i] = text.len;
    }
}

static void print_row(const struct table *table, const char *const *cells)
{
    for (size_t i = 0; i + 1 < table->ncolumns; i++)
        (void)printf("%-*s  ", (int)table->widths[i], cells[i]);
    (void)printf("%s\n", cells[table->ncolumns - 1]);
}

void table_print(struct table *table)
{
    print_row(table, table->titles);
    for (size_t i = 0; i < table->nrows; i++)
        print_row(table, (const char *const *)&table->cells[i * table->ncolumns]);
    table_destroy(table);
}

void table_destroy(struct table *table)
{
    for (size_t i = 0; i < table->nrows * table->ncolumns; i++)
        mem_free(table->cells[i]);
    mem_free(table->cells);
    mem_free(table);
}
