/*
 * tests/unit/connectors/test_postgres_types.c - values of every type, as a real PostgreSQL
 * shows them.
 */
#include <math.h>

#include "base/buf.h"
#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/postgres_import.h"

static const struct destination_type *const type = &postgres_destination;

/* What is written to the one column "v", and what the server says it is. */
struct value {
    int64_t number;
    double real;
    struct decimal decimal;
    struct str text;
    const char *shown;
};

/* Puts a value where its type has it. */
static void put(struct batch_column *column, size_t row, const struct value *value)
{
    switch (column->type) {
    case COLUMN_FLOAT:
    case COLUMN_DOUBLE:
        column->reals[row] = value->real;
        return;
    case COLUMN_DECIMAL:
        column->decimals[row] = value->decimal;
        return;
    case COLUMN_STRING:
    case COLUMN_VARBINARY:
    case COLUMN_JSON:
    case COLUMN_UUID:
        column->texts[row] = value->text;
        return;
    default:
        column->ints[row] = value->number;
    }
}

/* Writes values, and a null at last, in the import's one column; the first failure. */
static struct status write_values(struct postgres_import *import, const struct value *values,
                                  size_t nvalues)
{
    const struct target_column *columns = NULL;
    bool is_again = false;
    struct status st = type->get_columns(import->destination, &columns);

    if (st.code != STATUS_OK)
        return st;
    struct batch *batch = batch_create(columns, 1);
    batch->nrows = nvalues + 1;
    for (size_t row = 0; row < batch->nrows; row++) {
        batch->row_numbers[row] = (int64_t)row + 1;
        batch->columns[0].is_null[row] = row == nvalues;
        if (row < nvalues)
            put(&batch->columns[0], row, &values[row]);
    }
    st = type->write(import->writer, "in/a.csv", batch, NULL, &is_again);
    if (st.code == STATUS_OK)
        st = postgres_import_commit(import->writer, 0, &is_again);
    if (st.code != STATUS_OK)
        type->rollback(import->writer);
    check(!is_again);
    batch_destroy(batch);
    return st;
}

/* A table (v sql_type) without a key, and an import into it that has begun. */
static void start(struct postgres_import *import, const char *sql_type)
{
    postgres_import_init(import);
    postgres_server_runf(import->url, "CREATE TABLE t (v %s, n serial)", sql_type);
    postgres_import_set_sql(import);
    postgres_import_set_column(import, 0, "v", COLUMN_INT);
    check_status(postgres_import_start(import, true), STATUS_OK);
}

static void check_type(const char *sql_type, const struct value *values, size_t nvalues)
{
    struct postgres_import import;
    struct buf shown = {0};

    start(&import, sql_type);
    check_status(write_values(&import, values, nvalues), STATUS_OK);
    for (size_t i = 0; i < nvalues; i++)
        buf_printf(&shown, "%s ", values[i].shown);
    buf_append_char(&shown, '-');
    check_str(postgres_server_get(import.url, "SET TimeZone = 'UTC'; SELECT v FROM t ORDER BY n"),
              buf_get_text(&shown));
    buf_deinit(&shown);
    postgres_import_close(&import);
}

static struct str text(const char *from)
{
    return str_from(from);
}

test(whole_numbers_and_booleans_arrive)
{
    static const struct value booleans[] = {{.number = 0, .shown = "f"},
                                            {.number = 1, .shown = "t"}};
    static const struct value shorts[] = {{.number = -32768, .shown = "-32768"},
                                          {.number = 32767, .shown = "32767"}};
    static const struct value ints[] = {{.number = INT32_MIN, .shown = "-2147483648"},
                                        {.number = INT32_MAX, .shown = "2147483647"}};
    static const struct value longs[] = {{.number = INT64_MIN, .shown = "-9223372036854775808"},
                                         {.number = INT64_MAX, .shown = "9223372036854775807"}};

    check_type("boolean", booleans, ARRAY_LEN(booleans));
    check_type("smallint", shorts, ARRAY_LEN(shorts));
    check_type("integer", ints, ARRAY_LEN(ints));
    check_type("bigint", longs, ARRAY_LEN(longs));
}

