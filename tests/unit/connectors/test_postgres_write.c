/*
 * tests/unit/connectors/test_postgres_write.c - rows, keys and units in a real PostgreSQL.
 */
#include <string.h>

#include "base/buf.h"
#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"
#include "tests/unit/connectors/postgres_import.h"

static const struct destination_type *const type = &postgres_destination;

test(import_makes_a_table_and_fills_it)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_int(import.nunits, 0);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 b=2"), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 1, "c=-"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 b=2 c=-");
    check_int(import.nagain, 0);
    postgres_import_close(&import);
}

test(rows_replace_rows_of_the_same_key)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 b=2"), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 1, "b=3 c=4"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 b=3 c=4");
    check_int(import.nagain, 1);
    postgres_import_close(&import);
}

test(the_last_of_equal_keys_in_a_split_wins)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 b=2 a=3 a=- b=7 a=5"),
                 STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=5 b=7");
    postgres_import_close(&import);
}

test(units_are_kept_and_come_back)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 3, "a=1"), STATUS_OK);
    check_status(postgres_import_start(&import, false), STATUS_OK);
    check_int(import.nunits, 1);
    check_int(import.units[0].number, 3);
    check_int(import.units[0].rows_read, 3);
    check_int(import.units[0].rows_written, 2);
    check_int(import.units[0].bad_rows, 1);
    check_int(import.units[0].bytes_read, 100);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_int(import.nunits, 0);
    type->forget(import.destination);
    postgres_import_close(&import);
}

test(a_unit_that_is_done_is_not_repeated)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1"), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "b=2"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1");
    check_status(postgres_import_split(&import, import.writer, 0, "a=3"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1");
    check_status(postgres_import_split(&import, import.writer, 1, "b=2"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 b=2");
    postgres_import_close(&import);
}

test(a_split_without_rows_is_a_unit_too)
{
    struct postgres_import import;
    bool is_again = true;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_commit(import.writer, 4, &is_again), STATUS_OK);
    check(!is_again);
    check_status(postgres_import_write(&import, import.writer, 1, "", &is_again), STATUS_OK);
    check_status(postgres_import_commit(import.writer, 5, &is_again), STATUS_OK);
    check_status(postgres_import_start(&import, false), STATUS_OK);
    check_int(import.nunits, 2);
    postgres_import_close(&import);
}

test(columns_that_are_not_listed_keep_their_values)
{
    struct postgres_import import;

    postgres_import_init(&import);
    postgres_server_run(import.url, "CREATE SCHEMA \"default\";"
                                    "CREATE TABLE \"default\".t (\"ROW\" text PRIMARY KEY,"
                                    " x int DEFAULT 7, \"f:v\" int);"
                                    "INSERT INTO \"default\".t VALUES ('a', 1, 1), ('b', 2, 2)");
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "b=- c=3"), STATUS_OK);
    check_str(postgres_server_get(import.url, "SELECT * FROM \"default\".t ORDER BY 1"),
              "a,1,1 b,2,- c,7,3");
    postgres_import_close(&import);
}

test(splits_after_a_conflict_take_the_slow_way_at_once)
{
    struct postgres_import import;

    postgres_import_init(&import);
    postgres_server_run(import.url, "CREATE SCHEMA \"default\";"
                                    "CREATE TABLE \"default\".t (\"ROW\" text PRIMARY KEY,"
                                    " \"f:v\" int);"
                                    "INSERT INTO \"default\".t VALUES ('a', 1)");
    check_status(postgres_import_start(&import, true), STATUS_OK);
    for (uint32_t i = 0; i < 8; i++)
        check_status(postgres_import_split(&import, import.writer, i, "a=2"), STATUS_OK);
    check_int(import.nagain, 1);
    for (uint32_t i = 8; i < 24; i++)
        check_status(postgres_import_split(&import, import.writer, i, "a=3"), STATUS_OK);
    check_int(import.nagain, 2); /* the ninth tried again, and then twice as many did not */
    check_str(postgres_import_get_rows(&import), "a=3");
    postgres_import_close(&import);
}

