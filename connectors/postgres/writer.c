/*
 * connectors/postgres/writer.c - see writer.h.
 *
 * There are two ways for the rows of a split. The fast one is a COPY straight into the
 * table. It fails when a key is there already, be it from before, from another split or
 * from the split itself. The slow one is a COPY into a stage and from there, in one
 * statement, into the table, where the last row of a key replaces what is there; it takes
 * the keys in their order, so that two writers that meet wait for each other but never in a
 * circle. A split that failed on the fast way is asked for again and takes the slow one,
 * and so do more and more splits after it, the more often that happens.
 *
 * Either way ends with one group of statements: the rest of the work, the unit under the
 * fence, COMMIT. The server has all of it before it begins, so nothing that happens to us
 * from then on can leave the transaction open. If the answer does not come, the unit's row
 * tells what became of it; and should the group still be on its way, the unit's key keeps a
 * second one from being committed.
 */
#include "connectors/postgres/writer.h"

#include <inttypes.h>
#include <string.h>
#include <sys/socket.h>

#include <libpq-fe.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/postgres/copy.h"
#include "connectors/postgres/sql.h"
#include "connectors/postgres/wait.h"

enum {
    RECONNECT_MS = 20 * 1000, /* a server that was killed takes this long to be there again */
    RECONNECT_PAUSE_MS = 250,
    MAX_SLOW_SPLITS = 64,
    KEY_SHOWN_BYTES = 80,
    MAX_STATEMENTS = 5, /* of the group at the end of a split */
};

enum way { WAY_FAST, WAY_SLOW };

struct writer {
    struct pg_writer_options options;
    struct pg_link *link; /* NULL: to be connected at the next split */
    struct pg_copy copy;
    struct buf sql;
    bool is_open;        /* a split's transaction is */
    enum way way;        /* of the split that is open */
    char *file;          /* of the split that is open, or was */
    unsigned nconflicts; /* splits on the fast way that failed, with none between that went well */
    unsigned nslow;      /* how many splits take the slow way at once */
};

static void disconnect(struct writer *writer)
{
    pg_link_close(writer->link);
    writer->link = NULL;
}

/* Connects; a server that is just coming up is waited for. ABORTED: the lease is lost. */
static struct status open_link(struct writer *writer)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + RECONNECT_MS;
    struct status st;

    for (;;) {
        st = pg_link_open(&writer->options.link, &writer->link);
        if (st.code != STATUS_UNAVAILABLE || clock_get_monotonic_ms() >= deadline_ms)
            break;
        struct status waited = pg_wait_ms(RECONNECT_PAUSE_MS, writer->options.link.stop);
        if (waited.code != STATUS_OK)
            return waited;
    }
    if (st.code == STATUS_OK)
        st = pg_ledger_check_fence(writer->link, writer->options.lease);
    if (st.code != STATUS_OK)
        disconnect(writer);
    return st;
}

static struct status ensure_connected(struct writer *writer)
{
    if (writer->link && pg_link_is_lost(writer->link))
        disconnect(writer);
    return writer->link ? status_ok() : open_link(writer);
}

struct status pg_writer_open(const struct pg_writer_options *options, struct writer **ret)
{
    struct writer *writer = mem_alloc(sizeof(*writer));

    writer->options = *options;
    writer->copy.bytes_sent = options->bytes_written;
    struct status st = open_link(writer);
    if (st.code != STATUS_OK) {
        pg_writer_close(writer);
        return st;
    }
    *ret = writer;
    return st;
}

void pg_writer_close(struct writer *writer)
{
    if (!writer)
        return;
    disconnect(writer);
    pg_copy_deinit(&writer->copy);
    buf_deinit(&writer->sql);
    mem_free(writer->file);
    mem_free(writer);
}

/* How many of the splits that follow go the slow way without trying. */
static unsigned count_slow(const struct writer *writer)
{
    /* Keys that were there before are everywhere; equal keys in the files may be few. */
    unsigned first = writer->options.is_empty ? 1 : 8;
    unsigned n = first;

    for (unsigned i = 1; i < writer->nconflicts && n < MAX_SLOW_SPLITS; i++)
        n *= 2;
    return n;
}

