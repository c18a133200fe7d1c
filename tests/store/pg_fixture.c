#include "tests/store/pg_fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/number.h"
#include "migrations/migrations.h"
#include "store/pg_session.h"

enum { MAX_DATABASES = 64, PATH_BYTES = 256, NAME_BYTES = 64, START_TIMEOUT_S = 30 };

static const char versions_folder[] = "/usr/lib/postgresql";

static struct {
    bool is_open;
    pid_t pid;                       /* 0: no server of ours runs */
    char folder[PATH_BYTES];         /* ours, or "" */
    char bin[PATH_BYTES];            /* where the server's programs are */
    char *admin_url;                 /* of a database in which others are made */
    const char *urls[MAX_DATABASES]; /* kept so that leak checks find them */
    unsigned nurls;
} fixture;

extern char **environ;

static void give_up(const char *what)
{
    printf("no PostgreSQL for the test: %s\n", what);
    exit(1);
}

static void sleep_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    (void)nanosleep(&time, NULL);
}

/* The newest version that is installed. */
static void find_programs(void)
{
    DIR *folder = opendir(versions_folder);
    long newest = 0;

    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        long version = strtol(entry->d_name, NULL, 10);
        if (version > newest)
            newest = version;
    }
    if (folder)
        (void)closedir(folder);
    if (newest == 0)
        give_up("nothing is installed in /usr/lib/postgresql");
    (void)snprintf(fixture.bin, sizeof(fixture.bin), "%s/%ld/bin", versions_folder, newest);
}

/*
 * Starts a program of PostgreSQL, which refuses to run as root: then as user postgres. It ends when
 * the test does, however that ends.
 */
static pid_t start_program(const char *name, const char *const *args)
{
    const char *argv[32] = {"setpriv", "--pdeathsig=QUIT"};
    char path[PATH_BYTES + 32];
    char log[PATH_BYTES + 32];
    size_t n = 2;
    pid_t pid = 0;
    posix_spawn_file_actions_t actions;

    if (geteuid() == 0) {
        argv[n++] = "--reuid=postgres";
        argv[n++] = "--regid=postgres";
        argv[n++] = "--init-groups";
    }
    (void)snprintf(path, sizeof(path), "%s/%s", fixture.bin, name);
    (void)snprintf(log, sizeof(log), "%s/%s.log", fixture.folder, name);
    argv[n++] = path;
    while (*args)
        argv[n++] = *args++;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    posix_spawn_file_actions_adddup2(&actions, 1, 2);
    if (posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)argv, environ) != 0)
        give_up("setpriv cannot be started");
    posix_spawn_file_actions_destroy(&actions);
    return pid;
}

static int wait_for(pid_t pid)
{
    int status = 0;

    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status;
}

static void make_folder(void)
{
    (void)snprintf(fixture.folder, sizeof(fixture.folder), "/tmp/sluice-test-XXXXXX");
    if (!mkdtemp(fixture.folder))
        give_up("no folder in /tmp");
    if (geteuid() != 0)
        return;

    const struct passwd *user = getpwnam("postgres");
    if (!user || chown(fixture.folder, user->pw_uid, user->pw_gid) != 0)
        give_up("there is no user postgres");
}

void pg_fixture_start(void)
{
    char data[PATH_BYTES + 16];
    const char *args[] = {
        "-D", data,        "-k", fixture.folder,       "-c", "listen_addresses=",
        "-c", "fsync=off", "-c", "max_connections=60", "-c", "shared_buffers=64MB",
        NULL};
    struct pg_session *session = NULL;

    (void)snprintf(data, sizeof(data), "%s/data", fixture.folder);
    fixture.pid = start_program("postgres", args);
    for (int i = 0; i < START_TIMEOUT_S * 50; i++) {
        if (pg_session_open(fixture.admin_url, &session).code == STATUS_OK) {
            pg_session_close(session);
            return;
        }
        if (waitpid(fixture.pid, NULL, WNOHANG) != 0)
            break;
        sleep_ms(20);
    }
    give_up("the server does not start");
}

void pg_fixture_stop(void)
{
    if (fixture.pid == 0)
        return;
    (void)kill(fixture.pid, SIGQUIT);
    (void)wait_for(fixture.pid);
    fixture.pid = 0;
}

const char *pg_fixture_get_folder(void)
{
    return fixture.folder;
}

bool pg_fixture_can_stop(void)
{
    return fixture.folder[0] != '\0';
}

static void write_name(unsigned i, char *ret, size_t size)
{
    (void)snprintf(ret, size, "sluice_test_%ld_%u", (long)getpid(), i);
}

