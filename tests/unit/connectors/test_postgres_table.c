/*
 * tests/unit/connectors/test_postgres_table.c - which tables take an import, and what is
 * made where there is none.
 */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/postgres_import.h"

static const struct destination_type *const type = &postgres_destination;

static const char get_shape[] =
    "SELECT string_agg(attname || ' ' || format_type(atttypid, atttypmod), ';' ORDER BY attnum)"
    "  FROM pg_attribute"
    " WHERE attrelid = '\"default\".t'::regclass AND attnum > 0";

test(a_missing_table_is_made_with_a_type_for_each)
{
    struct postgres_import import;
    bool is_made = false;

    postgres_import_init(&import);
    postgres_import_set_column(&import, 0, "f:bool", COLUMN_BOOLEAN);
    postgres_import_set_column(&import, 1, "f:byte", COLUMN_BYTE);
    postgres_import_set_column(&import, 2, "f:short", COLUMN_SHORT);
    postgres_import_set_column(&import, 3, "ROW", COLUMN_LONG);
    postgres_import_set_column(&import, 4, "f:int", COLUMN_INT);
    postgres_import_set_column(&import, 5, "f:float", COLUMN_FLOAT);
    postgres_import_set_column(&import, 6, "f:double", COLUMN_DOUBLE);
    postgres_import_set_column(&import, 7, "f:decimal", COLUMN_DECIMAL);
    postgres_import_set_column(&import, 8, "f:a \"b\"", COLUMN_STRING);
    postgres_import_set_column(&import, 9, "f:bytes", COLUMN_VARBINARY);
    check_status(postgres_import_make(&import, &is_made), STATUS_OK);
    check(is_made);
    check_str(postgres_server_get(import.url, get_shape),
              "f:bool boolean;f:byte smallint;f:short smallint;ROW bigint;f:int integer;"
              "f:float real;f:double double precision;f:decimal numeric;f:a \"b\" text;"
              "f:bytes bytea");
    check_status(postgres_import_make(&import, &is_made), STATUS_OK);
    check(!is_made);
    postgres_import_close(&import);
}

test(missing_columns_are_added)
{
    struct postgres_import import;
    bool is_made = true;

    postgres_import_init(&import);
    postgres_server_run(import.url, "CREATE SCHEMA \"default\";"
                                    "CREATE TABLE \"default\".t (\"ROW\" text PRIMARY KEY, x int)");
    check_status(postgres_import_make(&import, &is_made), STATUS_OK);
    check(!is_made);
    check_str(postgres_server_get(import.url, get_shape), "ROW text;x integer;f:v integer");
    postgres_import_close(&import);
}

test(nothing_is_added_to_a_table_that_does_not_fit)
{
    struct postgres_import import;
    bool is_made = true;

    postgres_import_init(&import);
    postgres_server_run(import.url, "CREATE SCHEMA \"default\";"
                                    "CREATE TABLE \"default\".t (\"ROW\" text PRIMARY KEY,"
                                    " \"f:v\" date)");
    postgres_import_set_column(&import, 2, "f:w", COLUMN_INT);
    check_status(postgres_import_make(&import, &is_made), STATUS_FAILED_PRECONDITION);
    check_str(postgres_server_get(import.url, get_shape), "ROW text;f:v date");
    postgres_import_close(&import);
}

/*
 * Makes public.t by ddl and tries an import of k STRING, v INT (HBase form: ROW, f:v);
 * returns its status.
 */
static struct status try_table(const char *ddl, bool is_sql)
{
    struct postgres_import import;
    bool is_made = true;

    postgres_import_init(&import);
    if (is_sql)
        postgres_import_set_sql(&import);
    import.spec.namespace = "public";
    postgres_server_run(import.url, ddl);
    struct status st = postgres_import_make(&import, &is_made);
    check(st.code != STATUS_OK || !is_made);
    postgres_import_close(&import);
    return st;
}

static void check_refused(struct status st, const char *text)
{
    check_status(st, STATUS_FAILED_PRECONDITION);
    check_str(st.text, text);
}

test(hbase_form_takes_tables_with_wide_enough_types)
{
    static const char *const ddls[] = {
        "CREATE TABLE t (\"ROW\" text PRIMARY KEY, \"f:v\" int)",
        "CREATE TABLE t (\"f:v\" bigint, \"ROW\" varchar(20) PRIMARY KEY, x int)",
        "CREATE TABLE t (\"ROW\" char(9) PRIMARY KEY, \"f:v\" numeric(10),"
        "                x int NOT NULL DEFAULT 1)",
        "CREATE TABLE t (\"ROW\" text, \"f:v\" numeric, PRIMARY KEY (\"ROW\") INCLUDE (\"f:v\"))",
        "CREATE TABLE t (\"ROW\" text PRIMARY KEY, \"f:v\" int,"
        "                i int GENERATED ALWAYS AS IDENTITY)",
        "CREATE TABLE t (\"ROW\" text PRIMARY KEY, \"f:v\" int) PARTITION BY RANGE (\"ROW\")",
    };

    for (size_t i = 0; i < ARRAY_LEN(ddls); i++)
        check_status(try_table(ddls[i], false), STATUS_OK);
}