static bool is_keyed(const struct writer *writer)
{
    return writer->options.table->nkeys > 0;
}

/*
 * "in/a.csv: rows 1 to 2000: " or "in/a.csv: row 7, column 'f:qty': " and what the server
 * said.
 */
static struct status refuse(const struct writer *writer, struct status st)
{
    const struct pg_error *error = pg_link_get_error(writer->link);
    const char *table = writer->way == WAY_SLOW ? "sluice_stage" : writer->options.table->name;
    struct pg_copy_place place;

    if (st.code == STATUS_UNAVAILABLE || st.code == STATUS_PERMISSION_DENIED)
        return st; /* that is not about a row */
    pg_error_read_copy_place(error, table, &place);
    int64_t row = pg_copy_get_row(&writer->copy, place.line);
    if (row > 0 && place.column[0] != '\0')
        return status_error(st.code, "%s: row %" PRId64 ", column '%s': %s", writer->file, row,
                            place.column, error->message);
    if (row > 0)
        return status_error(st.code, "%s: row %" PRId64 ": %s", writer->file, row, error->message);
    if (st.code != STATUS_INVALID_ARGUMENT || writer->copy.nlines == 0)
        return st;
    return status_error(st.code, "%s: one of the rows %" PRId64 " to %" PRId64 ": %s", writer->file,
                        pg_copy_get_row(&writer->copy, 1),
                        pg_copy_get_row(&writer->copy, writer->copy.nlines), error->message);
}

/*
 * After a failure before the group was sent: nothing is committed. Decides whether the
 * split is tried once more.
 */
static struct status fail_split(struct writer *writer, struct status st, bool *ret_again)
{
    const struct pg_error *error = pg_link_get_error(writer->link);

    writer->is_open = false;
    if (st.code == STATUS_CANCELLED)
        return st;
    if (pg_link_is_lost(writer->link)) {
        *ret_again = true;
        return status_ok();
    }
    pg_link_rollback(writer->link);
    if (pg_error_is(error, "23505") && is_keyed(writer) && writer->way == WAY_FAST) {
        writer->nconflicts++;
        writer->nslow = count_slow(writer);
        *ret_again = true;
        return status_ok();
    }
    if (pg_error_is_passing(error) || pg_error_is(error, "57014")) {
        if (writer->nslow == 0 && is_keyed(writer))
            writer->nslow = 1;
        *ret_again = true;
        return status_ok();
    }
    return refuse(writer, st);
}

static struct status start_split(struct writer *writer, const char *file)
{
    const struct pg_table *table = writer->options.table;
    bool is_slow = writer->nslow > 0 || writer->options.wants_different_keys;
    struct pg_row_format format = {table->wires, table->ncolumns, is_slow};

    mem_free(writer->file);
    writer->file = mem_copy_str(str_from(file));
    writer->way = is_slow ? WAY_SLOW : WAY_FAST;
    writer->is_open = true;
    buf_clear(&writer->sql);
    buf_append_text(&writer->sql, "BEGIN;");
    if (is_slow) {
        buf_append_text(&writer->sql, "SET LOCAL work_mem = '64MB';");
        pg_sql_write_make_stage(table, &writer->sql);
        buf_append_char(&writer->sql, ';');
        pg_sql_write_copy_stage(table, &writer->sql);
    } else {
        pg_sql_write_copy(table, &writer->sql);
    }
    return pg_copy_start(&writer->copy, writer->link, buf_get_text(&writer->sql), &format);
}

/* For tests: the connection is cut. Gives what comes of using it then. */
static struct status cut(struct writer *writer)
{
    (void)shutdown(PQsocket(pg_link_get_conn(writer->link)), SHUT_RDWR);
    return pg_link_run(writer->link, "SELECT");
}

struct status pg_writer_write(struct writer *writer, const char *file, const struct batch *batch,
                              struct bad_row_sink *refused, bool *ret_again)
{
    (void)refused; /* the server's refusals end the transaction */
    struct pg_copy_value bad = {.row = SIZE_MAX};
    struct status st = status_ok();

