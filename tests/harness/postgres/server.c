#include "tests/harness/postgres/server.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/mem.h"

enum { MAX_DATABASES = 100, PATH_BYTES = 256, WAIT_MS = 60 * 1000, POLL_MS = 5 };

#define MIN_MEMORY_BYTES (UINT64_C(4) << 30)

static struct {
    bool is_open;
    pid_t pid;
    char folder[PATH_BYTES];
    char bin[PATH_BYTES];
    char *admin_url;
    char *urls[MAX_DATABASES];
    unsigned nurls;
    struct buf answer;
} server;

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

static void find_programs(void)
{
    static const char root[] = "/usr/lib/postgresql";
    DIR *folder = opendir(root);
    long newest = 0;

    for (struct dirent *entry; folder && (entry = readdir(folder));) {
        long version = strtol(entry->d_name, NULL, 10);
        newest = version > newest ? version : newest;
    }
    if (folder)
        (void)closedir(folder);
    if (newest == 0)
        give_up("nothing is installed in /usr/lib/postgresql");
    (void)snprintf(server.bin, sizeof(server.bin), "%s/%ld/bin", root, newest);
}

/* The server refuses to run as root, and must not outlive the test. */
static pid_t start_program(const char *name, const char *const *args)
{
    const char *argv[40] = {"setpriv", "--pdeathsig=QUIT"};
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
    (void)snprintf(path, sizeof(path), "%s/%s", server.bin, name);
    (void)snprintf(log, sizeof(log), "%s/%s.log", server.folder, name);
    argv[n++] = path;
    while (*args)
        argv[n++] = *args++;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 1, log, O_WRONLY | O_CREAT | O_APPEND, 0600);
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

/* In memory if there is much of it: a disk's file system takes most of the time of making and dropping databases. */
static void make_folder(void)
{
    struct statvfs memory = {.f_bavail = 0};

    (void)statvfs("/dev/shm", &memory);
    bool has_room = (uint64_t)memory.f_bavail * memory.f_frsize >= MIN_MEMORY_BYTES;
    (void)snprintf(server.folder, sizeof(server.folder), "%s/sluice-test-XXXXXX",
                   has_room ? "/dev/shm" : "/tmp");
    if (!mkdtemp(server.folder))
        give_up("there is no folder for it");
    if (geteuid() != 0)
        return;

    const struct passwd *user = getpwnam("postgres");
    if (!user || chown(server.folder, user->pw_uid, user->pw_gid) != 0)
        give_up("there is no user postgres");
}

void postgres_server_start(void)
{
    char data[PATH_BYTES + 16];
    const char *args[] = {
        "-D", data,        "-k", server.folder,        "-c", "listen_addresses=",
        "-c", "fsync=off", "-c", "max_connections=60", "-c", "shared_buffers=64MB",
        NULL};

    (void)snprintf(data, sizeof(data), "%s/data", server.folder);
    server.pid = start_program("postgres", args);
    for (int i = 0; i < WAIT_MS / POLL_MS; i++) {
        if (PQping(server.admin_url) == PQPING_OK)
            return;
        if (waitpid(server.pid, NULL, WNOHANG) != 0)
            break;
        sleep_ms(POLL_MS);
    }
    give_up("the server does not start");
}

void postgres_server_crash(void)
{
    if (server.pid == 0)
        return;
    (void)kill(server.pid, SIGQUIT);
    (void)wait_for(server.pid);
    server.pid = 0;
}

/* Removes what was made in a server that lives on. */
static void drop_databases(void)
{
    for (unsigned i = 0; i < server.nurls; i++)
        postgres_server_runf(server.admin_url,
                             "DROP DATABASE IF EXISTS sluice_test_%ld_%u WITH (FORCE)",
                             (long)getpid(), i);
}

static void close_server(void)
{
    const char *argv[] = {"rm", "-rf", server.folder, NULL};
    pid_t pid = 0;

    if (server.folder[0] == '\0')
        drop_databases();
    postgres_server_crash();
    if (server.folder[0] != '\0' &&
        posix_spawnp(&pid, argv[0], NULL, NULL, (char *const *)argv, environ) == 0)
        (void)wait_for(pid);
    for (unsigned i = 0; i < server.nurls; i++)
        mem_free(server.urls[i]);
    mem_free(server.admin_url);
    buf_deinit(&server.answer);
}

