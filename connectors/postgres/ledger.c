/*
 * connectors/postgres/ledger.c - see ledger.h.
 *
 * A unit's row names the token it was committed under, and that token is read from the
 * task's row under a lock that lasts until the commit. If another lease has taken the task
 * there is no such row to read, the column would be null, and the server refuses: so the
 * check needs no second statement, and no gap is left between check and commit.
 */
#include "connectors/postgres/ledger.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/number.h"
#include "connectors/postgres/sql.h"
#include "connectors/postgres/wait.h"

enum {
    END_TIMEOUT_MS = 15 * 1000, /* for sessions to end that were told to */
    END_POLL_MS = 20,
};

static const char find_ledger[] =
    "SELECT FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = 'sluice_import' AND c.relname = $1";

static const char make_schema[] = "CREATE SCHEMA sluice_import";

static const char make_tables[] =
    "CREATE TABLE sluice_import.import_task ("
    "    task_id text PRIMARY KEY,"
    "    fence bigint NOT NULL,"
    "    is_keyed boolean NOT NULL,"
    "    target text NOT NULL,"
    "    begin_time timestamptz NOT NULL DEFAULT now());"
    "CREATE TABLE sluice_import.import_unit ("
    "    task_id text NOT NULL,"
    "    number bigint NOT NULL,"
    "    fence bigint NOT NULL,"
    "    file text NOT NULL,"
    "    rows_read bigint NOT NULL,"
    "    rows_written bigint NOT NULL,"
    "    bad_rows bigint NOT NULL,"
    "    bytes_read bigint NOT NULL,"
    "    done_time timestamptz NOT NULL DEFAULT now(),"
    "    PRIMARY KEY (task_id, number));"
    "COMMENT ON SCHEMA sluice_import IS 'what Sluice knows of its bulk imports into this database'";

/* Sessions whose name is $1 and a token up to $2. */
static const char end_sessions[] =
    "SELECT pg_catalog.pg_terminate_backend(pid)"
    "  FROM pg_catalog.pg_stat_activity"
    " WHERE pid <> pg_catalog.pg_backend_pid()"
    "   AND datname = pg_catalog.current_database()"
    "   AND usename = session_user"
    "   AND CASE WHEN pg_catalog.starts_with(application_name, $1)"
    "             AND substr(application_name, length($1) + 1) ~ '^[0-9]{1,14}$'"
    "            THEN substr(application_name, length($1) + 1)::bigint <= $2::bigint"
    "            ELSE false END";

static const char end_session[] = "SELECT pg_catalog.pg_terminate_backend(pid)"
                                  "  FROM pg_catalog.pg_stat_activity"
                                  " WHERE pid = $1::int AND backend_start = $2::timestamptz"
                                  "   AND usename = session_user";

static const char check_fence[] =
    "SELECT FROM sluice_import.import_task WHERE task_id = $1 AND fence > $2::bigint";

static const char take_fence[] =
    "WITH taken AS ("
    "    INSERT INTO sluice_import.import_task AS t (task_id, fence, is_keyed, target)"
    "    VALUES ($1, $2::bigint, $3::boolean, $4)"
    "    ON CONFLICT (task_id) DO UPDATE"
    "       SET fence = excluded.fence, is_keyed = excluded.is_keyed,"
    "           target = excluded.target, begin_time = now()"
    "     WHERE t.fence <= excluded.fence"
    "    RETURNING task_id),"
    " dropped AS ("
    "    DELETE FROM sluice_import.import_unit"
    "     WHERE $5::boolean AND task_id IN (SELECT task_id FROM taken)"
    "       AND ($3::boolean OR fence < $6::bigint))"
    " SELECT task_id FROM taken";

/* Where commits wait for standbys, too, this one does as they do. */
static const char wait_for_disk[] =
    "BEGIN;"
    "SELECT pg_catalog.set_config('synchronous_commit', 'local', true)"
    " WHERE pg_catalog.current_setting('synchronous_commit') = 'off'";

/* Something to commit; the log is written in order, so it is the last that is. */
static const char touch_fence[] = "UPDATE sluice_import.import_task SET fence = fence"
                                  " WHERE task_id = $1 AND fence = $2::bigint RETURNING task_id";

static const char read_units[] = "SELECT number, rows_read, rows_written, bad_rows, bytes_read"
                                 "  FROM sluice_import.import_unit"
                                 " WHERE task_id = $1 AND number BETWEEN 0 AND 4294967295"
                                 " ORDER BY number";

static const char find_unit[] =
    "SELECT FROM sluice_import.import_unit WHERE task_id = $1 AND number = $2::bigint";