    *ret_again = false;
    if (!writer->is_open) {
        st = ensure_connected(writer);
        if (st.code != STATUS_OK)
            return st;
        st = start_split(writer, file);
    }
    if (st.code == STATUS_OK)
        st = pg_copy_add(&writer->copy, writer->link, batch, &bad);
    if (st.code == STATUS_OK && FAILPOINT("postgres.in-copy"))
        st = cut(writer);
    if (st.code == STATUS_OK)
        return st;
    if (bad.row == SIZE_MAX)
        return fail_split(writer, st, ret_again);
    return status_error(
        STATUS_INVALID_ARGUMENT, "%s: row %" PRId64 ", column '%s': the value is out of range",
        file, batch->row_numbers[bad.row], writer->options.table->targets[bad.column].target);
}

/* The statements that end a split. */
struct group {
    struct pg_query statements[MAX_STATEMENTS];
    size_t nstatements;
    size_t add_keys; /* places of two of them; SIZE_MAX: it is not there */
    size_t add_unit;
    struct pg_unit_query unit;
    struct buf keys_sql;
    struct buf merge_sql;
};

static size_t group_add(struct group *group, struct pg_query statement)
{
    group->statements[group->nstatements] = statement;
    return group->nstatements++;
}

static void group_add_keys(struct group *group, const struct writer *writer)
{
    char *list = pg_ledger_get_list(writer->link, writer->options.lease);

    pg_sql_write_add_keys(writer->options.table, list, &group->keys_sql);
    mem_free(list);
    (void)group_add(group, (struct pg_query){.sql = "SAVEPOINT before_keys"});
    group->add_keys = group_add(group, (struct pg_query){.sql = buf_get_text(&group->keys_sql),
                                                         .nparams = 1,
                                                         .params = {group->unit.numbers[0].text}});
}

static void group_init(struct group *group, const struct writer *writer, const struct unit *unit,
                       bool has_rows)
{
    *group = (struct group){.add_keys = SIZE_MAX};
    pg_unit_query_init(&group->unit, writer->options.lease, unit, has_rows ? writer->file : "");
    if (has_rows && writer->options.wants_different_keys)
        group_add_keys(group, writer);
    if (has_rows && writer->way == WAY_SLOW) {
        pg_sql_write_merge(writer->options.table, &group->merge_sql);
        (void)group_add(group, (struct pg_query){.sql = buf_get_text(&group->merge_sql)});
    }
    group->add_unit = group_add(group, group->unit.query);
    (void)group_add(group, (struct pg_query){.sql = "COMMIT"});
}

static void group_deinit(struct group *group)
{
    buf_deinit(&group->keys_sql);
    buf_deinit(&group->merge_sql);
}

/* The connection was lost while the group was on its way. */
static struct status find_outcome(struct writer *writer, const struct unit *unit, bool *ret_again)
{
    struct pg_link *lost = writer->link;
    bool is_done = false;

    writer->link = NULL;
    struct status st = open_link(writer);
    if (st.code == STATUS_OK)
        st = pg_ledger_end_session(writer->link, pg_link_get_pid(lost),
                                   pg_link_get_start_time(lost));
    if (st.code == STATUS_OK)
        st = pg_ledger_find_unit(writer->link, writer->options.lease, unit->number, &is_done);
    if (st.code == STATUS_OK)
        *ret_again = !is_done;
    pg_link_close(lost);
    return st;
}

/*
 * INVALID_ARGUMENT with what a query about equal keys found: the key, two rows' numbers,
 * and the other's file unless it is the same. OK if it found none.
 */
static struct status read_equal_keys(struct writer *writer, const struct pg_query *query)
{
    PGresult *rows = NULL;
    struct status st = pg_link_query(writer->link, query, &rows);

    if (st.code == STATUS_OK && PQntuples(rows) > 0) {
        struct str key = str_from(PQgetvalue(rows, 0, 0));
        bool is_same_file = PQnfields(rows) == 3;
        st = status_error(STATUS_INVALID_ARGUMENT,
                          "%s: row %s: its key '%.*s' is that of row %s%s%s", writer->file,
                          PQgetvalue(rows, 0, 1), (int)utf8_fit(key, KEY_SHOWN_BYTES), key.data,
                          PQgetvalue(rows, 0, 2), is_same_file ? " too" : " of ",
                          is_same_file ? "" : PQgetvalue(rows, 0, 3));
    }
    PQclear(rows);
    return st;
}

