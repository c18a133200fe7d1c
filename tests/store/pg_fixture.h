/*
 * tests/store/pg_fixture.h - fresh databases for the tests of the store, in the server of tests/harness/postgres.
 */
#ifndef TESTS_STORE_PG_FIXTURE_H
#define TESTS_STORE_PG_FIXTURE_H

#include <stdbool.h>

/* The URL of a new database; kept until the program ends. Ends the program if there is no PostgreSQL. */
const char *pg_fixture_make_empty_database(void);

/* The same with all migrations applied. */
const char *pg_fixture_make_database(void);

/* Runs SQL, which must succeed. */
void pg_fixture_run(const char *url, const char *sql);

/* Ends all other sessions in that database. */
void pg_fixture_end_sessions(const char *url);

/* The first value of the first row as a number; -1 if there is none. */
long long pg_fixture_get_number(const char *url, const char *sql);

/* Where the socket of our own server is; "" if it is not ours. */
const char *pg_fixture_get_folder(void);

/* Whether the server is ours to stop. */
bool pg_fixture_can_stop(void);

/* Stops the server at once, as a crash does. */
void pg_fixture_stop(void);

void pg_fixture_start(void);

#endif
