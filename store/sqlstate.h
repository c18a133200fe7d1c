/*
 * store/sqlstate.h - what an error of PostgreSQL means to a caller.
 */
#ifndef STORE_SQLSTATE_H
#define STORE_SQLSTATE_H

#include <stdbool.h>

#include "base/status.h"

struct pg_result;

/* The status of a failed PGresult of libpq: the code by its SQLSTATE, the text is the server's primary message. */
struct status sqlstate_get_status(const struct pg_result *failed) MUST_CHECK;

/* The code for a SQLSTATE of five characters; INTERNAL for what is in no row of the table. */
enum status_code sqlstate_get_code(const char *sqlstate);

#endif
