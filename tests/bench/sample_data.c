/*
 * tests/bench/sample_data.c - sluice-sample-data: makes files of rows to import, the same ones every time.
 *
 * The six columns are those of the documented example of a bulk import. DuckDB makes the rows and writes both formats.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/options.h"
#include "connectors/parquet/duck_api.h"

struct settings {
    struct options_common common;
    int64_t nrows;
    int64_t row_group_rows;
    const char *csv;
    const char *parquet;
    bool has_header;
};

static const struct option_row rows[] = {
    {.name = "rows",
     .letter = 'n',
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, nrows),
     .default_value = "1000000",
     .min = 0,
     .max = INT64_C(10000000000),
     .value_name = "N",
     .help = "how many rows to make"},
    {.name = "csv",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, csv),
     .value_name = "FILE",
     .help = "write them to FILE as CSV"},
    {.name = "header",
     .kind = OPTION_FLAG,
     .field = offsetof(struct settings, has_header),
     .help = "begin the CSV file with the columns' names"},
    {.name = "parquet",
     .kind = OPTION_TEXT,
     .field = offsetof(struct settings, parquet),
     .value_name = "FILE",
     .help = "write them to FILE as Parquet, compressed by zstd"},
    {.name = "row-group-rows",
     .kind = OPTION_NUMBER,
     .field = offsetof(struct settings, row_group_rows),
     .default_value = "122880",
     .min = 2048,
     .max = 10000000,
     .value_name = "N",
     .help = "how many rows a row group of the Parquet file has"},
    OPTIONS_COMMON_ROWS(struct settings, common),
};

static const struct option_table table = {
    .program = "sluice-sample-data",
    .summary = "Makes files of rows to import, the same ones every time.",
    .rows = rows,
    .nrows = ARRAY_LEN(rows),
};

static void validate(const void *settings, struct buf *errors)
{
    const struct settings *s = settings;

    if (!s->csv && !s->parquet)
        buf_append_text(errors, "nothing to write: give --csv FILE, --parquet FILE or both\n");
    if (s->has_header && !s->csv)
        buf_append_text(errors, "--header is for --csv\n");
}

/* Appends a text as SQL has it. */
static void append_quoted(struct buf *sql, const char *text)
{
    buf_append_char(sql, '\'');
    for (; *text; text++) {
        if (*text == '\'')
            buf_append_char(sql, '\'');
        buf_append_char(sql, *text);
    }
    buf_append_char(sql, '\'');
}

static const char select_rows[] =
    "SELECT printf('row%%010d', i) AS id,"
    "       ((i * 2654435761) %% 2000000000)::INTEGER AS intcol,"
    "       (i * 1.0000001 / 7)::DOUBLE AS doublecol,"
    "       'string value number ' || (i %% 100000) AS stringcol,"
    "       CASE WHEN i %% 10 <> 0 THEN md5(i::VARCHAR) END AS string1col,"
    "       ((i * 7919) %% 10000000000 / 100.0)::DECIMAL(18, 2) AS decimalcol"
    "  FROM range(%lld) AS numbers(i)";

static struct status run(const struct duck_api *duck, duckdb_connection connection, const char *sql)
{
    duckdb_result result;
    struct status st = status_ok();

    if (duck->query(connection, sql, &result) != DuckDBSuccess)
        st = status_error(STATUS_FAILED_PRECONDITION, "%s", duck->result_error(&result));
    duck->destroy_result(&result);
    return st;
}

/*
 * A database with DuckDB's own settings: the process's one has too little memory to write large row groups. It is open
 * until the end.
 */
static struct status connect(const struct duck_api **ret_duck, duckdb_connection *ret)
{
    duckdb_database database;
    char *reason = NULL;
    struct status st = duck_connect(ret_duck, ret);

    if (st.code != STATUS_OK)
        return st;
    duck_disconnect(*ret);
    if ((*ret_duck)->open_ext(NULL, &database, NULL, &reason) != DuckDBSuccess ||
        (*ret_duck)->connect(database, ret) != DuckDBSuccess)
        return status_error(STATUS_FAILED_PRECONDITION, "no database: %s", reason ? reason : "");
    return status_ok();
}

/* Writes to a name beside the file's, so that there is never half a file. */
static struct status write_file(const struct settings *settings, const char *path,
                                const char *options)
{
    const struct duck_api *duck;
    duckdb_connection connection;
    struct buf sql = {0};
    struct buf made = {0};
    struct status st = connect(&duck, &connection);

    if (st.code != STATUS_OK)
        return st;
    buf_printf(&made, "%s.%d.new", path, (int)getpid());
    buf_append_text(&sql, "COPY (");
    buf_printf(&sql, select_rows, (long long)settings->nrows);
    buf_append_text(&sql, ") TO ");
    append_quoted(&sql, buf_get_text(&made));
    buf_printf(&sql, " (%s)", options);
    st = run(duck, connection, buf_get_text(&sql));
    if (st.code == STATUS_OK && rename(buf_get_text(&made), path) != 0)
        st = status_error(STATUS_FAILED_PRECONDITION, "cannot make '%s'", path);
    if (st.code != STATUS_OK)
        (void)unlink(buf_get_text(&made));
    duck->disconnect(&connection);
    buf_deinit(&sql);
    buf_deinit(&made);
    return st;
}

int main(int argc, char **argv)
{
    struct settings settings = {0};
    char options[96];
    struct status st = status_ok();
    int exit_code = options_start(&table, argc, argv, &settings, &settings.common, validate);

    if (exit_code != OPTIONS_GO_ON)
        return exit_code;
    if (settings.parquet) {
        (void)snprintf(options, sizeof(options),
                       "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE %lld",
                       (long long)settings.row_group_rows);
        st = write_file(&settings, settings.parquet, options);
    }
    if (settings.csv && st.code == STATUS_OK) {
        (void)snprintf(options, sizeof(options), "FORMAT csv, HEADER %s",
                       settings.has_header ? "true" : "false");
        st = write_file(&settings, settings.csv, options);
    }
    if (st.code != STATUS_OK)
        fprintf(stderr, "sluice-sample-data: %s\n", st.text);
    return st.code == STATUS_OK ? 0 : 1;
}
