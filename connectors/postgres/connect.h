/*
 * connectors/postgres/connect.h - makes a connection, in a way that can be stopped.
 */
#ifndef CONNECTORS_POSTGRES_CONNECT_H
#define CONNECTORS_POSTGRES_CONNECT_H

#include "base/status.h"

struct pg_conn;
struct pg_link_options;

/*
 * Connects within 10 s; *ret is in libpq's non-blocking mode and owned by the caller
 * (PQfinish). INVALID_ARGUMENT: the url is no connection string; UNAVAILABLE;
 * PERMISSION_DENIED; FAILED_PRECONDITION; CANCELLED.
 */
struct status pg_connect(const struct pg_link_options *options, struct pg_conn **ret) MUST_CHECK;

#endif
