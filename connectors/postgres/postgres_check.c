#include "connectors/postgres/postgres_check.h"

#include <stdio.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/mem.h"
#include "connectors/check.h"
#include "connectors/network/network_check.h"
#include "connectors/postgres/link.h"
#include "spec/data_source_endpoints.h"
#include "spec/data_source_spec.h"

enum { TEXT_BYTES = 200 };

/* What an import needs to keep its account of what is written; see docs/postgresql.md. */
static const char ask[] =
    "SELECT current_setting('server_version'), current_user, current_database(),"
    "       CASE WHEN to_regnamespace('sluice_import') IS NULL"
    "            THEN has_database_privilege(current_database(), 'CREATE')"
    "            ELSE has_schema_privilege('sluice_import', 'CREATE') END";

/* Whether one of the hosts can be reached; libpq tries them in turn. */
static bool try_hosts(const struct check_options *options,
                      const struct data_source_endpoints *endpoints)
{
    bool is_reached = endpoints->count == 0; /* libpq knows */

    for (size_t i = 0; i < endpoints->count && (i == 0 || !stop_is_requested(options->stop)); i++)
        if (endpoints->items[i].host[0] == '/' || /* the folder of a socket */
            network_check_endpoint(options, &endpoints->items[i], ""))
            is_reached = true;
    return is_reached;
}

static void try_create(const struct check_options *options, const PGresult *row)
{
    const char *user = PQgetvalue(row, 0, 1), *database = PQgetvalue(row, 0, 2);
    struct status st = status_ok();

    options->log->begin(options->log, "create", database);
    if (strcmp(PQgetvalue(row, 0, 3), "t") != 0)
        st = status_error(STATUS_PERMISSION_DENIED,
                          "role '%s' may not make the schema sluice_import, or tables in it; grant "
                          "it CREATE on database '%s', or make that schema and give it to the role",
                          user, database);
    (void)check_end_step(options->log, st,
                         "may make the tables that imports keep their account in");
}

static void try_log_in(const struct check_options *options, const char *url, const char *password)
{
    const struct pg_query query = {.sql = ask};
    struct pg_link *link = NULL;
    PGresult *row = NULL;
    char found[TEXT_BYTES] = "";

    options->log->begin(options->log, "log in", "");
    struct status st = pg_link_open(&(struct pg_link_options){.url = url,
                                                              .password = password,
                                                              .application_name = "sluice check",
                                                              .stop = options->stop},
                                    &link);
    if (st.code == STATUS_OK)
        st = pg_link_query(link, &query, &row);
    if (st.code == STATUS_OK)
        (void)snprintf(found, sizeof(found), "as role '%s' to database '%s', PostgreSQL %s",
                       PQgetvalue(row, 0, 1), PQgetvalue(row, 0, 2), PQgetvalue(row, 0, 0));
    if (check_end_step(options->log, st, found))
        try_create(options, row);
    PQclear(row);
    pg_link_close(link);
}

void postgres_check_run(const struct check_options *options)
{
    struct data_source_endpoints endpoints = {0};
    char *url = NULL, *password = NULL;
    struct status st =
        data_source_endpoints_read(options->type, options->parameters_json, &endpoints);

    if (st.code == STATUS_OK)
        st = data_source_read_parameter(options->parameters_json, "url", &url);
    if (st.code == STATUS_OK)
        st = data_source_read_parameter(options->parameters_json, "password", &password);
    if (st.code == STATUS_OK && !url)
        st = status_error(STATUS_INVALID_ARGUMENT, "the data source has no url");
    if (st.code != STATUS_OK) {
        options->log->begin(options->log, "read parameters", "");
        (void)check_end_step(options->log, st, "");
    } else if (try_hosts(options, &endpoints)) {
        try_log_in(options, url, password);
    }
    mem_free(url);
    mem_free(password);
    data_source_endpoints_deinit(&endpoints);
}
