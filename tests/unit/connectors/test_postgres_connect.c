/*
 * tests/unit/connectors/test_postgres_connect.c - who is let in, and what is said to those
 * who are not.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/postgres_import.h"

test(a_role_that_may_not_make_tables_is_told)
{
    struct postgres_import import;
    char url[512];
    bool is_made;

    postgres_import_init(&import);
    postgres_server_run(import.url, "DO $$ BEGIN CREATE ROLE sluice_guest LOGIN;"
                                    "EXCEPTION WHEN duplicate_object THEN NULL; END $$");
    (void)snprintf(url, sizeof(url), "%s user=sluice_guest", import.url);
    import.url = url;
    if (!postgres_server_get_folder())
        return; /* another server may not let the guest in */
    struct status st = postgres_import_make(&import, &is_made);
    check_status(st, STATUS_PERMISSION_DENIED);
    check(strstr(st.text, "permission denied for database") != NULL);
    postgres_import_close(&import);
}

test(a_role_that_may_not_keep_units_is_told)
{
    struct postgres_import import;
    char url[512];

    postgres_import_init(&import);
    if (!postgres_server_get_folder())
        return;
    postgres_server_run(import.url, "DO $$ BEGIN CREATE ROLE sluice_guest LOGIN;"
                                    "EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                                    "CREATE SCHEMA \"default\" AUTHORIZATION sluice_guest");
    (void)snprintf(url, sizeof(url), "%s user=sluice_guest", import.url);
    import.url = url;
    struct status st = postgres_import_start(&import, true);
    check_status(st, STATUS_PERMISSION_DENIED);
    check(strstr(st.text, "schema sluice_import") != NULL);
    postgres_import_close(&import);
}

test(servers_that_cannot_be_reached_are_told_without_secrets)
{
    static const struct {
        const char *url;
        enum status_code code;
        const char *text;
    } cases[] = {
        {"host=/nowhere user=u password=geheim", STATUS_UNAVAILABLE, NULL},
        {"geheim", STATUS_INVALID_ARGUMENT,
         "the data source's url is not a connection string of PostgreSQL"},
        {"postgresql://u:ge@heim@h/", STATUS_INVALID_ARGUMENT,
         "the data source's url has no host or no port where one should be; in a password '@' is "
         "written %40 and '/' is written %2F"},
        {"postgresql://u:geheim/x@h/", STATUS_INVALID_ARGUMENT,
         "the data source's url has no host or no port where one should be; in a password '@' is "
         "written %40 and '/' is written %2F"},
        {"sslmode=x password=geheim", STATUS_INVALID_ARGUMENT,
         "the data source's url: invalid sslmode value: \"x\""},
        {"host=$ user=postgres dbname=missing password=geheim", STATUS_FAILED_PRECONDITION, NULL},
        {"host=$ user=nobody password=geheim", STATUS_PERMISSION_DENIED,
         "PostgreSQL: role \"nobody\" does not exist"},
    };
    struct postgres_import import;
    bool is_made;

    postgres_import_init(&import);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        char url[512] = "";
        struct str rest = str_from(cases[i].url);
        struct str head = str_cut(&rest, '$');
        if (rest.len > 0 && !postgres_server_get_folder())
            continue;
        (void)snprintf(url, sizeof(url), "%.*s%s%.*s", (int)head.len, head.data,
                       rest.len > 0 ? postgres_server_get_folder() : "", (int)rest.len,
                       rest.len > 0 ? rest.data : "");
        import.url = url;
        struct status st = postgres_import_make(&import, &is_made);
        check_status(st, cases[i].code);
        check(strstr(st.text, "heim") == NULL);
        if (cases[i].text)
            check_str(st.text, cases[i].text);
    }
    postgres_import_close(&import);
}

/*
 * An import by the role sluice_guarded, whose password is "a b@c"; false if the server is
 * not ours.
 */
static bool init_guarded(struct postgres_import *import, char url[512], const char *more)
{
    postgres_import_init(import);
    if (!postgres_server_get_folder())
        return false;
    postgres_server_run(import->url, "DO $$ BEGIN CREATE ROLE sluice_guarded LOGIN SUPERUSER;"
                                     "EXCEPTION WHEN duplicate_object THEN NULL; END $$;"
                                     "ALTER ROLE sluice_guarded PASSWORD 'a b@c'");
    (void)snprintf(url, 512, "postgresql:///%s?host=%s&user=sluice_guarded%s",
                   strstr(import->url, "sluice_test"), postgres_server_get_folder(), more);
    import->url = url;
    return true;
}

test(passwords_are_taken_from_either_place)
{
    struct postgres_import import;
    char url[512];
    bool is_made;

    if (!init_guarded(&import, url, "&password=a%20b%40c"))
        return;
    check_status(postgres_import_make(&import, &is_made), STATUS_OK);
    postgres_import_close(&import);
    (void)init_guarded(&import, url, "");
    import.password = "a b@c";
    check_status(postgres_import_make(&import, &is_made), STATUS_OK);
    postgres_import_close(&import);
    (void)init_guarded(&import, url, "&password=wrong");
    import.password = "a b@c"; /* which has the last word */
    check_status(postgres_import_make(&import, &is_made), STATUS_OK);
    postgres_import_close(&import);
}

test(wrong_passwords_are_told_and_not_shown)
{
    static const char *const passwords[] = {"geheim", NULL};
    struct postgres_import import;
    char url[512];
    bool is_made;

    for (size_t i = 0; i < ARRAY_LEN(passwords); i++) {
        if (!init_guarded(&import, url, ""))
            return;
        import.password = passwords[i];
        struct status st = postgres_import_make(&import, &is_made);
        check_status(st, STATUS_PERMISSION_DENIED);
        check(strstr(st.text, "password") != NULL && strstr(st.text, "geheim") == NULL);
        postgres_import_close(&import);
    }
}

static void *run_stop(void *arg)
{
    (void)usleep(50 * 1000);
    stop_request(arg);
    return NULL;
}

test(a_stop_is_noticed_while_a_server_does_not_answer)
{
    char folder[] = "/tmp/sluice-test-XXXXXX";
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct postgres_import import;
    pthread_t thread;
    char url[512];
    bool is_made;

    postgres_import_init(&import);
    check(mkdtemp(folder) != NULL);
    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/.s.PGSQL.5432", folder);
    check(bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, 1) == 0);
    (void)snprintf(url, sizeof(url), "host=%s user=u", folder);
    import.url = url;
    check(pthread_create(&thread, NULL, run_stop, &import.stop) == 0);
    int64_t start_ms = clock_get_monotonic_ms();
    check_status(postgres_import_make(&import, &is_made), STATUS_CANCELLED);
    check(clock_get_monotonic_ms() - start_ms < 20000); /* it would wait for longer */
    (void)pthread_join(thread, NULL);
    (void)close(fd);
    (void)unlink(address.sun_path);
    (void)rmdir(folder);
    postgres_import_close(&import);
}