test(reals_arrive)
{
    const struct value reals[] = {{.real = 1.5, .shown = "1.5"},
                                  {.real = -0.0, .shown = "-0"},
                                  {.real = (double)NAN, .shown = "NaN"},
                                  {.real = -(double)INFINITY, .shown = "-Infinity"}};
    static const struct value doubles[] = {{.real = 0.1, .shown = "0.1"},
                                           {.real = 1e300, .shown = "1e+300"}};

    check_type("real", reals, ARRAY_LEN(reals));
    check_type("double precision", reals, ARRAY_LEN(reals));
    check_type("double precision", doubles, ARRAY_LEN(doubles));
}

test(decimals_arrive)
{
    const int128 most = (int128)INT64_C(999999999999999999);
    const int128 power_19 = (int128)INT64_C(1000000000000000000) * 10;
    const int128 all_nines = power_19 * power_19 - 1;
    const struct value values[] = {
        {.decimal = {0, 0, false}, .shown = "0"},
        {.decimal = {0, 38, false}, .shown = "0.00000000000000000000000000000000000000"},
        {.decimal = {-12345, 2, false}, .shown = "-123.45"},
        {.decimal = {110, 2, false}, .shown = "1.10"},
        {.decimal = {1, 38, false}, .shown = "0.00000000000000000000000000000000000001"},
        {.decimal = {most, 5, false}, .shown = "9999999999999.99999"},
        {.decimal = {all_nines, 0, false}, .shown = "99999999999999999999999999999999999999"},
        {.decimal = {-all_nines, 37, false}, .shown = "-9.9999999999999999999999999999999999999"},
        {.decimal = {-all_nines, 38, false}, .shown = "-0.99999999999999999999999999999999999999"},
        {.decimal = {.is_nan = true}, .shown = "NaN"},
    };
    static const struct value rounded[] = {{.decimal = {12345, 2, false}, .shown = "123.5"}};

    check_type("numeric", values, ARRAY_LEN(values));
    check_type("numeric(5,1)", rounded, ARRAY_LEN(rounded));
}

test(every_scale_and_length_of_decimals_arrives)
{
    struct postgres_import import;
    struct value values[39 * 6];
    size_t n = 0;
    int128 unscaled = 1;

    /* 1, 12, 123 ... 123456, each with every scale. */
    for (int digits = 1; digits <= 6; digits++) {
        for (uint8_t scale = 0; scale <= 38; scale++)
            values[n++] = (struct value){.decimal = {unscaled, scale, false}};
        unscaled = unscaled * 10 + digits + 1;
    }
    start(&import, "numeric");
    check_status(write_values(&import, values, n), STATUS_OK);
    check_str(
        postgres_server_get(
            import.url,
            "SELECT count(*) FROM t"
            " WHERE v = left('123456', (n - 1) / 39 + 1)::numeric / 10::numeric ^ ((n - 1) % 39)"
            "   AND scale(v) = (n - 1) % 39"),
        "234");
    postgres_import_close(&import);
}

test(texts_and_bytes_arrive)
{
    const struct value texts[] = {{.text = text("a\tb\\N"), .shown = "a\tb\\N"},
                                  {.text = text("\xe4\xb8\xad"), .shown = "\xe4\xb8\xad"},
                                  {.text = text(""), .shown = ""}};
    const struct value bytes[] = {{.text = str_from_bytes("\0\xff\\", 3), .shown = "\\x00ff5c"},
                                  {.text = text(""), .shown = "\\x"}};
    const struct value padded[] = {{.text = text("ab"), .shown = "ab "}};

    check_type("text", texts, ARRAY_LEN(texts));
    check_type("varchar(5)", texts, ARRAY_LEN(texts));
    check_type("bytea", bytes, ARRAY_LEN(bytes));
    check_type("char(3)", padded, ARRAY_LEN(padded));
}