test(hbase_form_refuses_other_tables)
{
    static const struct {
        const char *ddl, *text;
    } cases[] = {
        {"CREATE TABLE t (\"ROW\" text PRIMARY KEY, \"f:v\" smallint)",
         "table public.t: column 'f:v' is smallint; for INT it has to be integer, bigint or "
         "numeric"},
        {"CREATE TABLE t (\"ROW\" text PRIMARY KEY, \"f:v\" numeric(10,1))",
         "table public.t: column 'f:v' is numeric(10,1); for INT it has to be integer, bigint or "
         "numeric"},
        {"CREATE TABLE t (\"ROW\" text PRIMARY KEY, \"f:v\" money)",
         "table public.t: column 'f:v' is money; for INT it has to be integer, bigint or numeric"},
        {"CREATE TABLE t (\"ROW\" int PRIMARY KEY, \"f:v\" int)",
         "table public.t: column 'ROW' is integer; for STRING it has to be text, character "
         "varying or character"},
        {"CREATE TABLE t (\"ROW\" text, \"f:v\" int)",
         "table public.t: column 'ROW' has to be the primary key, and the only column of it"},
        {"CREATE TABLE t (\"ROW\" text, \"f:v\" int, PRIMARY KEY (\"ROW\", \"f:v\"))",
         "table public.t: column 'ROW' has to be the primary key, and the only column of it"},
        {"CREATE TABLE t (\"ROW\" text PRIMARY KEY, \"f:v\" int, x int NOT NULL)",
         "table public.t: column 'x' may not be null and has no default, so it has to be among "
         "the columns"},
        {"CREATE TABLE t (\"ROW\" text PRIMARY KEY, a int,"
         "                \"f:v\" int GENERATED ALWAYS AS (a) STORED)",
         "table public.t: column 'f:v' is generated, so nothing can be written to it"},
        {"CREATE VIEW t AS SELECT ''::text AS \"ROW\", 1 AS \"f:v\"",
         "public.t is a view; only a table takes rows"},
        {"CREATE TABLE t ()", "table public.t: column 'ROW' is not there"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_refused(try_table(cases[i].ddl, false), cases[i].text);
}

test(sql_form_takes_tables_as_they_are)
{
    static const char *const ddls[] = {
        "CREATE TABLE t (k text PRIMARY KEY, v int)",
        "CREATE TABLE t (v int, k text)",
        "CREATE TABLE t (a int, k text, v money); ALTER TABLE t DROP v; ALTER TABLE t ADD v date",
        "CREATE TABLE t (k uuid, v jsonb, PRIMARY KEY (k)) PARTITION BY HASH (k)",
        "CREATE TABLE t (k text, v int GENERATED BY DEFAULT AS IDENTITY)",
    };

    for (size_t i = 0; i < ARRAY_LEN(ddls); i++)
        check_status(try_table(ddls[i], true), STATUS_OK);
}

test(sql_form_refuses_what_cannot_be_written)
{
    static const struct {
        const char *ddl, *text;
    } cases[] = {
        {"CREATE TABLE u (k text)", "there is no table public.t"},
        {"CREATE TABLE t (k text)", "table public.t: column 'v' is not there"},
        {"CREATE TABLE t (k text, \"V\" int)", "table public.t: column 'v' is not there"},
        {"CREATE TABLE t (k text, v money)",
         "table public.t: column 'v' is money; what can be written is boolean, smallint, "
         "integer, bigint, real, double precision, numeric, text, varchar, char, bytea, date, "
         "timestamp, timestamptz, json, jsonb and uuid"},
        {"CREATE TABLE t (k text, v int[])",
         "table public.t: column 'v' is integer[]; what can be written is boolean, smallint, "
         "integer, bigint, real, double precision, numeric, text, varchar, char, bytea, date, "
         "timestamp, timestamptz, json, jsonb and uuid"},
        {"CREATE TABLE t (k text, v int, x int NOT NULL)",
         "table public.t: column 'x' may not be null and has no default, so it has to be among "
         "the columns"},
        {"CREATE TABLE t (k text, v int, x int, PRIMARY KEY (x, k))",
         "table public.t: column 'x' is of the primary key, so it has to be among the columns"},
        {"CREATE TABLE t (k text, v int GENERATED ALWAYS AS IDENTITY)",
         "table public.t: column 'v' is generated, so nothing can be written to it"},
        {"CREATE TABLE t (k text PRIMARY KEY DEFERRABLE, v int)",
         "table public.t has a deferrable primary key, by which rows cannot be replaced"},
        {"CREATE MATERIALIZED VIEW t AS SELECT ''::text AS k, 1 AS v",
         "public.t is a materialized view; only a table takes rows"},
        {"CREATE SEQUENCE t", "public.t is a sequence; only a table takes rows"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_refused(try_table(cases[i].ddl, true), cases[i].text);
}

test(different_keys_cannot_be_asked_of_a_table_without_one)
{
    struct postgres_import import;
    bool is_made;

    postgres_import_init(&import);
    postgres_import_set_sql(&import);
    postgres_server_run(import.url, "CREATE TABLE t (k text, v int)");
    import.spec.duplicates = IMPORT_DUPLICATES_ERROR;
    check_refused(postgres_import_make(&import, &is_made),
                  "table public.t has no primary key, so 'duplicates' cannot be 'error'");
    postgres_import_close(&import);
}

test(names_that_the_server_would_cut_are_refused)
{
    static const char name_63[] = "f:0123456789012345678901234567890123456789012345678901234567890";
    static const char name_64[] =
        "f:01234567890123456789012345678901234567890123456789012345678901";
    struct postgres_import import;
    bool is_made;

    postgres_import_init(&import);
    postgres_import_set_column(&import, 1, name_63, COLUMN_INT);
    check_status(postgres_import_make(&import, &is_made), STATUS_OK);
    postgres_import_set_column(&import, 1, name_64, COLUMN_INT);
    check_status(postgres_import_make(&import, &is_made), STATUS_INVALID_ARGUMENT);
    import.spec.table = name_64;
    check_status(postgres_import_make(&import, &is_made), STATUS_INVALID_ARGUMENT);
    import.spec.table = "";
    check_status(postgres_import_make(&import, &is_made), STATUS_INVALID_ARGUMENT);
    postgres_import_close(&import);
}

test(names_are_quoted)
{
    struct postgres_import import;

    postgres_import_init(&import);
    import.spec.namespace = "a\"b; DROP SCHEMA public --";
    import.spec.table = "select 'x'\\";
    postgres_import_set_column(&import, 1, "f:\"); --'", COLUMN_INT);
    import.spec.duplicates = IMPORT_DUPLICATES_ERROR;
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1"), STATUS_OK);
    check_str(postgres_server_get(
                  import.url, "SELECT * FROM \"a\"\"b; DROP SCHEMA public --\".\"select 'x'\\\""),
              "a,1");
    postgres_import_close(&import);
}

test(readers_learn_limits_of_the_columns)
{
    struct postgres_import import;
    const struct target_column *columns = NULL;

    postgres_import_init(&import);
    postgres_import_set_sql(&import);
    postgres_import_set_column(&import, 2, "n", COLUMN_INT);
    postgres_import_set_column(&import, 3, "m", COLUMN_INT);
    postgres_server_run(import.url, "CREATE TABLE t (k varchar(7) PRIMARY KEY, v bigint NOT NULL,"
                                    "                n numeric(10,3), m numeric(5,-2))");
    check_status(postgres_import_open(&import), STATUS_OK);
    check_status(type->get_columns(import.destination, &columns), STATUS_OK);
    check_str(columns[0].source, "k");
    check_str(columns[0].target, "k");
    check_int(columns[0].type, COLUMN_STRING);
    check_int(columns[0].max_chars, 7);
    check(!columns[0].is_nullable && !columns[1].is_nullable && columns[2].is_nullable);
    check_int(columns[1].type, COLUMN_LONG);
    check_int(columns[2].type, COLUMN_DECIMAL);
    check_int(columns[2].precision, 10);
    check_int(columns[2].scale, 3);
    check_int(columns[3].precision, 0); /* a scale below zero: the server rounds */
    postgres_import_close(&import);
}

test(columns_of_a_missing_table_are_not_known)
{
    struct postgres_import import;
    const struct target_column *columns = NULL;

    postgres_import_init(&import);
    check_status(postgres_import_open(&import), STATUS_OK);
    check_refused(type->get_columns(import.destination, &columns), "there is no table default.t");
    check(!columns);
    postgres_import_close(&import);
}

struct maker {
    pthread_t thread;
    struct postgres_import import;
    struct status status;
    bool is_made;
};

static void *run_maker(void *arg)
{
    struct maker *maker = arg;

    maker->status = postgres_import_make(&maker->import, &maker->is_made);
    if (maker->status.code == STATUS_OK)
        maker->status = type->begin(maker->import.destination, true, &maker->import.units,
                                    &maker->import.nunits);
    return NULL;
}

test(many_may_make_the_same_table_at_once)
{
    static const char *const ids[] = {"proc-1", "proc-2", "proc-3", "proc-4", "proc-5", "proc-6"};
    struct maker makers[ARRAY_LEN(ids)];
    struct postgres_import import;
    unsigned nmade = 0;

    postgres_import_init(&import);
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        makers[i] = (struct maker){.import = import};
        makers[i].import.task_id = ids[i];
        makers[i].import.spec.columns = makers[i].import.columns;
        check(pthread_create(&makers[i].thread, NULL, run_maker, &makers[i]) == 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
        (void)pthread_join(makers[i].thread, NULL);
        check_status(makers[i].status, STATUS_OK);
        nmade += makers[i].is_made;
        postgres_import_close(&makers[i].import);
    }
    check_int(nmade, 1);
}
