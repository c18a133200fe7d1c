/*
 * tests/fuzz/fuzz_postgres_error.c - any text, as what a PostgreSQL server or libpq says.
 *
 * The input is taken twice: as the reason why no connection was made, and as the line of an
 * error's context that is about a COPY into the table "t".
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/postgres/error.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void read_connection(const char *text)
{
    struct pg_error error;
    bool is_valid = utf8_is_valid(str_from(text));

    pg_error_read_connection(text, &error);
    size_t len = strlen(error.sqlstate);
    require(len == 0 || len == PG_SQLSTATE_BYTES - 1);
    require(!strchr(error.message, '\n'));
    require(!is_valid || utf8_is_valid(str_from(error.message)));
    require(pg_error_get_status(&error).code != STATUS_OK);
}

static void read_context(const char *text)
{
    struct pg_error error = {.sqlstate = "22003"};
    struct pg_copy_place place;

    (void)snprintf(error.copy_context, sizeof(error.copy_context), "%s", text);
    pg_error_read_copy_place(&error, "t", &place);
    require(place.line >= 0);
    require(place.line > 0 || place.column[0] == '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = mem_copy_str(str_from_bytes(data, size));

    read_connection(text);
    read_context(text);
    mem_free(text);
    return 0;
}