test(days_and_times_arrive)
{
    static const struct value days[] = {{.number = 0, .shown = "1970-01-01"},
                                        {.number = -719162, .shown = "0001-01-01"},
                                        {.number = 2932896, .shown = "9999-12-31"}};
    static const struct value times[] = {
        {.number = 0, .shown = "1970-01-01 00:00:00"},
        {.number = -1, .shown = "1969-12-31 23:59:59.999999"},
        {.number = INT64_C(1573560272951000), .shown = "2019-11-12 12:04:32.951"}};
    static const struct value zoned[] = {
        {.number = 0, .shown = "1970-01-01 00:00:00+00"},
        {.number = INT64_C(253402300799999999), .shown = "9999-12-31 23:59:59.999999+00"}};
    static const struct value rounded[] = {
        {.number = INT64_C(1573560272951500), .shown = "2019-11-12 12:04:32.952"}};

    check_type("date", days, ARRAY_LEN(days));
    check_type("timestamp", times, ARRAY_LEN(times));
    check_type("timestamptz", zoned, ARRAY_LEN(zoned));
    check_type("timestamp(3)", rounded, ARRAY_LEN(rounded));
}

test(json_and_uuids_arrive)
{
    const struct value json[] = {
        {.text = text("{\"b\":1,  \"a\":2}"), .shown = "{\"b\":1,  \"a\":2}"}};
    const struct value jsonb[] = {
        {.text = text("{\"b\":1,  \"a\":2}"), .shown = "{\"a\": 2, \"b\": 1}"}};
    const struct value uuids[] = {
        {.text =
             str_from_bytes("\x01\x23\x45\x67\x89\xab\xcd\xef\x01\x23\x45\x67\x89\xab\xcd\xef", 16),
         .shown = "01234567-89ab-cdef-0123-456789abcdef"}};

    check_type("json", json, ARRAY_LEN(json));
    check_type("jsonb", jsonb, ARRAY_LEN(jsonb));
    check_type("uuid", uuids, ARRAY_LEN(uuids));
}

test(whole_numbers_go_into_wider_columns)
{
    static const char *const types[] = {"integer", "bigint", "numeric", "numeric(12,2)"};

    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        struct postgres_import import;
        postgres_import_init(&import);
        postgres_server_runf(import.url,
                             "CREATE SCHEMA \"default\"; CREATE TABLE \"default\".t"
                             " (\"ROW\" text PRIMARY KEY, \"f:v\" %s)",
                             types[i]);
        check_status(postgres_import_start(&import, true), STATUS_OK);
        check_status(postgres_import_split(&import, import.writer, 0, "a=-2147483648 b=10001"),
                     STATUS_OK);
        check_str(postgres_server_get(import.url, "SELECT \"f:v\"::bigint FROM \"default\".t"
                                                  " ORDER BY \"ROW\""),
                  "-2147483648 10001");
        postgres_import_close(&import);
    }
}

/* What is said of values, of which the second is refused. */
static void check_refused(const char *sql_type, const struct value *values, const char *said)
{
    struct postgres_import import;

    start(&import, sql_type);
    struct status st = write_values(&import, values, 2);
    check_status(st, STATUS_INVALID_ARGUMENT);
    check_str(st.text, said);
    check_str(postgres_server_get(import.url, "SELECT count(*) FROM t"), "0");
    postgres_import_close(&import);
}

test(values_that_the_server_refuses_are_named)
{
    const struct value texts[] = {{.text = text("abc")}, {.text = text("abcd")}};
    const struct value json[] = {{.text = text("{}")}, {.text = text("{")}};
    const struct value decimals[] = {{.decimal = {999, 0, false}}, {.decimal = {1000, 0, false}}};
    const struct value numbers[] = {{.number = 1}, {.number = 32768}};
    const struct value times[] = {{.number = 0}, {.number = INT64_C(-300000000000000000)}};

    check_refused("varchar(3)", texts,
                  "in/a.csv: row 2, column 'v': value too long for type character varying(3)");
    check_refused("jsonb", json, "in/a.csv: row 2, column 'v': invalid input syntax for type json");
    check_refused("numeric(3)", decimals, "in/a.csv: row 2, column 'v': numeric field overflow");
    check_refused("smallint", numbers, "in/a.csv: row 2, column 'v': the value is out of range");
    check_refused("timestamp", times, "in/a.csv: row 2, column 'v': timestamp out of range");
}