/* Removes what was made in a server that lives on. */
static void drop_databases(void)
{
    struct pg_session *session = NULL;
    struct status st = pg_session_open(fixture.admin_url, &session);

    for (unsigned i = 0; i < fixture.nurls && st.code == STATUS_OK; i++) {
        char name[NAME_BYTES];
        char sql[2 * NAME_BYTES];

        write_name(i, name, sizeof(name));
        (void)snprintf(sql, sizeof(sql), "DROP DATABASE IF EXISTS %s WITH (FORCE)", name);
        st = pg_session_run(session, sql);
    }
    pg_session_close(session);
    if (st.code != STATUS_OK)
        printf("a database of the test stays: %s\n", st.text);
}

static void close_fixture(void)
{
    const char *argv[] = {"rm", "-rf", fixture.folder, NULL};
    pid_t pid = 0;

    if (!pg_fixture_can_stop())
        drop_databases();
    pg_fixture_stop();
    if (fixture.folder[0] != '\0' &&
        posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ) == 0)
        (void)wait_for(pid);
    mem_free(fixture.admin_url);
    for (unsigned i = 0; i < fixture.nurls; i++)
        mem_free((void *)fixture.urls[i]);
}

static void open_fixture(void)
{
    const char *given = getenv("SLUICE_TEST_DATABASE_URL");
    char data[PATH_BYTES + 16];
    const char *args[] = {"-D", data,   "-A",          "trust",     "-U", "postgres",
                          "-E", "UTF8", "--no-locale", "--no-sync", NULL};

    fixture.is_open = true;
    (void)atexit(close_fixture);
    if (given && *given) {
        fixture.admin_url = mem_copy_str(str_from(given));
        return;
    }
    find_programs();
    make_folder();
    (void)snprintf(data, sizeof(data), "%s/data", fixture.folder);
    if (wait_for(start_program("initdb", args)) != 0)
        give_up("initdb failed");

    struct buf url = {0};
    buf_printf(&url, "host=%s user=postgres dbname=postgres", fixture.folder);
    fixture.admin_url = buf_take(&url);
    pg_fixture_start();
}

/* The admin's URL with another database. */
static const char *make_url(const char *name)
{
    struct buf url = {0};
    bool is_uri = strstr(fixture.admin_url, "://") != NULL;

    buf_printf(&url, "%s%s%s", fixture.admin_url,
               !is_uri ? " dbname=" : (strchr(fixture.admin_url, '?') ? "&dbname=" : "?dbname="),
               name);
    if (fixture.nurls == MAX_DATABASES)
        give_up("the fixture has no more databases");
    return fixture.urls[fixture.nurls++] = buf_take(&url);
}

static const char *make_database(const char *template)
{
    char name[NAME_BYTES];
    char sql[2 * NAME_BYTES];

    write_name(fixture.nurls, name, sizeof(name));
    (void)snprintf(sql, sizeof(sql), "CREATE DATABASE %s TEMPLATE %s", name, template);
    pg_fixture_run(fixture.admin_url, sql);
    return make_url(name);
}

const char *pg_fixture_make_empty_database(void)
{
    if (!fixture.is_open)
        open_fixture();
    return make_database("template0");
}

const char *pg_fixture_make_database(void)
{
    const char *url = pg_fixture_make_empty_database();
    struct status st = migrations_apply(url, migrations_files, migrations_nfiles, NULL, NULL);

    if (st.code != STATUS_OK)
        give_up(st.text);
    return url;
}

void pg_fixture_run(const char *url, const char *sql)
{
    struct pg_session *session = NULL;
    struct status st = pg_session_open(url, &session);

    if (st.code == STATUS_OK)
        st = pg_session_run(session, sql);
    pg_session_close(session);
    if (st.code != STATUS_OK)
        give_up(st.text);
}

long long pg_fixture_get_number(const char *url, const char *sql)
{
    struct pg_session *session = NULL;
    struct pg_session_rows *rows = NULL;
    int64_t number = -1;
    struct status st = pg_session_open(url, &session);

    if (st.code == STATUS_OK)
        st = pg_session_query(session, sql, NULL, 0, &rows);
    if (st.code == STATUS_OK && pg_session_rows_get_count(rows) > 0 &&
        pg_session_rows_get(rows, 0, 0))
        st = number_read("value", str_from(pg_session_rows_get(rows, 0, 0)), INT64_MIN, INT64_MAX,
                         &number);
    pg_session_rows_destroy(rows);
    pg_session_close(session);
    if (st.code != STATUS_OK)
        give_up(st.text);
    return number;
}
