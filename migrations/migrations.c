/*
 * One session does it all under an advisory lock, so that several programs that start at once wait
 * for each other. The checksum is PostgreSQL's own sha256().
 */
#include "migrations/migrations.h"

#include <assert.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/number.h"
#include "store/pg_session.h"

enum { NUMBER_BYTES = 24 }; /* a 64-bit number and NUL */

static const char lock_sql[] =
    "SET lock_timeout = '60s';"
    "SET client_min_messages = warning;"
    "SELECT pg_advisory_lock(hashtextextended('sluice.schema_migrations', 0));";

static const char table_sql[] = "CREATE TABLE IF NOT EXISTS schema_migrations ("
                                "    version      integer PRIMARY KEY,"
                                "    name         text NOT NULL,"
                                "    checksum     text NOT NULL,"
                                "    applied_time timestamptz NOT NULL DEFAULT now(),"
                                "    duration_ms  bigint NOT NULL)";

static const char *const state_names[] = {
    [MIGRATION_APPLIED] = "applied",
    [MIGRATION_PENDING] = "pending",
    [MIGRATION_CHANGED] = "changed",
    [MIGRATION_UNKNOWN] = "unknown",
};

const char *migration_state_get_name(enum migration_state state)
{
    return state_names[state];
}

static char *copy_text(const struct migration *file)
{
    return mem_copy_str(str_from_bytes(file->start, (size_t)(file->end - file->start)));
}

/* Whether the table that remembers is there. */
static struct status find_table(struct pg_session *session, bool *ret)
{
    struct pg_session_rows *rows = NULL;
    struct status st =
        pg_session_query(session, "SELECT to_regclass('schema_migrations')", NULL, 0, &rows);

    if (st.code == STATUS_OK)
        *ret = pg_session_rows_get(rows, 0, 0) != NULL;
    pg_session_rows_destroy(rows);
    return st;
}

/* The row of a version: name, time, whether its checksum is that of the text. */
static struct status find_applied(struct pg_session *session, const struct migration *file,
                                  struct pg_session_rows **ret)
{
    char version[NUMBER_BYTES];
    char *text = copy_text(file);
    const char *params[] = {version, text};

    (void)snprintf(version, sizeof(version), "%d", file->version);
    struct status st =
        pg_session_query(session,
                         "SELECT applied_time::text,"
                         "       checksum = encode(sha256(convert_to($2::text, 'UTF8')), 'hex')"
                         "  FROM schema_migrations"
                         " WHERE version = $1::integer",
                         params, 2, ret);
    mem_free(text);
    return st;
}

static struct status list_file(struct pg_session *session, const struct migration *file,
                               bool has_table, migration_line_fn on_line, void *arg)
{
    struct migration_line line = {
        .version = file->version, .name = file->name, .state = MIGRATION_PENDING};
    struct pg_session_rows *rows = NULL;
    struct status st = has_table ? find_applied(session, file, &rows) : status_ok();

    if (st.code != STATUS_OK)
        return st;
    if (rows && pg_session_rows_get_count(rows) > 0) {
        line.applied_time = pg_session_rows_get(rows, 0, 0);
        line.state = strcmp(pg_session_rows_get(rows, 0, 1), "t") == 0 ? MIGRATION_APPLIED
                                                                       : MIGRATION_CHANGED;
    }
    on_line(arg, &line);
    pg_session_rows_destroy(rows);
    return status_ok();
}

/* Whether the program has a migration of this version, which is a number. */
static bool is_known(const struct migration *files, size_t nfiles, int64_t version)
{
    for (size_t i = 0; i < nfiles; i++) {
        if (files[i].version == version)
            return true;
    }
    return false;
}