test(the_fast_way_is_taken_again_where_the_table_was_empty)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 a=2"), STATUS_OK);
    check_int(import.nagain, 1);
    check_status(postgres_import_split(&import, import.writer, 1, "b=1 b=2"), STATUS_OK);
    check_int(import.nagain, 2);
    check_status(postgres_import_split(&import, import.writer, 2, "c=1 c=2"), STATUS_OK);
    check_int(import.nagain, 2);
    check_str(postgres_import_get_rows(&import), "a=2 b=2 c=2");
    postgres_import_close(&import);
}

test(rows_without_a_key_are_added)
{
    struct postgres_import import;

    postgres_import_init(&import);
    postgres_import_set_sql(&import);
    postgres_server_run(import.url, "CREATE TABLE t (k text, v int)");
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 a=2"), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 1, "a=3"), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 1, "a=3"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 a=2 a=3");
    check_int(import.nagain, 0);
    postgres_import_close(&import);
}

test(a_key_may_be_of_several_columns)
{
    struct postgres_import import;

    postgres_import_init(&import);
    postgres_import_set_sql(&import);
    postgres_server_run(import.url, "CREATE TABLE t (k text, v int, PRIMARY KEY (v, k))");
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 a=2 a=1 b=1"), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 1, "a=1 b=2"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 a=2 b=1 b=2");
    postgres_import_close(&import);
}

test(partitioned_tables_are_filled)
{
    struct postgres_import import;

    postgres_import_init(&import);
    postgres_import_set_sql(&import);
    postgres_server_run(import.url,
                        "CREATE TABLE t (k text PRIMARY KEY, v int) PARTITION BY LIST (k);"
                        "CREATE TABLE t1 PARTITION OF t FOR VALUES IN ('a');"
                        "CREATE TABLE t2 PARTITION OF t FOR VALUES IN ('b', 'c')");
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 b=2"), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 1, "b=3 c=4"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 b=3 c=4");
    struct status st = postgres_import_split(&import, import.writer, 2, "z=1");
    check_status(st, STATUS_INVALID_ARGUMENT);
    check(strstr(st.text, "no partition") != NULL);
    postgres_import_close(&import);
}

