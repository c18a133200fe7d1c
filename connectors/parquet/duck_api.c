#include "connectors/parquet/duck_api.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

/*
 * The library and the database live as long as the process: closing them would free nothing that the next Parquet file
 * would not need again. Written once, under once, but for the count.
 */
static struct {
    pthread_once_t once;
    struct status status; /* of loading */
    struct duck_api duck;
    duckdb_database database;
    atomic_uint nconnections;
} library = {.once = PTHREAD_ONCE_INIT};

/* Copies the address of a function to *ret, a pointer to a function. */
static bool find(void *handle, const char *name, void *ret)
{
    void *address = dlsym(handle, name);

    memcpy(ret, &address, sizeof(address)); /* POSIX lets an object pointer hold a function's */
    return address != NULL;
}

static struct status find_all(void *handle, struct duck_api *duck)
{
    const struct {
        const char *name;
        void *member;
    } functions[] = {
#define DUCK_API_ROW(name) {"duckdb_" #name, &duck->name},
        DUCK_API(DUCK_API_ROW)
#undef DUCK_API_ROW
    };

    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (!find(handle, functions[i].name, functions[i].member))
            return status_error(STATUS_FAILED_PRECONDITION,
                                "Parquet needs libduckdb: the one that is there has no %s",
                                functions[i].name);
    }
    /* Marked for removal, so its prototype is hidden from us; without it we read in slices. */
    (void)find(handle, "duckdb_execute_prepared_streaming", &duck->execute_streaming);
    return status_ok();
}

static struct status load(struct duck_api *duck)
{
    const char *path = getenv("SLUICE_DUCKDB_LIBRARY");
    void *handle = dlopen(path && *path ? path : "libduckdb.so", RTLD_NOW | RTLD_LOCAL);

    if (!handle)
        return status_error(STATUS_FAILED_PRECONDITION, "Parquet needs libduckdb: %s", dlerror());
    return find_all(handle, duck);
}

/* So many threads are enough: each reader's own. The rest keeps the library to itself and its memory small. */
static const struct {
    const char *name;
    const char *value;
} configuration[] = {
    {"threads", "1"},
    {"autoinstall_known_extensions", "false"},
    {"autoload_known_extensions", "false"},
    {"allow_community_extensions", "false"},
    {"allow_persistent_secrets", "false"},
    /* We read by /proc/self/fd/N, and a number is used again for another file: nothing may be kept by path. */
    {"enable_external_file_cache", "false"},
};

/*
 * Only local files, no loading of extensions, no files written for want of memory, and no way back. Which local file
 * is read is decided by file_root: statements name none but by a parameter, and that is always one of our descriptors.
 */
static const char lock_down[] = "SET memory_limit = '%dMiB';"
                                "SET temp_directory = '';"
                                "SET allowed_directories = ['/'];"
                                "SET enable_external_access = false;"
                                "SET lock_configuration = true";

static struct status refuse(const char *what, const char *reason)
{
    return status_error(STATUS_FAILED_PRECONDITION, "Parquet needs libduckdb: %s: %s", what,
                        reason ? reason : "no reason given");
}

static struct status run_script(const struct duck_api *duck, duckdb_connection connection)
{
    char script[sizeof(lock_down) + 16];
    duckdb_result result;
    struct status st = status_ok();

    (void)snprintf(script, sizeof(script), lock_down, DUCK_MEMORY_LIMIT_MIB);
    if (duck->query(connection, script, &result) != DuckDBSuccess)
        st = refuse("its settings", duck->result_error(&result));
    duck->destroy_result(&result);
    return st;
}

static struct status open_database(const struct duck_api *duck, duckdb_database *ret)
{
    duckdb_config config = NULL;
    char *reason = NULL;
    duckdb_connection connection;
    struct status st = status_ok();

    if (duck->create_config(&config) != DuckDBSuccess)
        return refuse("its configuration", NULL);
    for (size_t i = 0; i < ARRAY_LEN(configuration); i++) {
        if (duck->set_config(config, configuration[i].name, configuration[i].value) !=
            DuckDBSuccess)
            st = refuse("there is no setting", configuration[i].name);
    }
    if (st.code == STATUS_OK && duck->open_ext(NULL, ret, config, &reason) != DuckDBSuccess)
        st = refuse("opening a database", reason);
    duck->free(reason);
    duck->destroy_config(&config);
    if (st.code != STATUS_OK)
        return st;

    if (duck->connect(*ret, &connection) != DuckDBSuccess)
        return refuse("its database", NULL);
    st = run_script(duck, connection);
    duck->disconnect(&connection);
    return st;
}

static void load_once(void)
{
    library.status = load(&library.duck);
    if (library.status.code == STATUS_OK)
        library.status = open_database(&library.duck, &library.database);
}

struct status duck_connect(const struct duck_api **ret_duck, duckdb_connection *ret)
{
    duckdb_connection connection;

    (void)pthread_once(&library.once, load_once);
    if (library.status.code != STATUS_OK)
        return library.status;
    if (library.duck.connect(library.database, &connection) != DuckDBSuccess)
        return refuse("its database", NULL);
    atomic_fetch_add(&library.nconnections, 1);
    *ret_duck = &library.duck;
    *ret = connection;
    return status_ok();
}

void duck_disconnect(duckdb_connection connection)
{
    library.duck.disconnect(&connection);
    atomic_fetch_sub(&library.nconnections, 1);
}

bool duck_is_alone(void)
{
    return atomic_load(&library.nconnections) <= 1;
}