static struct status list_unknown(struct pg_session *session, const struct migration *files,
                                  size_t nfiles, migration_line_fn on_line, void *arg)
{
    struct pg_session_rows *rows = NULL;
    struct status st = pg_session_query(session,
                                        "SELECT version, name, applied_time::text"
                                        "  FROM schema_migrations ORDER BY version",
                                        NULL, 0, &rows);

    for (size_t i = 0; st.code == STATUS_OK && i < pg_session_rows_get_count(rows); i++) {
        int64_t version = 0;

        st = number_read("version", str_from(pg_session_rows_get(rows, i, 0)), INT32_MIN, INT32_MAX,
                         &version);
        if (st.code != STATUS_OK || is_known(files, nfiles, version))
            continue;
        struct migration_line line = {
            .version = (int)version,
            .name = pg_session_rows_get(rows, i, 1),
            .state = MIGRATION_UNKNOWN,
            .applied_time = pg_session_rows_get(rows, i, 2),
        };
        on_line(arg, &line);
    }
    pg_session_rows_destroy(rows);
    return st;
}

static struct status list_all(struct pg_session *session, const struct migration *files,
                              size_t nfiles, migration_line_fn on_line, void *arg)
{
    bool has_table = false;
    struct status st = find_table(session, &has_table);

    for (size_t i = 0; st.code == STATUS_OK && i < nfiles; i++)
        st = list_file(session, &files[i], has_table, on_line, arg);
    if (st.code == STATUS_OK && has_table)
        st = list_unknown(session, files, nfiles, on_line, arg);
    return st;
}

/* What list_all found, as far as it forbids to go on. */
struct verdict {
    struct status st;
    int npending;
    int first_pending;
    int first_unknown; /* 0: none */
};

static void judge(void *arg, const struct migration_line *line)
{
    struct verdict *verdict = arg;

    if (line->state == MIGRATION_PENDING && verdict->npending++ == 0)
        verdict->first_pending = line->version;
    if (verdict->st.code != STATUS_OK)
        return;
    if (line->state == MIGRATION_UNKNOWN && verdict->first_unknown == 0)
        verdict->first_unknown = line->version;
    if (line->state == MIGRATION_CHANGED)
        verdict->st = status_error(STATUS_FAILED_PRECONDITION,
                                   "migration %s is not the one that was applied to the database: "
                                   "its file was changed",
                                   line->name);
}

static struct status refuse_older_program(int unknown_version)
{
    return status_error(STATUS_FAILED_PRECONDITION,
                        "the database has migration %04d, which this program does not know: the "
                        "program is too old",
                        unknown_version);
}

static struct status judge_all(struct pg_session *session, const struct migration *files,
                               size_t nfiles, struct verdict *verdict)
{
    *verdict = (struct verdict){.st = status_ok()};

    struct status st = list_all(session, files, nfiles, judge, verdict);
    return st.code != STATUS_OK ? st : verdict->st;
}

static struct status note_applied(struct pg_session *session, const struct migration *file,
                                  const char *text, int64_t duration_ms)
{
    char version[NUMBER_BYTES];
    char duration[NUMBER_BYTES];
    const char *params[] = {version, file->name, text, duration};
    struct pg_session_rows *rows = NULL;

    (void)snprintf(version, sizeof(version), "%d", file->version);
    (void)snprintf(duration, sizeof(duration), "%lld", (long long)duration_ms);
    struct status st = pg_session_query(
        session,
        "INSERT INTO schema_migrations (version, name, checksum, duration_ms)"
        " VALUES ($1::integer, $2,"
        "         encode(sha256(convert_to($3::text, 'UTF8')), 'hex'), $4::bigint)",
        params, 4, &rows);
    pg_session_rows_destroy(rows);
    return st;
}

static struct status apply_file(struct pg_session *session, const struct migration *file)
{
    char *text = copy_text(file);
    int64_t start_ms = clock_get_monotonic_ms();
    struct status st = pg_session_run(session, "BEGIN");

    if (st.code == STATUS_OK)
        st = pg_session_run(session, text);
    if (st.code == STATUS_OK)
        st = note_applied(session, file, text, clock_get_monotonic_ms() - start_ms);
    if (st.code == STATUS_OK)
        st = pg_session_run(session, "COMMIT");
    mem_free(text);
    if (st.code != STATUS_OK) {
        struct status undone = pg_session_run(session, "ROLLBACK");
        if (undone.code != STATUS_OK)
            log_warn("migration not rolled back", log_str("migration", file->name),
                     log_str("error", undone.text));
        return status_error(st.code, "migration %s: %s", file->name, st.text);
    }
    log_info("migration applied", log_str("migration", file->name),
             log_int("duration_ms", clock_get_monotonic_ms() - start_ms));
    return status_ok();
}

