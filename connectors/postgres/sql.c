#include "connectors/postgres/sql.h"

/* "a", "b" */
static void write_columns(const struct pg_table *table, struct buf *sql)
{
    for (size_t i = 0; i < table->ncolumns; i++)
        buf_printf(sql, "%s%s", i == 0 ? "" : ", ", table->columns[i]);
}

/* The key's columns of a stage or list, each behind lead: "c0, c2" */
static void write_key(const struct pg_table *table, const char *lead, struct buf *sql)
{
    for (size_t i = 0; i < table->nkeys; i++)
        buf_printf(sql, "%s%sc%zu", i == 0 ? "" : ", ", lead, table->key[i]);
}

static void write_all(const struct pg_table *table, struct buf *sql)
{
    for (size_t i = 0; i < table->ncolumns; i++)
        buf_printf(sql, "%sc%zu", i == 0 ? "" : ", ", i);
}

void pg_sql_write_copy(const struct pg_table *table, struct buf *sql)
{
    buf_printf(sql, "COPY %s (", table->quoted);
    write_columns(table, sql);
    buf_append_text(sql, ") FROM STDIN (FORMAT binary)");
}

void pg_sql_write_make_stage(const struct pg_table *table, struct buf *sql)
{
    buf_append_text(sql, "CREATE TEMPORARY TABLE IF NOT EXISTS sluice_stage"
                         " ON COMMIT DELETE ROWS AS SELECT ");
    for (size_t i = 0; i < table->ncolumns; i++)
        buf_printf(sql, "%s AS c%zu, ", table->columns[i], i);
    buf_printf(sql, "0::bigint AS n FROM %s WITH NO DATA", table->quoted);
}

void pg_sql_write_copy_stage(const struct pg_table *table, struct buf *sql)
{
    buf_append_text(sql, "COPY pg_temp.sluice_stage (");
    write_all(table, sql);
    buf_append_text(sql, ", n) FROM STDIN (FORMAT binary)");
}

/*
 * "a" = excluded."a", ... for the columns that are not of the key; their number is
 * returned.
 */
static size_t write_assignments(const struct pg_table *table, struct buf *sql)
{
    size_t n = 0;

    for (size_t i = 0; i < table->ncolumns; i++) {
        if (table->is_key[i])
            continue;
        buf_printf(sql, "%s%s = excluded.%s", n == 0 ? "" : ", ", table->columns[i],
                   table->columns[i]);
        n++;
    }
    return n;
}

void pg_sql_write_merge(const struct pg_table *table, struct buf *sql)
{
    struct buf assignments = {0};

    buf_printf(sql, "INSERT INTO %s (", table->quoted);
    write_columns(table, sql);
    buf_append_text(sql, ") SELECT DISTINCT ON (");
    write_key(table, "", sql);
    buf_append_text(sql, ") ");
    write_all(table, sql);
    buf_append_text(sql, " FROM pg_temp.sluice_stage ORDER BY ");
    write_key(table, "", sql);
    buf_append_text(sql, ", n DESC ON CONFLICT (");
    for (size_t i = 0; i < table->nkeys; i++)
        buf_printf(sql, "%s%s", i == 0 ? "" : ", ", table->columns[table->key[i]]);
    if (write_assignments(table, &assignments) > 0)
        buf_printf(sql, ") DO UPDATE SET %s", buf_get_text(&assignments));
    else
        buf_append_text(sql, ") DO NOTHING");
    buf_deinit(&assignments);
}

void pg_sql_write_make_list(const struct pg_table *table, const char *list, struct buf *sql)
{
    buf_printf(sql, "CREATE TABLE %s AS SELECT ", list);
    for (size_t i = 0; i < table->nkeys; i++)
        buf_printf(sql, "%s AS c%zu, ", table->columns[table->key[i]], table->key[i]);
    buf_printf(sql, "0::bigint AS unit, 0::bigint AS n FROM %s WITH NO DATA;", table->quoted);
    buf_printf(sql, "ALTER TABLE %s ADD PRIMARY KEY (", list);
    write_key(table, "", sql);
    buf_append_char(sql, ')');
}

void pg_sql_write_add_keys(const struct pg_table *table, const char *list, struct buf *sql)
{
    buf_printf(sql, "INSERT INTO %s (", list);
    write_key(table, "", sql);
    buf_append_text(sql, ", unit, n) SELECT ");
    write_key(table, "", sql);
    buf_append_text(sql, ", $1::bigint, n FROM pg_temp.sluice_stage ORDER BY ");
    write_key(table, "", sql);
}

void pg_sql_write_find_twins(const struct pg_table *table, struct buf *sql)
{
    buf_append_text(sql, "SELECT concat_ws(', ', ");
    write_key(table, "", sql);
    buf_append_text(sql, "), max(n), min(n) FROM pg_temp.sluice_stage GROUP BY ");
    write_key(table, "", sql);
    buf_append_text(sql, " HAVING count(*) > 1 ORDER BY 3 LIMIT 1");
}

void pg_sql_write_find_listed(const struct pg_table *table, const char *list, struct buf *sql)
{
    buf_append_text(sql, "SELECT concat_ws(', ', ");
    write_key(table, "s.", sql);
    buf_printf(sql, "), s.n, l.n, u.file FROM pg_temp.sluice_stage s JOIN %s l ON ", list);
    for (size_t i = 0; i < table->nkeys; i++)
        buf_printf(sql, "%ss.c%zu = l.c%zu", i == 0 ? "" : " AND ", table->key[i], table->key[i]);
    buf_append_text(sql, " LEFT JOIN sluice_import.import_unit u"
                         " ON u.task_id = $1 AND u.number = l.unit"
                         " ORDER BY s.n LIMIT 1");
}
