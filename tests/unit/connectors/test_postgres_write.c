/*
 * tests/unit/connectors/test_postgres_write.c - rows, keys and units in a real PostgreSQL.
 */
#include "tests/harness/test.h"
#include "tests/unit/connectors/postgres_import.h"
#include "tests/unit/connectors/postgres_server.h"

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
