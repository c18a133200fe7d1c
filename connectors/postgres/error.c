#include "connectors/postgres/error.h"

#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/number.h"
#include "base/utf8.h"

/*
 * SQLSTATE to status (PostgreSQL's manual, appendix A). The first row whose prefix fits
 * decides. ABORTED is not among them: in a destination it says that the lease is lost, and
 * no server knows that.
 */
static const struct {
    const char *prefix;
    enum status_code code;
} codes[] = {
    {"57014", STATUS_UNAVAILABLE},    /* somebody cancelled the statement */
    {"57", STATUS_UNAVAILABLE},       /* operator intervention: shut down, starting, terminated */
    {"08", STATUS_UNAVAILABLE},       /* connection */
    {"53", STATUS_UNAVAILABLE},       /* out of connections, memory or disk */
    {"58", STATUS_UNAVAILABLE},       /* the server's own input and output */
    {"40", STATUS_UNAVAILABLE},       /* deadlock, serialization */
    {"55P03", STATUS_UNAVAILABLE},    /* lock timeout */
    {"55006", STATUS_UNAVAILABLE},    /* object in use */
    {"25P0", STATUS_UNAVAILABLE},     /* a transaction that was left idle was ended */
    {"25006", STATUS_UNAVAILABLE},    /* read only for now: a standby, or little room is left */
    {"28", STATUS_PERMISSION_DENIED}, /* authentication */
    {"42501", STATUS_PERMISSION_DENIED}, /* insufficient privilege */
    {"22", STATUS_INVALID_ARGUMENT},     /* a value that does not fit */
    {"23", STATUS_INVALID_ARGUMENT},     /* a constraint */
    {"44", STATUS_INVALID_ARGUMENT},     /* a view's check option */
    {"54", STATUS_INVALID_ARGUMENT},     /* too large a row or an index entry */
    {"P0", STATUS_INVALID_ARGUMENT},     /* raised by a trigger */
    {"38", STATUS_INVALID_ARGUMENT},     /* the same, in another language */
    {"25", STATUS_FAILED_PRECONDITION},  /* not in such a transaction */
    {"42", STATUS_FAILED_PRECONDITION},  /* a table or column is not there, or not such */
    {"3", STATUS_FAILED_PRECONDITION},   /* database, schema */
    {"0A", STATUS_FAILED_PRECONDITION},  /* not supported: row level security and COPY */
    {"55", STATUS_FAILED_PRECONDITION},  /* an object is not in the state for it */
};

/* Copies the first line of text, cut to fit. */
static void copy_line(struct str text, char *ret, size_t size)
{
    struct str line = str_cut(&text, '\n');
    size_t n = utf8_fit(line, size - 1);

    if (n > 0)
        memcpy(ret, line.data, n);
    ret[n] = '\0';
}

static void copy_field(const PGresult *result, int field, char *ret, size_t size)
{
    copy_line(str_from(PQresultErrorField(result, field)), ret, size);
}

/*
 * The context goes from the inside out: what a type's own function says of its text stands
 * before the COPY.
 */
static void copy_context(const PGresult *result, struct pg_error *ret)
{
    struct str rest = str_from(PQresultErrorField(result, PG_DIAG_CONTEXT));

    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        if (str_has_prefix(line, "COPY "))
            copy_line(line, ret->copy_context, sizeof(ret->copy_context));
    }
}

void pg_error_read(const PGresult *result, struct pg_error *ret)
{
    *ret = (struct pg_error){0};
    copy_field(result, PG_DIAG_SQLSTATE, ret->sqlstate, sizeof(ret->sqlstate));
    copy_field(result, PG_DIAG_MESSAGE_PRIMARY, ret->message, sizeof(ret->message));
    copy_field(result, PG_DIAG_TABLE_NAME, ret->table, sizeof(ret->table));
    copy_field(result, PG_DIAG_COLUMN_NAME, ret->column, sizeof(ret->column));
    copy_field(result, PG_DIAG_CONSTRAINT_NAME, ret->constraint, sizeof(ret->constraint));
    copy_field(result, PG_DIAG_MESSAGE_DETAIL, ret->detail, sizeof(ret->detail));
    copy_context(result, ret);
    if (ret->message[0] == '\0')
        copy_line(str_from(PQresultErrorMessage(result)), ret->message, sizeof(ret->message));
}

/* The place of "XXXXX: " in line, right behind ":  ", or line.len. */
static size_t find_sqlstate(struct str line)
{
    for (size_t i = 3; i + 7 <= line.len; i++) {
        bool is_led = memcmp(line.data + i - 3, ":  ", 3) == 0;
        bool is_followed = line.data[i + 5] == ':' && line.data[i + 6] == ' ';

        if (is_led && is_followed &&
            strspn(line.data + i, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == 5)
            return i;
    }
    return line.len;
}

void pg_error_read_connection(const char *text, struct pg_error *ret)
{
    struct str rest = str_from(text);

    *ret = (struct pg_error){0};
    copy_line(rest, ret->message, sizeof(ret->message));
    while (rest.len > 0) {
        struct str line = str_cut(&rest, '\n');
        size_t at = find_sqlstate(line);

        if (at == line.len)
            continue;
        /* The last host that was tried has the last word. */
        memcpy(ret->sqlstate, line.data + at, PG_SQLSTATE_BYTES - 1);
        copy_line(str_skip(line, at + 7), ret->message, sizeof(ret->message));
    }
}

bool pg_error_is(const struct pg_error *error, const char *prefix)
{
    return error->sqlstate[0] != '\0' && strncmp(error->sqlstate, prefix, strlen(prefix)) == 0;
}

enum status_code pg_error_get_code(const struct pg_error *error)
{
    if (error->sqlstate[0] == '\0')
        return STATUS_UNAVAILABLE;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (pg_error_is(error, codes[i].prefix))
            return codes[i].code;
    }
    return STATUS_INTERNAL;
}

struct status pg_error_get_status(const struct pg_error *error)
{
    return status_error(pg_error_get_code(error), "PostgreSQL: %s", error->message);
}

bool pg_error_is_passing(const struct pg_error *error)
{
    return pg_error_is(error, "40") || pg_error_is(error, "55P03");
}

void pg_error_read_copy_place(const struct pg_error *error, const char *table,
                              struct pg_copy_place *ret)
{
    char lead[PG_NAME_BYTES + 8];

    *ret = (struct pg_copy_place){0};
    /*
     * "COPY orders, line 3, column qty"; the server may say "line" and "column" in another
     * language.
     */
    (void)snprintf(lead, sizeof(lead), "COPY %s, ", table);
    if (!str_has_prefix(str_from(error->copy_context), lead))
        return;
    struct str rest = str_from(error->copy_context + strlen(lead));
    struct str place = str_cut(&rest, ',');
    (void)str_cut(&place, ' ');
    if (number_read("line", place, 1, INT64_MAX, &ret->line).code != STATUS_OK)
        return;
    (void)str_cut(&rest, ' '); /* the space behind the comma */
    (void)str_cut(&rest, ' '); /* the word "column" */
    copy_line(rest, ret->column, sizeof(ret->column));
}