static const char add_unit[] =
    "INSERT INTO sluice_import.import_unit"
    "       (task_id, number, fence, file, rows_read, rows_written, bad_rows, bytes_read)"
    " VALUES ($1, $2::bigint,"
    "         (SELECT fence"
    "            FROM sluice_import.import_task"
    "           WHERE task_id = $1 AND fence = $3::bigint"
    "             FOR SHARE),"
    "         $4, $5::bigint, $6::bigint, $7::bigint, $8::bigint)";

static const char forget[] =
    "WITH forgotten AS (DELETE FROM sluice_import.import_task WHERE task_id = $1)"
    " DELETE FROM sluice_import.import_unit WHERE task_id = $1";

/*
 * Where rows have no key a forgotten unit would be added twice if the task were taken up
 * again, so these wait longer.
 */
static const char find_old[] =
    "SELECT task_id"
    "  FROM sluice_import.import_task t"
    " WHERE begin_time < now() - CASE WHEN is_keyed THEN interval '30 days'"
    "                                ELSE interval '1 year' END"
    "   AND NOT EXISTS ("
    "       SELECT FROM sluice_import.import_unit u"
    "        WHERE u.task_id = t.task_id AND u.done_time > now() - interval '30 days')"
    " ORDER BY begin_time"
    " LIMIT 10";

struct status pg_lease_init(struct pg_lease *lease, const char *task_id, int64_t token,
                            int64_t first_token)
{
    int64_t max = 1;
    size_t len = strlen(task_id);
    size_t skipped = len < PG_SHORT_ID_BYTES ? 0 : len - (PG_SHORT_ID_BYTES - 1);

    while (((unsigned char)task_id[skipped] & 0xc0) == 0x80) /* within a character */
        skipped++;
    for (int i = 0; i < PG_LEASE_MAX_TOKEN_DIGITS; i++)
        max *= 10;
    if (token < 0 || token >= max || first_token < 0 || first_token >= max)
        return status_error(STATUS_INVALID_ARGUMENT, "the lease token is out of range");
    struct pg_number number = pg_number_make(token);
    *lease = (struct pg_lease){.task_id = task_id, .token = token, .first_token = first_token};
    (void)snprintf(lease->short_id, sizeof(lease->short_id), "%s", task_id + skipped);
    (void)snprintf(lease->session_name, sizeof(lease->session_name), "sluice %s %.*s",
                   lease->short_id, PG_LEASE_MAX_TOKEN_DIGITS, number.text);
    return status_ok();
}

static struct status is_made(struct pg_link *link, const char *table, bool *ret)
{
    struct pg_query query = {.sql = find_ledger, .nparams = 1, .params = {table}};
    size_t nrows = 0;
    struct status st = pg_link_count(link, &query, &nrows);

    if (st.code == STATUS_OK)
        *ret = nrows > 0;
    return st;
}

static struct status make_missing(struct pg_link *link)
{
    struct pg_query query = {
        .sql = "SELECT FROM pg_catalog.pg_namespace WHERE nspname = 'sluice_import'"};
    bool is_there = false;
    size_t nschemas = 0;
    struct status st = is_made(link, "import_unit", &is_there);

    if (st.code != STATUS_OK || is_there)
        return st;
    st = pg_link_count(link, &query, &nschemas);
    if (st.code == STATUS_OK && nschemas == 0)
        st = pg_link_run(link, make_schema);
    if (st.code == STATUS_OK)
        st = pg_link_run(link, make_tables);
    if (st.code == STATUS_PERMISSION_DENIED)
        st = status_error(STATUS_PERMISSION_DENIED,
                          "the schema sluice_import cannot be made: let the role create it, or "
                          "make it and give it to the role (PostgreSQL: %s)",
                          pg_link_get_error(link)->message);
    return st;
}

struct status pg_ledger_make(struct pg_link *link)
{
    bool is_there = false;
    struct status st = is_made(link, "import_unit", &is_there);

    if (st.code != STATUS_OK || is_there)
        return st;
    st = pg_link_begin_making(link);
    if (st.code == STATUS_OK)
        st = make_missing(link);
    if (st.code == STATUS_OK)
        st = pg_link_run(link, "COMMIT");
    pg_link_rollback(link);
    return st;
}

/* Runs a query that ends sessions until it finds none. */
static struct status end_all(struct pg_link *link, const struct pg_query *query)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + END_TIMEOUT_MS;

    for (;;) {
        size_t nleft = 0;
        struct status st = pg_link_count(link, query, &nleft);

        if (st.code != STATUS_OK || nleft == 0)
            return st;
        if (clock_get_monotonic_ms() >= deadline_ms)
            return status_error(STATUS_UNAVAILABLE, "%zu sessions of an earlier lease do not end",
                                nleft);
        st = pg_wait_ms(END_POLL_MS, pg_link_get_stop(link));
        if (st.code != STATUS_OK)
            return st;
    }
}

