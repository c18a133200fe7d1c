/*
 * tests/harness/postgres/server.h - a PostgreSQL of the test's own, and fresh
 * databases in it.
 *
 * The first call starts the server, on a socket in a folder of its own; it is gone when the
 * program ends. If SLUICE_TEST_DATABASE_URL is set, databases are made in that server
 * instead, and dropped at the end. A server of our own lets all roles in but sluice_guarded, which needs a
 * password; the role is not made.
 */
#ifndef TESTS_HARNESS_POSTGRES_SERVER_H
#define TESTS_HARNESS_POSTGRES_SERVER_H

/*
 * The URL of a new database; kept until the program ends. Ends the program if there is no
 * PostgreSQL.
 */
const char *postgres_server_make_database(void);

/* Runs SQL, which must succeed. */
void postgres_server_run(const char *url, const char *sql);

/* As it, with a text made as by printf. */
void postgres_server_runf(const char *url, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/*
 * What a query gives, as text: values of a row are separated by ',', rows by ' ', null is
 * '-'. Borrowed until the next call.
 */
const char *postgres_server_get(const char *url, const char *sql);

/* Waits until a query gives text; false if it does not within a minute. */
int postgres_server_wait(const char *url, const char *sql, const char *text);

/* A session that holds what it locks until it is closed. */
struct postgres_holder;
struct postgres_holder *postgres_server_hold(const char *url, const char *sql);
void postgres_server_release(struct postgres_holder *holder);

/*
 * The folder of the server's socket, and ".s.PGSQL.5432" in it. NULL if the server is not
 * ours.
 */
const char *postgres_server_get_folder(void);

/* Stops the server at once, as a crash does; nothing happens if it does not run. Only one of our own. */
void postgres_server_crash(void);
void postgres_server_start(void);

#endif
