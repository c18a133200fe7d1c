#include "store/sqlstate.h"

#include <string.h>

#include <libpq-fe.h>

/*
 * The first row whose text the SQLSTATE begins with (PostgreSQL's manual, appendix A). 57014 is a
 * statement that was cancelled: by its timeout, for nothing in Sluice cancels.
 */
static const struct {
    const char *prefix;
    enum status_code code;
} codes[] = {
    {"22", STATUS_INVALID_ARGUMENT},
    {"23505", STATUS_ALREADY_EXISTS},
    {"23503", STATUS_FAILED_PRECONDITION},
    {"23514", STATUS_FAILED_PRECONDITION},
    {"40001", STATUS_ABORTED},
    {"40P01", STATUS_ABORTED},
    {"55P03", STATUS_ABORTED},
    {"53", STATUS_RESOURCE_EXHAUSTED},
    {"57014", STATUS_DEADLINE_EXCEEDED},
    {"08", STATUS_UNAVAILABLE},
    {"25006", STATUS_UNAVAILABLE}, /* made read only, by an operator or for want of room */
    {"57P0", STATUS_UNAVAILABLE},
};

enum status_code sqlstate_get_code(const char *sqlstate)
{
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (strncmp(sqlstate, codes[i].prefix, strlen(codes[i].prefix)) == 0)
            return codes[i].code;
    }
    return STATUS_INTERNAL;
}

struct status sqlstate_get_status(const struct pg_result *failed)
{
    const char *sqlstate = PQresultErrorField(failed, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(failed, PG_DIAG_MESSAGE_PRIMARY);

    if (sqlstate && message)
        return status_error(sqlstate_get_code(sqlstate), "%s", message);

    /* libpq itself speaks: the connection is gone. */
    struct str text = str_from(PQresultErrorMessage(failed));
    struct str line = str_trim(str_cut(&text, '\n'));
    return status_error(STATUS_UNAVAILABLE, "%.*s", (int)line.len, line.data);
}