static struct status end_older(struct pg_link *link, const struct pg_lease *lease)
{
    char prefix[PG_NAME_BYTES];
    struct pg_number token = pg_number_make(lease->token);
    struct pg_query query = {.sql = end_sessions, .nparams = 2, .params = {prefix, token.text}};

    (void)snprintf(prefix, sizeof(prefix), "sluice %s ", lease->short_id);
    return end_all(link, &query);
}

struct status pg_ledger_end_session(struct pg_link *link, const char *pid, const char *start_time)
{
    struct pg_query query = {.sql = end_session, .nparams = 2, .params = {pid, start_time}};

    return end_all(link, &query);
}

static struct status refuse_stale(void)
{
    return status_error(STATUS_ABORTED, "another worker has a newer lease of the job");
}

struct status pg_ledger_check_fence(struct pg_link *link, const struct pg_lease *lease)
{
    struct pg_number token = pg_number_make(lease->token);
    struct pg_query query = {
        .sql = check_fence, .nparams = 2, .params = {lease->task_id, token.text}};
    size_t nnewer = 0;
    struct status st = pg_link_count(link, &query, &nnewer);

    if (st.code == STATUS_OK && nnewer > 0)
        st = refuse_stale();
    return st;
}

static struct status take(struct pg_link *link, const struct pg_lease *lease,
                          const struct pg_table *table, bool drops_units)
{
    struct pg_number token = pg_number_make(lease->token);
    struct pg_number first_token = pg_number_make(lease->first_token);
    struct pg_query query = {
        .sql = take_fence,
        .nparams = 6,
        .params = {lease->task_id, token.text, table->nkeys > 0 ? "t" : "f", table->quoted,
                   drops_units ? "t" : "f", first_token.text},
    };
    size_t nrows = 0;
    struct status st = pg_link_count(link, &query, &nrows);

    if (st.code == STATUS_OK && nrows == 0)
        st = refuse_stale();
    return st;
}

struct status pg_ledger_take_fence(struct pg_link *link, const struct pg_lease *lease,
                                   const struct pg_table *table, bool drops_units)
{
    struct status st = pg_ledger_check_fence(link, lease);

    /*
     * An open transaction of an older lease may hold the fence's row; one that opens later
     * is refused.
     */
    if (st.code == STATUS_OK)
        st = end_older(link, lease);
    if (st.code == STATUS_OK)
        st = take(link, lease, table, drops_units);
    if (st.code == STATUS_OK)
        st = end_older(link, lease);
    return st;
}

static int64_t get_int(const PGresult *rows, int row, int column)
{
    struct str text = str_from(PQgetvalue(rows, row, column));
    int64_t value = 0;

    return number_read("unit", text, INT64_MIN, INT64_MAX, &value).code == STATUS_OK ? value : 0;
}

struct status pg_ledger_read_units(struct pg_link *link, const struct pg_lease *lease,
                                   struct unit **ret, size_t *ret_nunits)
{
    struct pg_query query = {.sql = read_units, .nparams = 1, .params = {lease->task_id}};
    PGresult *rows = NULL;
    struct status st = pg_link_query(link, &query, &rows);

    if (st.code != STATUS_OK)
        return st;
    int nunits = PQntuples(rows);
    if (nunits > PG_LEDGER_MAX_UNITS) {
        PQclear(rows);
        return status_error(STATUS_FAILED_PRECONDITION, "the task has more than %d units",
                            PG_LEDGER_MAX_UNITS);
    }
    struct unit *units = mem_alloc_array((size_t)nunits, sizeof(*units));
    for (int i = 0; i < nunits; i++) {
        units[i] = (struct unit){
            .number = (uint32_t)get_int(rows, i, 0),
            .rows_read = get_int(rows, i, 1),
            .rows_written = get_int(rows, i, 2),
            .bad_rows = get_int(rows, i, 3),
            .bytes_read = (uint64_t)get_int(rows, i, 4),
        };
    }
    PQclear(rows);
    *ret = units;
    *ret_nunits = (size_t)nunits;
    return st;
}

struct status pg_ledger_settle(struct pg_link *link, const struct pg_lease *lease)
{
    struct pg_number token = pg_number_make(lease->token);
    struct pg_query query = {
        .sql = touch_fence, .nparams = 2, .params = {lease->task_id, token.text}};
    size_t nrows = 0;
    struct status st = pg_link_run(link, wait_for_disk);

    if (st.code == STATUS_OK)
        st = pg_link_count(link, &query, &nrows);
    if (st.code == STATUS_OK && nrows == 0)
        st = refuse_stale();
    if (st.code == STATUS_OK)
        st = pg_link_run(link, "COMMIT");
    pg_link_rollback(link);
    return st;
}