/*
 * A key of the split is in the list: finds out which, and where from. The transaction is
 * still there.
 */
static struct status explain_equal_keys(struct writer *writer)
{
    struct pg_query query = {.nparams = 0};
    char *list = pg_ledger_get_list(writer->link, writer->options.lease);
    struct status st = pg_link_run(writer->link, "ROLLBACK TO SAVEPOINT before_keys");

    buf_clear(&writer->sql);
    pg_sql_write_find_twins(writer->options.table, &writer->sql);
    query.sql = buf_get_text(&writer->sql);
    if (st.code == STATUS_OK)
        st = read_equal_keys(writer, &query);
    if (st.code == STATUS_OK) {
        buf_clear(&writer->sql);
        pg_sql_write_find_listed(writer->options.table, list, &writer->sql);
        query = (struct pg_query){.sql = buf_get_text(&writer->sql),
                                  .nparams = 1,
                                  .params = {writer->options.lease->task_id}};
        st = read_equal_keys(writer, &query);
    }
    if (st.code == STATUS_OK)
        st = status_error(STATUS_INVALID_ARGUMENT, "%s: two rows have the same key", writer->file);
    mem_free(list);
    return st;
}

/*
 * A key of the split is in the list. If that is because the unit is done already, all is
 * well.
 */
static struct status refuse_equal_keys(struct writer *writer, const struct unit *unit)
{
    bool is_done = false;
    struct status st = explain_equal_keys(writer);

    pg_link_rollback(writer->link);
    if (pg_link_is_lost(writer->link))
        return st;
    struct status found =
        pg_ledger_find_unit(writer->link, writer->options.lease, unit->number, &is_done);
    return found.code == STATUS_OK && is_done ? found : st;
}

static struct status fail_group(struct writer *writer, const struct group *group,
                                const struct unit *unit, struct status st, bool *ret_again)
{
    const struct pg_error *error = pg_link_get_error(writer->link);
    size_t failed = pg_link_get_failed_query(writer->link);

    if (st.code == STATUS_CANCELLED)
        return st;
    if (pg_link_is_lost(writer->link))
        return find_outcome(writer, unit, ret_again);
    if (failed == group->add_keys && pg_error_is(error, "23505"))
        return refuse_equal_keys(writer, unit);
    if (failed != group->add_unit)
        return fail_split(writer, st, ret_again);
    if (pg_unit_query_is_stale(error)) {
        pg_link_rollback(writer->link);
        return status_error(STATUS_ABORTED, "another worker has a newer lease of the job");
    }
    if (pg_unit_query_is_done(error)) {
        pg_link_rollback(writer->link);
        return status_ok();
    }
    return fail_split(writer, st, ret_again);
}

static void note_success(struct writer *writer)
{
    if (writer->way == WAY_FAST)
        writer->nconflicts = 0;
    else if (writer->nslow > 0)
        writer->nslow--;
}

struct status pg_writer_commit(struct writer *writer, const struct unit *unit, bool *ret_again)
{
    bool has_rows = writer->is_open;
    struct group group;
    struct status st = status_ok();

    *ret_again = false;
    if (!has_rows)
        st = ensure_connected(writer);
    if (st.code != STATUS_OK)
        return st;
    st = has_rows ? pg_copy_end(&writer->copy, writer->link) : pg_link_run(writer->link, "BEGIN");
    if (st.code != STATUS_OK)
        return fail_split(writer, st, ret_again);

    writer->is_open = false;
    group_init(&group, writer, unit, has_rows);
    if (FAILPOINT("postgres.before-commit"))
        (void)cut(writer);
    st = pg_link_run_batch(writer->link, group.statements, group.nstatements);
    if (st.code == STATUS_OK && FAILPOINT("postgres.after-commit"))
        st = cut(writer);
    if (st.code == STATUS_OK && has_rows)
        note_success(writer);
    else if (st.code != STATUS_OK)
        st = fail_group(writer, &group, unit, st, ret_again);
    group_deinit(&group);
    return st;
}

void pg_writer_rollback(struct writer *writer)
{
    if (!writer->is_open)
        return;
    /* The server may be waiting for a lock; it rolls back when the connection is gone. */
    writer->is_open = false;
    disconnect(writer);
}
