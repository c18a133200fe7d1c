#include "connectors/parquet/parquet_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "connectors/plan.h"
#include "connectors/reader.h"

struct status parquet_file_open(const struct file_root *root, const struct plan_file *planned,
                                struct parquet_file *ret)
{
    const struct duck_api *duck;
    duckdb_connection connection;
    int fd;
    struct status st = duck_connect(&duck, &connection);

    if (st.code != STATUS_OK)
        return st;
    st = plan_open_file(root, planned, &fd);
    if (st.code != STATUS_OK) {
        duck_disconnect(connection);
        return st;
    }
    *ret =
        (struct parquet_file){.duck = duck, .connection = connection, .planned = planned, .fd = fd};
    (void)snprintf(ret->path, sizeof(ret->path), "/proc/self/fd/%d", fd);
    return st;
}

void parquet_file_close(struct parquet_file *file)
{
    if (!file->duck)
        return;
    duck_disconnect(file->connection);
    (void)close(file->fd);
    *file = (struct parquet_file){0};
}

/* The first line of DuckDB's text without its "Invalid Input Error: " and with the file's name for our path. */
static void write_reason(const struct parquet_file *file, const char *text, struct buf *ret)
{
    struct str rest = str_from(text ? text : "unknown error");
    struct str line = str_cut(&rest, '\n');
    size_t colon = str_find(line, " Error: ");
    size_t at;

    if (colon < line.len)
        line = str_skip(line, colon + strlen(" Error: "));
    while ((at = str_find(line, file->path)) < line.len) {
        buf_append(ret, line.data, at);
        buf_append_text(ret, file->planned->path);
        line = str_skip(line, at + strlen(file->path));
    }
    buf_append_str(ret, line);
}

static struct status refuse(const struct parquet_file *file, duckdb_error_type type,
                            const char *text)
{
    const char *path = file->planned->path;
    struct buf reason = {0};
    struct status st;

    write_reason(file, text, &reason);
    if (type != DUCKDB_ERROR_OUT_OF_MEMORY)
        st = status_error(STATUS_INVALID_ARGUMENT, "file '%s' cannot be read as Parquet: %s", path,
                          buf_get_text(&reason));
    else if (duck_is_alone())
        st = status_error(STATUS_FAILED_PRECONDITION,
                          "file '%s' has pages that need more than %d MiB of memory: %s", path,
                          DUCK_MEMORY_LIMIT_MIB, buf_get_text(&reason));
    else
        st = status_error(STATUS_RESOURCE_EXHAUSTED,
                          "no memory is left for file '%s' while others are read: %s", path,
                          buf_get_text(&reason));
    buf_deinit(&reason);
    return st;
}

static struct status prepare(struct parquet_query *query, const char *sql)
{
    const struct parquet_file *file = query->file;
    const struct duck_api *duck = file->duck;

    if (duck->prepare(file->connection, sql, &query->statement) == DuckDBSuccess)
        return status_ok();
    return refuse(file, DUCKDB_ERROR_INVALID, duck->prepare_error(query->statement));
}

static struct status bind(struct parquet_query *query, const struct row_range *range)
{
    const struct duck_api *duck = query->file->duck;
    bool is_bound =
        duck->bind_varchar(query->statement, 1, query->file->path) == DuckDBSuccess &&
        (!range || (duck->bind_int64(query->statement, 2, (int64_t)range->first) == DuckDBSuccess &&
                    duck->bind_int64(query->statement, 3, (int64_t)range->last) == DuckDBSuccess));

    return is_bound ? status_ok()
                    : refuse(query->file, DUCKDB_ERROR_INVALID, "a parameter was refused");
}

struct status parquet_query_start(struct parquet_query *query, const struct parquet_file *file,
                                  const char *sql, const struct row_range *range)
{
    const struct duck_api *duck = file->duck;
    struct status st;

    *query = (struct parquet_query){.file = file};
    st = prepare(query, sql);
    if (st.code == STATUS_OK)
        st = bind(query, range);
    if (st.code == STATUS_OK) {
        __typeof__(duck->execute_prepared) execute =
            duck->execute_streaming ? duck->execute_streaming : duck->execute_prepared;

        query->has_result = true;
        if (execute(query->statement, &query->result) != DuckDBSuccess)
            st = refuse(file, duck->result_error_type(&query->result),
                        duck->result_error(&query->result));
    }
    if (st.code != STATUS_OK)
        parquet_query_stop(query);
    return st;
}

struct status parquet_query_next(struct parquet_query *query, duckdb_data_chunk *ret)
{
    const struct duck_api *duck = query->file->duck;

    if (query->chunk)
        duck->destroy_data_chunk(&query->chunk);
    query->chunk = duck->fetch_chunk(query->result);
    if (!query->chunk) {
        /* The end of the rows, or an error on the way to them. */
        const char *text = duck->result_error(&query->result);

        if (text && *text)
            return refuse(query->file, duck->result_error_type(&query->result), text);
    }
    *ret = query->chunk;
    return status_ok();
}

void parquet_query_stop(struct parquet_query *query)
{
    if (!query->file)
        return;

    const struct duck_api *duck = query->file->duck;

    if (query->chunk)
        duck->destroy_data_chunk(&query->chunk);
    if (query->has_result)
        duck->destroy_result(&query->result);
    if (query->statement)
        duck->destroy_prepare(&query->statement);
    *query = (struct parquet_query){0};
}

const void *parquet_query_get_values(const struct parquet_query *query, duckdb_data_chunk chunk,
                                     size_t column)
{
    const struct duck_api *duck = query->file->duck;

    return duck->vector_get_data(duck->data_chunk_get_vector(chunk, column));
}

struct status parquet_query_start_schema(struct parquet_query *query,
                                         const struct parquet_file *file)
{
    return parquet_query_start(query, file, "SELECT * FROM read_parquet(?) LIMIT 0", NULL);
}

struct status parquet_query_find_column(struct parquet_query *query, const char *name, size_t *ret)
{
    const struct parquet_file *file = query->file;
    size_t ncolumns = file->duck->column_count(&query->result);
    struct buf names = {.max_bytes = STATUS_TEXT_BYTES};
    struct status st;

    for (size_t i = 0; i < ncolumns; i++) {
        const char *found = file->duck->column_name(&query->result, i);

        if (strcmp(found, name) == 0) {
            *ret = i;
            buf_deinit(&names);
            return status_ok();
        }
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", found);
    }
    st = status_error(STATUS_INVALID_ARGUMENT, "file '%s' has no column '%s'; it has %s",
                      file->planned->path, name, buf_get_text(&names));
    buf_deinit(&names);
    return st;
}
