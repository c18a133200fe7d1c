/*
 * connectors/parquet/duck_api.h - the functions of libduckdb that read Parquet, found at run time.
 *
 * The library is opened when the first Parquet file is read, so that everything else works without it. It is
 * searched for where SLUICE_DUCKDB_LIBRARY says; if that is not set, beside the program (../lib/sluice), in the
 * build's third_party/duckdb/lib and in the system's folders, which the programs' run paths name.
 */
#ifndef CONNECTORS_PARQUET_DUCK_API_H
#define CONNECTORS_PARQUET_DUCK_API_H

#include <stdbool.h>

#include <duckdb.h>

#include "base/status.h"

/* What we call, without "duckdb_" in front. None of them is marked as deprecated. */
#define DUCK_API(X) \
    X(bind_int64) \
    X(bind_varchar) \
    X(column_count) \
    X(column_logical_type) \
    X(column_name) \
    X(column_type) \
    X(connect) \
    X(create_config) \
    X(data_chunk_get_size) \
    X(data_chunk_get_vector) \
    X(decimal_internal_type) \
    X(decimal_scale) \
    X(destroy_config) \
    X(destroy_data_chunk) \
    X(destroy_logical_type) \
    X(destroy_prepare) \
    X(destroy_result) \
    X(disconnect) \
    X(execute_prepared) \
    X(fetch_chunk) \
    X(free) \
    X(open_ext) \
    X(prepare) \
    X(prepare_error) \
    X(query) \
    X(result_error) \
    X(result_error_type) \
    X(set_config) \
    X(vector_get_data) \
    X(vector_get_validity)

struct duck_api {
#define DUCK_API_MEMBER(name) __typeof__(&duckdb_##name) name;
    DUCK_API(DUCK_API_MEMBER)
#undef DUCK_API_MEMBER
    /*
     * As execute_prepared, but the result's chunks are made while they are fetched. NULL: this release of the
     * library has no such function; then a result is in memory as a whole.
     */
    __typeof__(&duckdb_execute_prepared) execute_streaming;
};

enum { DUCK_MEMORY_LIMIT_MIB = 192 }; /* what DuckDB counts, for all connections together */

/*
 * The library, and a connection to the process's one database in it, which has no tables, no extensions but the built-in
 * ones and one thread: the caller's. The connection is owned by the caller. The first call opens the library. Any
 * thread. FAILED_PRECONDITION: it is missing, or too old.
 */
struct status duck_connect(const struct duck_api **ret_duck, duckdb_connection *ret) MUST_CHECK;

/* Closes a connection of duck_connect. */
void duck_disconnect(duckdb_connection connection);

/* Whether no more than one connection is open, which then has all memory for itself. Any thread. */
bool duck_is_alone(void);

#endif