/* What is said of rows that a table, made by ddl with one row a=1, refuses. */
static void check_row_refused(const char *ddl, const char *rows, const char *said)
{
    struct postgres_import import;

    postgres_import_init(&import);
    postgres_import_set_sql(&import);
    postgres_server_run(import.url, ddl);
    postgres_server_run(import.url, "INSERT INTO t VALUES ('a', 1)");
    check_status(postgres_import_start(&import, true), STATUS_OK);
    struct status st = postgres_import_split(&import, import.writer, 2, rows);
    check_status(st, STATUS_INVALID_ARGUMENT);
    check_str(st.text, said);
    check_str(postgres_import_get_rows(&import), "a=1");
    check_status(postgres_import_split(&import, import.writer, 3, "d=4"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 d=4");
    postgres_import_close(&import);
}

test(rows_that_the_table_refuses_are_named)
{
    check_row_refused("CREATE TABLE t (k text PRIMARY KEY, v int CONSTRAINT small CHECK (v < 5))",
                      "b=2 c=9",
                      "in/a.csv: row 202: new row for relation \"t\" violates check constraint "
                      "\"small\"");
    check_row_refused("CREATE TABLE t (k text PRIMARY KEY, v int CONSTRAINT small CHECK (v < 5))",
                      "a=2 b=9 c=3",
                      "in/a.csv: row 202: new row for relation \"t\" violates check constraint "
                      "\"small\"");
    check_row_refused("CREATE TABLE t (k text, v int UNIQUE)", "b=2 c=3 d=2",
                      "in/a.csv: row 203: duplicate key value violates unique constraint "
                      "\"t_v_key\"");
    check_row_refused("CREATE TABLE t (k text NOT NULL, v int NOT NULL)", "b=2 c=-",
                      "in/a.csv: row 202: null value in column \"v\" of relation \"t\" violates "
                      "not-null constraint");
    check_row_refused("CREATE TABLE t (k text, v int);"
                      "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
                      " IF NEW.v = 3 THEN RAISE EXCEPTION 'not three'; END IF; RETURN NEW; END $$;"
                      "CREATE TRIGGER g BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
                      "b=2 c=3", "in/a.csv: row 202: not three");
}

test(rows_that_are_refused_at_the_end_have_their_range_named)
{
    check_row_refused("CREATE TABLE t (k text PRIMARY KEY, v int UNIQUE)", "b=2 c=1",
                      "in/a.csv: one of the rows 201 to 202: duplicate key value violates unique "
                      "constraint \"t_v_key\"");
    check_row_refused("CREATE TABLE p (v int PRIMARY KEY); INSERT INTO p VALUES (1), (4);"
                      "CREATE TABLE t (k text, v int REFERENCES p)",
                      "b=4 c=2",
                      "in/a.csv: one of the rows 201 to 202: insert or update on table \"t\" "
                      "violates foreign key constraint \"t_v_fkey\"");
    check_row_refused("CREATE TABLE p (v int PRIMARY KEY); INSERT INTO p VALUES (1), (4);"
                      "CREATE TABLE t (k text, v int REFERENCES p DEFERRABLE INITIALLY DEFERRED)",
                      "b=4 c=2",
                      "in/a.csv: one of the rows 201 to 202: insert or update on table \"t\" "
                      "violates foreign key constraint \"t_v_fkey\"");
}

/* An import that refuses equal keys, and has begun. */
static void start_different(struct postgres_import *import)
{
    postgres_import_init(import);
    import->spec.duplicates = IMPORT_DUPLICATES_ERROR;
    check_status(postgres_import_start(import, true), STATUS_OK);
}

test(different_keys_replace_rows_that_were_there_before)
{
    struct postgres_import import;

    start_different(&import);
    postgres_server_run(import.url, "INSERT INTO \"default\".t VALUES ('a', 1), ('b', 2)");
    check_status(postgres_import_split(&import, import.writer, 0, "b=3 c=4"), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 1, "d=5 a=6"), STATUS_OK);
    check_int(import.nagain, 0);
    check_str(postgres_import_get_rows(&import), "a=6 b=3 c=4 d=5");
    postgres_import_close(&import);
}

test(equal_keys_in_a_split_are_refused)
{
    struct postgres_import import;

    start_different(&import);
    struct status st = postgres_import_split(&import, import.writer, 0, "a=1 b=2 c=3 b=4 c=5");
    check_status(st, STATUS_INVALID_ARGUMENT);
    check_str(st.text, "in/a.csv: row 4: its key 'b' is that of row 2 too");
    check_str(postgres_import_get_rows(&import), "");
    postgres_import_close(&import);
}

test(equal_keys_in_two_splits_are_refused)
{
    struct postgres_import import;

    start_different(&import);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 b=2"), STATUS_OK);
    check_status(postgres_import_start(&import, false), STATUS_OK); /* as after a crash */
    struct status st = postgres_import_split(&import, import.writer, 1, "c=3 b=4");
    check_status(st, STATUS_INVALID_ARGUMENT);
    check_str(st.text, "in/a.csv: row 102: its key 'b' is that of row 2 of in/a.csv");
    check_str(postgres_import_get_rows(&import), "a=1 b=2");
    postgres_import_close(&import);
}

test(a_unit_that_is_done_has_no_equal_keys)
{
    struct postgres_import import;

    start_different(&import);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 b=2"), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 b=2"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=1 b=2");
    postgres_import_close(&import);
}

test(equal_keys_of_several_columns_are_refused)
{
    struct postgres_import import;

    postgres_import_init(&import);
    postgres_import_set_sql(&import);
    import.spec.duplicates = IMPORT_DUPLICATES_ERROR;
    postgres_server_run(import.url, "CREATE TABLE t (k text, v int, PRIMARY KEY (v, k))");
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 a=2"), STATUS_OK);
    struct status st = postgres_import_split(&import, import.writer, 1, "a=3 a=2");
    check_status(st, STATUS_INVALID_ARGUMENT);
    check_str(st.text, "in/a.csv: row 102: its key '2, a' is that of row 2 of in/a.csv");
    postgres_import_close(&import);
}

test(a_start_from_the_beginning_forgets_the_keys)
{
    struct postgres_import import;

    start_different(&import);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1 b=2"), STATUS_OK);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=3 b=4"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "a=3 b=4");
    postgres_import_close(&import);
}

static const char count_kept[] =
    "SELECT (SELECT count(*) FROM sluice_import.import_task),"
    "       (SELECT count(*) FROM sluice_import.import_unit),"
    "       (SELECT count(*) FROM pg_tables WHERE tablename LIKE 'keys\\_%')";

