/*
 * tools/duckdb_sql.c - runs SQL statements by libduckdb, each argument one: makes sample data.
 *
 * It opens the library as the worker does, so it also shows whether the library works here.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include <duckdb.h>

struct api {
    __typeof__(&duckdb_open) open;
    __typeof__(&duckdb_connect) connect;
    __typeof__(&duckdb_query) query;
    __typeof__(&duckdb_result_error) result_error;
    __typeof__(&duckdb_destroy_result) destroy_result;
    __typeof__(&duckdb_disconnect) disconnect;
    __typeof__(&duckdb_close) close;
};

/* Copies the address of a function of the library to *ret, a pointer to a function. */
static int find(void *library, const char *name, void *ret, size_t size_bytes)
{
    void *address = dlsym(library, name);

    if (!address) {
        fprintf(stderr, "duckdb_sql: %s\n", dlerror());
        return -1;
    }
    memcpy(ret, &address, size_bytes); /* POSIX lets an object pointer hold a function's */
    return 0;
}

static int load(struct api *api)
{
    void *library = dlopen("libduckdb.so", RTLD_NOW | RTLD_LOCAL);

    if (!library) {
        fprintf(stderr, "duckdb_sql: %s. Run: scripts/deps build\n", dlerror());
        return -1;
    }

    const struct {
        const char *name;
        void *member;
    } functions[] = {
        {"duckdb_open", &api->open},
        {"duckdb_connect", &api->connect},
        {"duckdb_query", &api->query},
        {"duckdb_result_error", &api->result_error},
        {"duckdb_destroy_result", &api->destroy_result},
        {"duckdb_disconnect", &api->disconnect},
        {"duckdb_close", &api->close},
    };

    for (size_t i = 0; i < sizeof(functions) / sizeof(functions[0]); i++) {
        if (find(library, functions[i].name, functions[i].member, sizeof(void *)) != 0)
            return -1;
    }
    return 0;
}

static int run(const struct api *api, duckdb_connection connection, const char *sql)
{
    duckdb_result result;
    int failed = api->query(connection, sql, &result) != DuckDBSuccess;

    if (failed)
        fprintf(stderr, "duckdb_sql: %s\n", api->result_error(&result));
    api->destroy_result(&result);
    return failed;
}

int main(int argc, char **argv)
{
    struct api api;
    duckdb_database database;
    duckdb_connection connection;
    int failed = 0;

    if (load(&api) != 0)
        return 1;
    if (api.open(NULL, &database) != DuckDBSuccess ||
        api.connect(database, &connection) != DuckDBSuccess) {
        fprintf(stderr, "duckdb_sql: the library does not open a database\n");
        return 1;
    }
    for (int i = 1; i < argc && !failed; i++)
        failed = run(&api, connection, argv[i]);
    api.disconnect(&connection);
    api.close(&database);
    return failed;
}
