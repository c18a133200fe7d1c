#include "tests/store/pg_fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "migrations/migrations.h"
#include "tests/harness/postgres/server.h"

const char *pg_fixture_make_empty_database(void)
{
    return postgres_server_make_database();
}

const char *pg_fixture_make_database(void)
{
    const char *url = pg_fixture_make_empty_database();
    struct status st = migrations_apply(url, migrations_files, migrations_nfiles, NULL, NULL);

    if (st.code != STATUS_OK) {
        printf("no schema for the test: %s\n", st.text);
        exit(1);
    }
    return url;
}

void pg_fixture_run(const char *url, const char *sql)
{
    postgres_server_run(url, sql);
}

void pg_fixture_end_sessions(const char *url)
{
    pg_fixture_run(url, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                        " WHERE datname = current_database() AND pid <> pg_backend_pid()");
}

long long pg_fixture_get_number(const char *url, const char *sql)
{
    const char *text = postgres_server_get(url, sql);

    return *text && *text != '-' ? strtoll(text, NULL, 10) : -1;
}

const char *pg_fixture_get_folder(void)
{
    const char *folder = postgres_server_get_folder();

    return folder ? folder : "";
}

bool pg_fixture_can_stop(void)
{
    return postgres_server_get_folder() != NULL;
}

void pg_fixture_stop(void)
{
    postgres_server_crash();
}

void pg_fixture_start(void)
{
    postgres_server_start();
}
