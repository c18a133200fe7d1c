/*
 * tests/unit/connectors/test_postgres_error.c - what is read from a server's refusals.
 */
#include <stdio.h>

#include "connectors/postgres/error.h"
#include "tests/harness/test.h"

static struct pg_error make(const char *sqlstate)
{
    struct pg_error error = {.message = "no"};

    (void)snprintf(error.sqlstate, sizeof(error.sqlstate), "%s", sqlstate);
    return error;
}

test(each_sqlstate_has_its_code)
{
    static const struct {
        const char *sqlstate;
        enum status_code code;
    } cases[] = {
        {"", STATUS_UNAVAILABLE},
        {"08006", STATUS_UNAVAILABLE},
        {"53100", STATUS_UNAVAILABLE},
        {"53300", STATUS_UNAVAILABLE},
        {"57P01", STATUS_UNAVAILABLE},
        {"57P03", STATUS_UNAVAILABLE},
        {"57014", STATUS_UNAVAILABLE},
        {"40P01", STATUS_UNAVAILABLE},
        {"40001", STATUS_UNAVAILABLE},
        {"55P03", STATUS_UNAVAILABLE},
        {"58030", STATUS_UNAVAILABLE},
        {"28P01", STATUS_PERMISSION_DENIED},
        {"42501", STATUS_PERMISSION_DENIED},
        {"22003", STATUS_INVALID_ARGUMENT},
        {"23505", STATUS_INVALID_ARGUMENT},
        {"23514", STATUS_INVALID_ARGUMENT},
        {"54000", STATUS_INVALID_ARGUMENT},
        {"P0001", STATUS_INVALID_ARGUMENT},
        {"42P01", STATUS_FAILED_PRECONDITION},
        {"42703", STATUS_FAILED_PRECONDITION},
        {"3D000", STATUS_FAILED_PRECONDITION},
        {"3F000", STATUS_FAILED_PRECONDITION},
        {"25006", STATUS_UNAVAILABLE},
        {"25001", STATUS_FAILED_PRECONDITION},
        {"0A000", STATUS_FAILED_PRECONDITION},
        {"XX000", STATUS_INTERNAL},
        {"99999", STATUS_INTERNAL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pg_error error = make(cases[i].sqlstate);
        check_int(pg_error_get_code(&error), cases[i].code);
        check_status(pg_error_get_status(&error), cases[i].code);
    }
}

test(deadlocks_and_lock_timeouts_pass)
{
    static const char *const passing[] = {"40P01", "40001", "55P03"};
    static const char *const lasting[] = {"", "23505", "55000", "42P01"};

    for (size_t i = 0; i < ARRAY_LEN(passing); i++) {
        struct pg_error error = make(passing[i]);
        check(pg_error_is_passing(&error));
    }
    for (size_t i = 0; i < ARRAY_LEN(lasting); i++) {
        struct pg_error error = make(lasting[i]);
        check(!pg_error_is_passing(&error));
    }
}

test(the_context_of_a_copy_has_line_and_column)
{
    static const struct {
        const char *table, *context;
        int64_t line;
        const char *column;
    } cases[] = {
        {"t", "COPY t, line 3, column f:v", 3, "f:v"},
        {"t", "COPY t, line 12", 12, ""},
        {"t", "COPY t, Zeile 3, Spalte a, b", 3, "a, b"},
        {"a, line 7", "COPY a, line 7, line 2, column c", 2, "c"},
        {"t", "COPY u, line 3", 0, ""},
        {"t", "COPY t, line x, column c", 0, ""},
        {"t", "COPY t, line 0", 0, ""},
        {"t", "COPY t, line 99999999999999999999", 0, ""},
        {"t", "COPY t, ", 0, ""},
        {"t", "PL/pgSQL function f() line 3 at RAISE", 0, ""},
        {"t", "", 0, ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct pg_error error = make("22003");
        struct pg_copy_place place;
        (void)snprintf(error.copy_context, sizeof(error.copy_context), "%s", cases[i].context);
        pg_error_read_copy_place(&error, cases[i].table, &place);
        check_int(place.line, cases[i].line);
        check_str(place.column, cases[i].column);
    }
}

test(a_failed_connection_tells_the_code_of_the_last_host)
{
    struct pg_error error;

    pg_error_read_connection("connection to server on socket \"/x/.s.PGSQL.5432\" failed: "
                             "FATAL:  28P01: password authentication failed for user \"u\"\n"
                             "LOCATION:  auth_failed, auth.c:335\n",
                             &error);
    check_str(error.sqlstate, "28P01");
    check_str(error.message, "password authentication failed for user \"u\"");
    pg_error_read_connection("connection to server at \"a\" failed: FATAL:  3D000: no database\n"
                             "connection to server at \"b\" failed: FATAL:  57P03: starting up\n",
                             &error);
    check_str(error.sqlstate, "57P03");
    check_str(error.message, "starting up");
}

test(a_failed_connection_without_a_server_has_no_code)
{
    static const char *const texts[] = {
        "connection to server at \"localhost\", port 1 failed: Connection refused\n",
        "",
        ":  ",
        "x:  2800",
        "x:  28P01",
        "x:  28P01:y",
        "x:  28p01: y",
        "28P01: y"};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct pg_error error;
        pg_error_read_connection(texts[i], &error);
        check_str(error.sqlstate, "");
        check_int(pg_error_get_code(&error), STATUS_UNAVAILABLE);
    }
}
