#include "store/data_source_rewrite.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "store/pg_session.h"

/* So few that whoever waits for one of these rows does not notice. */
static const char read_sql[] = "SELECT name, type, parameters_json"
                               "  FROM data_source"
                               " WHERE name > $1"
                               " ORDER BY name"
                               " LIMIT 32"
                               "   FOR NO KEY UPDATE";

static const char write_sql[] = "UPDATE data_source"
                                "   SET parameters_json = $2, version = version + 1"
                                " WHERE name = $1";

static struct status write_row(struct pg_session *session, const char *name, const char *text)
{
    const char *params[] = {name, text};
    struct pg_session_rows *rows = NULL;
    struct status st = pg_session_query(session, write_sql, params, ARRAY_LEN(params), &rows);

    pg_session_rows_destroy(rows);
    return st;
}

static struct status rewrite_row(struct pg_session *session, const struct data_source_row *row,
                                 data_source_rewrite_fn *rewrite, void *arg)
{
    struct buf text = {0};
    bool is_new = true;
    struct status st = rewrite(arg, row, &is_new, &text);

    if (st.code == STATUS_OK && is_new)
        st = write_row(session, row->name, buf_get_text(&text));
    buf_deinit(&text);
    return st;
}

/* Of what follows *name; leaves the last name there, or NULL at the end. */
static struct status rewrite_some(struct pg_session *session, data_source_rewrite_fn *rewrite,
                                  void *arg, char **name)
{
    const char *params[] = {*name};
    struct pg_session_rows *rows = NULL;
    struct status st = pg_session_query(session, read_sql, params, ARRAY_LEN(params), &rows);

    if (st.code != STATUS_OK)
        return st;
    size_t n = pg_session_rows_get_count(rows);
    for (size_t i = 0; st.code == STATUS_OK && i < n; i++) {
        struct data_source_row row = {
            .name = pg_session_rows_get(rows, i, 0),
            .type = pg_session_rows_get(rows, i, 1),
            .parameters_json = pg_session_rows_get(rows, i, 2),
        };
        st = rewrite_row(session, &row, rewrite, arg);
    }
    mem_free(*name);
    *name = n > 0 ? mem_copy_str(str_from(pg_session_rows_get(rows, n - 1, 0))) : NULL;
    pg_session_rows_destroy(rows);
    return st;
}

struct status data_source_rewrite_all(const char *database_url, data_source_rewrite_fn *rewrite,
                                      void *arg)
{
    struct pg_session *session = NULL;
    char *name = mem_copy_str(str_from(""));
    struct status st = pg_session_open(database_url, &session);

    while (st.code == STATUS_OK && name) {
        st = pg_session_run(session, "BEGIN");
        if (st.code == STATUS_OK)
            st = rewrite_some(session, rewrite, arg, &name);
        if (st.code == STATUS_OK)
            st = pg_session_run(session, "COMMIT");
    }
    mem_free(name);
    pg_session_close(session); /* which undoes what was not committed */
    return st;
}
