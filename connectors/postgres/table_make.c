/*
 * connectors/postgres/table_make.c - pg_table_make: a table of HBase form, made as far as
 * it is missing.
 *
 * The row key is the primary key "ROW", each other column is one named "family:qualifier".
 * An HBase put would simply write a new qualifier, hence columns are added to a table that
 * is there. What the table becomes is checked before the commit, so that nothing is changed
 * for a task that cannot run.
 */
#include "connectors/postgres/table.h"

#include "connectors/postgres/link.h"
#include "connectors/postgres/relation.h"
#include "connectors/postgres/types.h"

static void write_column(const struct pg_link *link, const struct import_column *column,
                         struct buf *sql)
{
    pg_link_quote(link, column->target, sql);
    buf_printf(sql, " %s%s", pg_type_get_made(column->type), column->is_key ? " PRIMARY KEY" : "");
}

static void write_create(const struct pg_link *link, const struct import_spec *spec,
                         struct buf *sql)
{
    buf_append_text(sql, "CREATE TABLE ");
    pg_link_quote(link, spec->namespace, sql);
    buf_append_char(sql, '.');
    pg_link_quote(link, spec->table, sql);
    for (size_t i = 0; i < spec->ncolumns; i++) {
        buf_append_text(sql, i == 0 ? " (" : ", ");
        write_column(link, &spec->columns[i], sql);
    }
    buf_append_char(sql, ')');
}

/* Nothing is written if no column is missing. */
static void write_alter(const struct pg_link *link, const struct import_spec *spec,
                        const struct pg_relation *relation, struct buf *sql)
{
    size_t nadded = 0;

    for (size_t i = 0; i < spec->ncolumns; i++) {
        const struct import_column *column = &spec->columns[i];

        if (column->is_key || pg_relation_find(relation, column->target))
            continue;
        if (nadded++ == 0) {
            buf_append_text(sql, "ALTER TABLE ");
            pg_link_quote(link, spec->namespace, sql);
            buf_append_char(sql, '.');
            pg_link_quote(link, spec->table, sql);
        }
        buf_append_text(sql, nadded == 1 ? " ADD COLUMN " : ", ADD COLUMN ");
        write_column(link, column, sql);
    }
}

/*
 * CREATE SCHEMA IF NOT EXISTS would ask for the right to create even when the schema is
 * there.
 */
static struct status make_schema(struct pg_link *link, const struct import_spec *spec)
{
    struct pg_query query = {
        .sql = "SELECT FROM pg_catalog.pg_namespace WHERE nspname = $1",
        .nparams = 1,
        .params = {spec->namespace},
    };
    struct buf sql = {0};
    size_t nrows = 0;
    struct status st = pg_link_count(link, &query, &nrows);

    if (st.code != STATUS_OK || nrows > 0)
        return st;
    buf_append_text(&sql, "CREATE SCHEMA ");
    pg_link_quote(link, spec->namespace, &sql);
    st = pg_link_run(link, buf_get_text(&sql));
    buf_deinit(&sql);
    return st;
}

static struct status make_missing(struct pg_link *link, const struct import_spec *spec,
                                  bool *ret_made)
{
    struct pg_relation relation = {0};
    struct buf sql = {0};
    struct status st = pg_relation_read(link, spec->namespace, spec->table, &relation);
    bool is_new = relation.kind == '\0';

    if (st.code == STATUS_OK && is_new) {
        st = make_schema(link, spec);
        write_create(link, spec, &sql);
    } else if (st.code == STATUS_OK && (relation.kind == 'r' || relation.kind == 'p')) {
        write_alter(link, spec, &relation, &sql);
    }
    if (st.code == STATUS_OK && sql.len > 0)
        st = pg_link_run(link, buf_get_text(&sql));
    if (st.code == STATUS_OK)
        *ret_made = is_new;
    buf_deinit(&sql);
    pg_relation_deinit(&relation);
    return st;
}

struct status pg_table_make(struct pg_link *link, const struct import_spec *spec, bool *ret_made,
                            struct pg_table **ret)
{
    struct pg_table *table = NULL;
    bool is_made = false;
    struct status st = pg_table_validate_names(spec);

    if (st.code == STATUS_OK)
        st = pg_link_begin_making(link);
    if (st.code == STATUS_OK)
        st = make_missing(link, spec, &is_made);
    if (st.code == STATUS_OK)
        st = pg_table_open(link, spec, &table);
    if (st.code == STATUS_OK)
        st = pg_link_run(link, "COMMIT");
    if (st.code != STATUS_OK) {
        pg_link_rollback(link);
        pg_table_close(table);
        return st;
    }
    *ret_made = is_made;
    *ret = table;
    return st;
}