struct status pg_ledger_find_unit(struct pg_link *link, const struct pg_lease *lease,
                                  uint32_t number, bool *ret_found)
{
    struct pg_number text = pg_number_make(number);
    struct pg_query query = {.sql = find_unit, .nparams = 2, .params = {lease->task_id, text.text}};
    size_t nrows = 0;
    struct status st = pg_link_count(link, &query, &nrows);

    if (st.code == STATUS_OK)
        *ret_found = nrows > 0;
    return st;
}

void pg_unit_query_init(struct pg_unit_query *query, const struct pg_lease *lease,
                        const struct unit *unit, const char *file)
{
    const int64_t numbers[ARRAY_LEN(query->numbers)] = {unit->number,    lease->token,
                                                        unit->rows_read, unit->rows_written,
                                                        unit->bad_rows,  (int64_t)unit->bytes_read};
    const char **params = query->query.params;

    for (size_t i = 0; i < ARRAY_LEN(query->numbers); i++)
        query->numbers[i] = pg_number_make(numbers[i]);
    query->query.sql = add_unit;
    query->query.nparams = 8;
    params[0] = lease->task_id;
    params[1] = query->numbers[0].text;
    params[2] = query->numbers[1].text;
    params[3] = file;
    for (size_t i = 2; i < ARRAY_LEN(query->numbers); i++)
        params[i + 2] = query->numbers[i].text;
}

bool pg_unit_query_is_stale(const struct pg_error *error)
{
    return pg_error_is(error, "23502") && strcmp(error->table, "import_unit") == 0 &&
           strcmp(error->column, "fence") == 0;
}

bool pg_unit_query_is_done(const struct pg_error *error)
{
    return pg_error_is(error, "23505") && strcmp(error->table, "import_unit") == 0;
}

/* sluice_import."keys_<end of the task's id>" */
static void write_list(const struct pg_link *link, const struct pg_lease *lease, struct buf *ret)
{
    char name[PG_NAME_BYTES];

    (void)snprintf(name, sizeof(name), "keys_%s", lease->short_id);
    buf_append_text(ret, "sluice_import.");
    pg_link_quote(link, name, ret);
}

char *pg_ledger_get_list(const struct pg_link *link, const struct pg_lease *lease)
{
    struct buf list = {0};

    write_list(link, lease, &list);
    return buf_take(&list);
}

static struct status drop_list(struct pg_link *link, const struct pg_lease *lease)
{
    struct buf sql = {0};

    buf_append_text(&sql, "DROP TABLE IF EXISTS ");
    write_list(link, lease, &sql);
    struct status st = pg_link_run(link, buf_get_text(&sql));
    buf_deinit(&sql);
    return st;
}

static struct status make_missing_list(struct pg_link *link, const struct pg_lease *lease,
                                       const struct pg_table *table)
{
    char name[PG_NAME_BYTES];
    bool is_there = false;

    (void)snprintf(name, sizeof(name), "keys_%s", lease->short_id);
    struct status st = is_made(link, name, &is_there);
    if (st.code != STATUS_OK || is_there)
        return st;

    struct buf sql = {0};
    char *list = pg_ledger_get_list(link, lease);
    pg_sql_write_make_list(table, list, &sql);
    st = pg_link_run(link, buf_get_text(&sql));
    mem_free(list);
    buf_deinit(&sql);
    return st;
}

struct status pg_ledger_make_list(struct pg_link *link, const struct pg_lease *lease,
                                  const struct pg_table *table, bool drops_keys)
{
    struct status st = pg_link_begin_making(link);

    if (st.code == STATUS_OK && drops_keys)
        st = drop_list(link, lease);
    if (st.code == STATUS_OK)
        st = make_missing_list(link, lease, table);
    if (st.code == STATUS_OK)
        st = pg_link_run(link, "COMMIT");
    pg_link_rollback(link);
    return st;
}

struct status pg_ledger_forget(struct pg_link *link, const char *task_id)
{
    struct pg_lease lease;
    struct pg_query query = {.sql = forget, .nparams = 1, .params = {task_id}};
    size_t nrows = 0;
    struct status st = pg_lease_init(&lease, task_id, 0, 0);

    if (st.code == STATUS_OK)
        st = drop_list(link, &lease);
    if (st.code == STATUS_OK)
        st = pg_link_count(link, &query, &nrows);
    return st;
}

void pg_ledger_prune(struct pg_link *link)
{
    struct pg_query query = {.sql = find_old};
    PGresult *rows = NULL;
    struct status st = pg_link_query(link, &query, &rows);

    for (int i = 0; rows && i < PQntuples(rows) && !pg_link_is_lost(link); i++)
        st = pg_ledger_forget(link, PQgetvalue(rows, i, 0));
    (void)st; /* it may be another role's task */
    PQclear(rows);
}