/* The role sluice_guarded, and it alone, needs a password. */
static void write_rules(const char *data)
{
    static const char rules[] = "local all sluice_guarded scram-sha-256\n"
                                "local all all trust\n";
    char path[PATH_BYTES + 32];

    (void)snprintf(path, sizeof(path), "%s/pg_hba.conf", data);
    FILE *file = fopen(path, "w");
    if (!file || fputs(rules, file) < 0 || fclose(file) != 0)
        give_up("pg_hba.conf cannot be written");
}

static void open_server(void)
{
    const char *given = getenv("SLUICE_TEST_DATABASE_URL");
    char data[PATH_BYTES + 16];
    const char *args[] = {"-D", data,   "-A",          "trust",     "-U", "postgres",
                          "-E", "UTF8", "--no-locale", "--no-sync", NULL};
    struct buf url = {0};

    server.is_open = true;
    (void)atexit(close_server);
    if (given && *given) {
        server.admin_url = mem_copy_str(str_from(given));
        return;
    }
    find_programs();
    make_folder();
    (void)snprintf(data, sizeof(data), "%s/data", server.folder);
    if (wait_for(start_program("initdb", args)) != 0)
        give_up("initdb failed");
    write_rules(data);
    buf_printf(&url, "host=%s user=postgres dbname=postgres", server.folder);
    server.admin_url = buf_take(&url);
    postgres_server_start();
}

const char *postgres_server_get_folder(void)
{
    return server.folder[0] != '\0' ? server.folder : NULL;
}

const char *postgres_server_make_database(void)
{
    struct buf url = {0};

    if (!server.is_open)
        open_server();
    postgres_server_runf(server.admin_url, "CREATE DATABASE sluice_test_%ld_%u TEMPLATE template0",
                         (long)getpid(), server.nurls);
    bool is_uri = strstr(server.admin_url, "://") != NULL;
    const char *lead = strchr(server.admin_url, '?') ? "&dbname=" : "?dbname=";
    buf_printf(&url, "%s%ssluice_test_%ld_%u", server.admin_url,
               is_uri ? lead : " dbname=", (long)getpid(), server.nurls);
    assert(server.nurls < MAX_DATABASES);
    server.urls[server.nurls] = buf_take(&url);
    return server.urls[server.nurls++];
}

static void ignore_notice(void *arg, const char *text)
{
    (void)arg;
    (void)text;
}

static PGconn *connect_to(const char *url)
{
    PGconn *conn = PQconnectdb(url);

    (void)PQsetNoticeProcessor(conn, ignore_notice, NULL);
    return conn;
}

static PGresult *run(PGconn *conn, const char *sql)
{
    PGresult *result = PQexec(conn, sql);
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK)
        give_up(PQerrorMessage(conn));
    return result;
}

void postgres_server_run(const char *url, const char *sql)
{
    PGconn *conn = connect_to(url);

    PQclear(run(conn, sql));
    PQfinish(conn);
}

void postgres_server_runf(const char *url, const char *format, ...)
{
    char sql[1000];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(sql, sizeof(sql), format, args);
    va_end(args);
    postgres_server_run(url, sql);
}

const char *postgres_server_get(const char *url, const char *sql)
{
    PGconn *conn = connect_to(url);
    PGresult *rows = run(conn, sql);

    buf_clear(&server.answer);
    for (int row = 0; row < PQntuples(rows); row++) {
        if (row > 0)
            buf_append_char(&server.answer, ' ');
        for (int i = 0; i < PQnfields(rows); i++)
            buf_printf(&server.answer, "%s%s", i > 0 ? "," : "",
                       PQgetisnull(rows, row, i) ? "-" : PQgetvalue(rows, row, i));
    }
    PQclear(rows);
    PQfinish(conn);
    return buf_get_text(&server.answer);
}

int postgres_server_wait(const char *url, const char *sql, const char *text)
{
    for (int i = 0; i < WAIT_MS / POLL_MS; i++) {
        if (strcmp(postgres_server_get(url, sql), text) == 0)
            return 1;
        sleep_ms(POLL_MS);
    }
    return 0;
}

struct postgres_holder *postgres_server_hold(const char *url, const char *sql)
{
    PGconn *conn = connect_to(url);

    PQclear(run(conn, "BEGIN"));
    PQclear(run(conn, sql));
    return (struct postgres_holder *)(void *)conn;
}

void postgres_server_release(struct postgres_holder *holder)
{
    PGconn *conn = (PGconn *)(void *)holder;

    PQclear(run(conn, "ROLLBACK"));
    PQfinish(conn);
}