static struct status apply_pending(struct pg_session *session, const struct migration *files,
                                   size_t nfiles, migration_line_fn on_line, void *arg)
{
    struct verdict verdict;
    struct status st = judge_all(session, files, nfiles, &verdict);

    if (st.code == STATUS_OK && verdict.first_unknown != 0)
        st = refuse_older_program(verdict.first_unknown);
    if (st.code != STATUS_OK || verdict.npending == 0)
        return st;
    st = pg_session_run(session, table_sql);
    for (size_t i = 0; st.code == STATUS_OK && i < nfiles; i++) {
        struct pg_session_rows *rows = NULL;

        st = find_applied(session, &files[i], &rows);
        bool is_pending = st.code == STATUS_OK && pg_session_rows_get_count(rows) == 0;
        pg_session_rows_destroy(rows);
        if (!is_pending)
            continue;
        st = apply_file(session, &files[i]);
        if (st.code == STATUS_OK && on_line)
            on_line(arg, &(struct migration_line){.version = files[i].version,
                                                  .name = files[i].name,
                                                  .state = MIGRATION_APPLIED});
    }
    return st;
}

struct status migrations_apply(const char *database_url, const struct migration *files,
                               size_t nfiles, migration_line_fn on_line, void *arg)
{
    struct pg_session *session = NULL;
    struct status st = pg_session_open(database_url, &session);

    if (st.code == STATUS_OK)
        st = pg_session_run(session, lock_sql);
    if (st.code == STATUS_OK)
        st = apply_pending(session, files, nfiles, on_line, arg);
    pg_session_close(session); /* and with it goes the lock */
    return st;
}

struct status migrations_list(const char *database_url, const struct migration *files,
                              size_t nfiles, migration_line_fn on_line, void *arg)
{
    struct pg_session *session = NULL;
    struct status st = pg_session_open(database_url, &session);

    if (st.code == STATUS_OK)
        st = list_all(session, files, nfiles, on_line, arg);
    pg_session_close(session);
    return st;
}

/* The number of the newest migration that the oldest program has which may run on the schema; INT64_MAX: it does not say. */
static struct status read_oldest(struct pg_session *session, int64_t *ret)
{
    struct pg_session_rows *rows = NULL;
    struct status st =
        pg_session_query(session, "SELECT to_regclass('schema_support')", NULL, 0, &rows);

    if (st.code != STATUS_OK)
        return st;
    bool is_there = pg_session_rows_get(rows, 0, 0) != NULL;
    pg_session_rows_destroy(rows);
    if (!is_there) {
        *ret = INT64_MAX;
        return st;
    }
    st = pg_session_query(session, "SELECT min(oldest) FROM schema_support", NULL, 0, &rows);
    if (st.code != STATUS_OK)
        return st;
    const char *text = pg_session_rows_get(rows, 0, 0);
    st = number_read("oldest", str_from(text ? text : ""), 0, INT32_MAX, ret);
    pg_session_rows_destroy(rows);
    return st;
}

/* A schema that newer programs have migrated is right as long as it says so. */
static struct status check_newer(struct pg_session *session, const struct verdict *verdict)
{
    int64_t oldest = INT64_MAX;
    struct status st = read_oldest(session, &oldest);

    if (st.code != STATUS_OK)
        return st;
    if (oldest > migrations_files[migrations_nfiles - 1].version)
        return refuse_older_program(verdict->first_unknown);
    log_warn("the schema is newer than this program, which may run on it",
             log_int("migration", verdict->first_unknown));
    return st;
}

struct status migrations_check(const char *database_url)
{
    struct pg_session *session = NULL;
    struct verdict verdict = {.npending = 0};
    struct status st = pg_session_open(database_url, &session);

    if (st.code == STATUS_OK)
        st = judge_all(session, migrations_files, migrations_nfiles, &verdict);
    if (st.code == STATUS_OK && verdict.first_unknown != 0)
        st = check_newer(session, &verdict);
    pg_session_close(session);
    if (st.code == STATUS_OK && verdict.npending > 0)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "the database's schema is older than this program: migration %04d is "
                            "pending; run: sluice migrate up",
                            verdict.first_pending);
    return st;
}
