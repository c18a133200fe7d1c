/* Migrations: once each, in order, one at a time, and never over a schema that is not ours. */

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/thread.h"
#include "migrations/migrations.h"
#include "tests/harness/test.h"
#include "tests/store/pg_fixture.h"

static const char first_sql[] = "CREATE TABLE one (id int); INSERT INTO one VALUES (1);";
static const char second_sql[] = "CREATE TABLE two (id int);";
static const char changed_sql[] = "CREATE TABLE two (id bigint);";
static const char broken_sql[] = "CREATE TABLE three (id int); SELECT 1 / 0;";

static const struct migration two_files[] = {
    {1, "0001_one", first_sql, first_sql + sizeof(first_sql) - 1},
    {2, "0002_two", second_sql, second_sql + sizeof(second_sql) - 1},
};
static const struct migration changed_files[] = {
    {1, "0001_one", first_sql, first_sql + sizeof(first_sql) - 1},
    {2, "0002_two", changed_sql, changed_sql + sizeof(changed_sql) - 1},
};
static const struct migration broken_files[] = {
    {1, "0001_one", first_sql, first_sql + sizeof(first_sql) - 1},
    {2, "0002_broken", broken_sql, broken_sql + sizeof(broken_sql) - 1},
};

/* Counts lines by their states. */
static void count(void *arg, const struct migration_line *line)
{
    unsigned *counts = arg;

    counts[line->state]++;
}

static struct status apply(const char *url, const struct migration *files, size_t nfiles,
                           unsigned *ret_napplied)
{
    unsigned counts[4] = {0};
    struct status st = migrations_apply(url, files, nfiles, count, counts);

    *ret_napplied = counts[MIGRATION_APPLIED];
    return st;
}

test(migrations_are_applied_once)
{
    const char *url = pg_fixture_make_empty_database();
    unsigned napplied;

    check_status(apply(url, two_files, 1, &napplied), STATUS_OK);
    check_int(napplied, 1);
    check_status(apply(url, two_files, 2, &napplied), STATUS_OK);
    check_int(napplied, 1);
    check_status(apply(url, two_files, 2, &napplied), STATUS_OK);
    check_int(napplied, 0);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM one"), 1);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM schema_migrations"
                                         " WHERE checksum ~ '^[0-9a-f]{64}$'"),
              2);
}

test(changed_migration_is_refused)
{
    const char *url = pg_fixture_make_empty_database();
    unsigned napplied;

    check_status(apply(url, two_files, 2, &napplied), STATUS_OK);
    struct status st = apply(url, changed_files, 2, &napplied);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check(strstr(st.text, "0002_two") != NULL);
}

test(unknown_migration_is_refused)
{
    const char *url = pg_fixture_make_empty_database();
    unsigned napplied;
    unsigned counts[4] = {0};

    check_status(apply(url, two_files, 2, &napplied), STATUS_OK);
    struct status st = apply(url, two_files, 1, &napplied);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check(strstr(st.text, "too old") != NULL);
    check_status(migrations_list(url, two_files, 1, count, counts), STATUS_OK);
    check_int(counts[MIGRATION_APPLIED], 1);
    check_int(counts[MIGRATION_UNKNOWN], 1);
}

test(migration_that_fails_leaves_nothing_of_itself)
{
    const char *url = pg_fixture_make_empty_database();
    unsigned napplied;
    struct status st = apply(url, broken_files, 2, &napplied);

    check_status(st, STATUS_INVALID_ARGUMENT);
    check(strstr(st.text, "0002_broken") != NULL);
    check_int(napplied, 1);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM one"), 1);
    check_int(pg_fixture_get_number(url, "SELECT count(*) FROM pg_class WHERE relname = 'three'"),
              0);
    check_status(apply(url, two_files, 2, &napplied), STATUS_OK);
}

test(list_tells_what_is_pending_and_changed)
{
    const char *url = pg_fixture_make_empty_database();
    unsigned counts[4] = {0};
    unsigned napplied;

    check_status(migrations_list(url, two_files, 2, count, counts), STATUS_OK);
    check_int(counts[MIGRATION_PENDING], 2);
    check_status(apply(url, two_files, 2, &napplied), STATUS_OK);
    memset(counts, 0, sizeof(counts));
    check_status(migrations_list(url, changed_files, 2, count, counts), STATUS_OK);
    check_int(counts[MIGRATION_APPLIED], 1);
    check_int(counts[MIGRATION_CHANGED], 1);
}

test(check_tells_what_to_do)
{
    const char *url = pg_fixture_make_empty_database();
    struct status st = migrations_check(url);

    check_status(st, STATUS_FAILED_PRECONDITION);
    check(strstr(st.text, "sluice migrate up") != NULL);
    check_status(migrations_apply(url, migrations_files, migrations_nfiles, NULL, NULL), STATUS_OK);
    check_status(migrations_check(url), STATUS_OK);
    pg_fixture_run(url, "UPDATE schema_migrations SET checksum = 'x' WHERE version = 1");
    st = migrations_check(url);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check(strstr(st.text, "0001_init") != NULL);
    check_status(migrations_check("host=/nowhere/at/all"), STATUS_UNAVAILABLE);
}

/* Newer programs have migrated the schema; this one may run on it as long as that is said. */
test(older_program_runs_on_a_newer_schema_that_lets_it)
{
    const char *url = pg_fixture_make_database();

    pg_fixture_run(url, "INSERT INTO schema_migrations VALUES (9999, '9999_new', 'x', now(), 1)");
    check_status(migrations_check(url), STATUS_OK);
    struct status st = migrations_apply(url, migrations_files, migrations_nfiles, NULL, NULL);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check(strstr(st.text, "too old") != NULL);

    pg_fixture_run(url, "UPDATE schema_support SET oldest = 9999");
    st = migrations_check(url);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check(strstr(st.text, "9999") != NULL && strstr(st.text, "too old") != NULL);
    pg_fixture_run(url, "DROP TABLE schema_support");
    check_status(migrations_check(url), STATUS_FAILED_PRECONDITION);
}

struct racer {
    const char *url;
    unsigned napplied;
    struct status st;
    pthread_t thread;
};

static void *race(void *arg)
{
    struct racer *racer = arg;

    racer->st = apply(racer->url, two_files, 2, &racer->napplied);
    return NULL;
}

test(programs_that_migrate_at_once_wait_for_each_other)
{
    const char *url = pg_fixture_make_empty_database();
    struct racer racers[6];
    unsigned napplied = 0;

    for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
        racers[i] = (struct racer){.url = url};
        check_status(thread_start("racer", race, &racers[i], &racers[i].thread), STATUS_OK);
    }
    for (size_t i = 0; i < ARRAY_LEN(racers); i++) {
        (void)pthread_join(racers[i].thread, NULL);
        check_status(racers[i].st, STATUS_OK);
        napplied += racers[i].napplied;
    }
    check_int(napplied, 2);
}
