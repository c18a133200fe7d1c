#include "tests/unit/connectors/postgres_import.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "tests/harness/postgres/server.h"

static const struct destination_type *const type = &postgres_destination;

void postgres_import_init(struct postgres_import *import)
{
    *import = (struct postgres_import){
        .url = postgres_server_make_database(),
        .task_id = "proc-1-0123456789abcdef0123456789abcdef",
        .spec = {.namespace = "default", .table = "t", .timestamp_ms = INT64_MIN},
    };
    postgres_import_set_column(import, 0, "ROW", COLUMN_STRING);
    postgres_import_set_column(import, 1, "f:v", COLUMN_INT);
}

void postgres_import_set_column(struct postgres_import *import, size_t i, const char *target,
                                enum column_type column_type)
{
    assert(i < POSTGRES_IMPORT_MAX_COLUMNS);
    import->columns[i] = (struct import_column){.source = target,
                                                .target = target,
                                                .is_key = strcmp(target, "ROW") == 0,
                                                .type = column_type};
    import->spec.columns = import->columns;
    import->spec.ncolumns = i + 1;
}

void postgres_import_set_sql(struct postgres_import *import)
{
    import->spec.is_sql = true;
    import->spec.namespace = "public";
    postgres_import_set_column(import, 0, "k", COLUMN_STRING);
    postgres_import_set_column(import, 1, "v", COLUMN_INT);
}

void postgres_import_close(struct postgres_import *import)
{
    type->close_writer(import->writer);
    type->close(import->destination);
    mem_free(import->json);
    import->writer = NULL;
    import->destination = NULL;
    import->json = NULL;
}

struct status postgres_import_open(struct postgres_import *import)
{
    struct buf json = {0};

    postgres_import_close(import);
    import->token++;
    buf_printf(&json, "{\"url\":\"%s\"", import->url);
    if (import->password)
        buf_printf(&json, ",\"password\":\"%s\"", import->password);
    buf_append_char(&json, '}');
    import->json = buf_take(&json);
    struct destination_options options = {
        .parameters_json = import->json,
        .spec = &import->spec,
        .task_id = import->task_id,
        .lease_token = import->token,
        .first_token = import->first_token,
        .stop = &import->stop,
    };
    return type->open(&options, &import->destination);
}

struct status postgres_import_make(struct postgres_import *import, bool *ret_made)
{
    struct status st = postgres_import_open(import);

    if (st.code == STATUS_OK)
        st = type->make_table(import->destination, NULL, ret_made);
    return st;
}

struct status postgres_import_start(struct postgres_import *import, bool drops_units)
{
    bool is_made = false;

    if (drops_units)
        import->first_token = import->token + 1;
    struct status st = postgres_import_make(import, &is_made);
    if (st.code == STATUS_OK)
        st = type->begin(import->destination, drops_units, &import->units, &import->nunits);
    if (st.code == STATUS_OK)
        st = type->open_writer(import->destination, &import->writer);
    return st;
}

/* Reads the next row of *text into row of batch; false at the end. */
static bool read_row(struct str *text, struct batch *batch, size_t row)
{
    struct str value = str_cut(text, ' ');

    if (value.len == 0)
        return false;
    struct str key = str_cut(&value, '=');
    batch->columns[0].texts[row] = key;
    batch->columns[0].is_null[row] = false;
    batch->columns[1].is_null[row] = str_is(value, "-");
    batch->columns[1].ints[row] = strtoll(value.data, NULL, 10);
    return true;
}

struct status postgres_import_write(struct postgres_import *import, struct writer *writer,
                                    int64_t first, const char *rows, bool *ret_again)
{
    const struct target_column *columns = NULL;
    struct status st = type->get_columns(import->destination, &columns);
    struct str rest = str_from(rows);

    if (st.code != STATUS_OK)
        return st;
    struct batch *batch = batch_create(columns, import->spec.ncolumns);
    while (read_row(&rest, batch, batch->nrows)) {
        batch->row_numbers[batch->nrows] = first + (int64_t)batch->nrows;
        batch->nrows++;
    }
    st = type->write(writer, "in/a.csv", batch, NULL, ret_again);
    batch_destroy(batch);
    return st;
}

struct status postgres_import_commit(struct writer *writer, uint32_t number, bool *ret_again)
{
    struct unit unit = {
        .number = number, .rows_read = 3, .rows_written = 2, .bad_rows = 1, .bytes_read = 100};

    return type->commit(writer, &unit, ret_again);
}

struct status postgres_import_split(struct postgres_import *import, struct writer *writer,
                                    uint32_t number, const char *rows)
{
    for (int i = 0; i < 10; i++) {
        bool is_again = false;
        struct status st = postgres_import_write(import, writer, 1 + number * 100, rows, &is_again);
        if (st.code == STATUS_OK && !is_again)
            st = postgres_import_commit(writer, number, &is_again);
        if (st.code != STATUS_OK || is_again)
            type->rollback(writer);
        if (st.code != STATUS_OK || !is_again)
            return st;
        import->nagain++;
    }
    return status_error(STATUS_UNAVAILABLE, "asked for too often");
}

const char *postgres_import_get_rows(const struct postgres_import *import)
{
    return postgres_server_get(import->url,
                               import->spec.is_sql
                                   ? "SELECT k || '=' || coalesce(v::text, '-') FROM t ORDER BY 1"
                                   : "SELECT \"ROW\" || '=' || coalesce(\"f:v\"::text, '-')"
                                     "  FROM \"default\".t ORDER BY 1");
}