test(what_is_kept_of_a_task_is_forgotten)
{
    struct postgres_import import;

    start_different(&import);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1"), STATUS_OK);
    check_str(postgres_server_get(import.url, count_kept), "1,1,1");
    type->forget(import.destination);
    check_str(postgres_server_get(import.url, count_kept), "0,0,0");
    type->forget(import.destination);
    postgres_import_close(&import);
}

/* As a gateway's database does that was restored from a backup. */
test(a_task_that_has_forgotten_its_rows_does_not_add_them_again_without_a_key)
{
    struct postgres_import import;

    postgres_import_init(&import);
    postgres_import_set_sql(&import);
    postgres_server_run(import.url, "CREATE TABLE t (k text, v int)");
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1"), STATUS_OK);
    type->forget(import.destination);
    check_str(postgres_server_get(import.url, count_kept), "1,1,0");

    check_status(postgres_import_start(&import, false), STATUS_OK); /* it has the checkpoint */
    check_int(import.nunits, 1);
    check_status(postgres_import_open(&import), STATUS_OK); /* it does not even have that */
    struct status st = type->begin(import.destination, true, &import.units, &import.nunits);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check(strstr(st.text, "rows of 1 splits that the task has forgotten") != NULL);

    check_status(postgres_import_start(&import, true), STATUS_OK); /* somebody wants it so */
    check_int(import.nunits, 0);
    postgres_import_close(&import);
}

test(what_is_kept_of_old_tasks_is_forgotten_by_others)
{
    struct postgres_import import;

    start_different(&import);
    check_status(postgres_import_split(&import, import.writer, 0, "a=1"), STATUS_OK);
    import.task_id = "proc-1-new";
    postgres_server_run(import.url, "UPDATE sluice_import.import_task"
                                    "   SET begin_time = now() - interval '31 days'");
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_str(postgres_server_get(import.url, count_kept), "2,1,2"); /* a unit is new */
    postgres_server_run(import.url, "UPDATE sluice_import.import_unit"
                                    "   SET done_time = now() - interval '31 days';"
                                    "UPDATE sluice_import.import_task SET is_keyed = false"
                                    " WHERE task_id <> 'proc-1-new'");
    check_status(postgres_import_start(&import, false), STATUS_OK);
    check_str(postgres_server_get(import.url, count_kept), "2,1,2"); /* it would be added twice */
    postgres_server_run(import.url, "UPDATE sluice_import.import_task SET is_keyed = true");
    check_status(postgres_import_start(&import, false), STATUS_OK);
    check_str(postgres_server_get(import.url, count_kept), "1,0,1");
    postgres_import_close(&import);
}

test(a_conflict_is_noticed_before_all_is_sent)
{
    enum { ROWS = 2000, BATCHES = 300 };
    struct postgres_import import;
    struct buf rows = {0};
    bool is_again = false;
    int64_t n = 0;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_status(postgres_import_split(&import, import.writer, 0, "k1=1"), STATUS_OK);
    while (n < BATCHES && !is_again) {
        buf_clear(&rows);
        for (int64_t i = 0; i < ROWS; i++)
            buf_printf(&rows, "k%lld=1 ", (long long)(n * ROWS + i));
        check_status(postgres_import_write(&import, import.writer, n * ROWS + 1,
                                           buf_get_text(&rows), &is_again),
                     STATUS_OK);
        n++;
    }
    check(is_again && n < BATCHES / 2);
    buf_deinit(&rows);
    check_status(postgres_import_split(&import, import.writer, 1, "k1=2"), STATUS_OK);
    check_str(postgres_import_get_rows(&import), "k1=2");
    postgres_import_close(&import);
}

test(what_others_wrote_among_old_tasks_does_no_harm)
{
    struct postgres_import import;

    postgres_import_init(&import);
    check_status(postgres_import_start(&import, true), STATUS_OK);
    postgres_server_run(import.url,
                        "INSERT INTO sluice_import.import_task"
                        " SELECT repeat(x, 50), 1, true, '', now() - interval '40 days'"
                        "   FROM unnest(ARRAY['\xe4\xb8\xad', '\xc3\xa4', '\"', $$'; --$$]) x");
    check_status(postgres_import_start(&import, true), STATUS_OK);
    check_str(postgres_server_get(import.url, count_kept), "1,0,0");
    postgres_import_close(&import);
}
