/*
 * connectors/postgres/destination.c - postgres_destination: imports into tables of
 * PostgreSQL.
 *
 * The namespace is a schema, the table a table of it. In HBase form a table is the key
 * "ROW" and a column "family:qualifier" for each other; what HBase has beyond that has no
 * place here: cells have no timestamp, and compression is the server's own affair. A null
 * in a row replaces what was there.
 */
#include "connectors/writer.h"

#include <string.h>

#include <libpq-fe.h>

#include "base/mem.h"
#include "connectors/postgres/ledger.h"
#include "connectors/postgres/link.h"
#include "connectors/postgres/table.h"
#include "connectors/postgres/writer.h"
#include "spec/data_source_spec.h"

struct destination {
    const struct import_spec *spec; /* borrowed until close, as the interface says */
    const struct stop *stop;        /* the same */
    struct metric *bytes_written;   /* or NULL */
    char *task_id;
    char *url;
    char *password; /* NULL: only what url has */
    struct pg_lease lease;
    struct pg_link *link;   /* NULL: not connected */
    struct pg_table *table; /* NULL: not known yet */
    bool is_empty;          /* the table was, at begin */
    struct unit *units;
};

static void close_destination(struct destination *destination)
{
    if (!destination)
        return;
    pg_link_close(destination->link);
    pg_table_close(destination->table);
    mem_free(destination->task_id);
    mem_free(destination->url);
    mem_free(destination->password);
    mem_free(destination->units);
    mem_free(destination);
}

static struct status read_parameters(struct destination *destination, const char *json)
{
    struct status st = data_source_read_parameter(json, "url", &destination->url);

    if (st.code == STATUS_OK)
        st = data_source_read_parameter(json, "password", &destination->password);
    if (st.code == STATUS_OK && !destination->url)
        st = status_error(STATUS_INVALID_ARGUMENT, "the data source has no url");
    return st;
}

static struct status open_destination(const struct destination_options *options,
                                      struct destination **ret)
{
    struct destination *destination = mem_alloc(sizeof(*destination));

    destination->spec = options->spec;
    destination->stop = options->stop;
    destination->bytes_written = options->bytes_written;
    destination->task_id = mem_copy_str(str_from(options->task_id));
    struct status st = read_parameters(destination, options->parameters_json);
    if (st.code == STATUS_OK)
        st = pg_lease_init(&destination->lease, destination->task_id, options->lease_token,
                           options->first_token);
    if (st.code != STATUS_OK) {
        close_destination(destination);
        return st;
    }
    *ret = destination;
    return st;
}

static struct pg_link_options get_session_options(const struct destination *destination)
{
    return (struct pg_link_options){
        .url = destination->url,
        .password = destination->password,
        .application_name = destination->lease.session_name,
        .stop = destination->stop,
    };
}

static struct status ensure_connected(struct destination *destination)
{
    struct pg_link_options options = get_session_options(destination);

    if (destination->link && pg_link_is_lost(destination->link)) {
        pg_link_close(destination->link);
        destination->link = NULL;
    }
    return destination->link ? status_ok() : pg_link_open(&options, &destination->link);
}

static struct status ensure_table(struct destination *destination)
{
    struct status st = status_ok();

    if (destination->table)
        return st;
    st = ensure_connected(destination);
    if (st.code == STATUS_OK)
        st = pg_table_open(destination->link, destination->spec, &destination->table);
    return st;
}

/*
 * A session that the worker of a newer lease has ended learns only that it is gone; another one learns why. st: what failed.
 */
static struct status ask_fence(struct destination *destination, struct status st)
{
    if (st.code != STATUS_UNAVAILABLE)
        return st;
    struct status fence = ensure_connected(destination);
    if (fence.code == STATUS_OK)
        fence = pg_ledger_check_fence(destination->link, &destination->lease);
    return fence.code == STATUS_ABORTED ? fence : st;
}

static struct status make_table(struct destination *destination, struct row_sampler *sampler,
                                bool *ret_made)
{
    (void)sampler;
    struct status st = ensure_connected(destination);

    if (st.code != STATUS_OK)
        return st;
    st = ensure_table(destination);
    /* Whatever is missing, and nothing but that, can be made; in SQL form nothing can. */
    if (st.code == STATUS_FAILED_PRECONDITION && !destination->spec->is_sql)
        return pg_table_make(destination->link, destination->spec, ret_made, &destination->table);
    if (st.code == STATUS_OK)
        *ret_made = false;
    return st;
}

static struct status get_columns(struct destination *destination,
                                 const struct target_column **ret_columns)
{
    struct status st = ask_fence(destination, ensure_table(destination));

    if (st.code == STATUS_OK)
        *ret_columns = destination->table->targets;
    return st;
}

static struct status find_whether_empty(struct destination *destination)
{
    struct buf sql = {0};
    size_t nrows = 0;

    buf_printf(&sql, "SELECT FROM %s LIMIT 1", destination->table->quoted);
    struct pg_query query = {.sql = buf_get_text(&sql)};
    struct status st = pg_link_count(destination->link, &query, &nrows);
    destination->is_empty = nrows == 0;
    buf_deinit(&sql);
    return st;
}

static bool wants_different_keys(const struct destination *destination)
{
    return destination->spec->duplicates == IMPORT_DUPLICATES_ERROR;
}

/*
 * Units of this run that the caller knows nothing of: it has forgotten what it knew, as a database does that was
 * restored from a backup. Without a key their rows would be added twice.
 */
static struct status refuse_forgotten_units(size_t nunits)
{
    return status_error(STATUS_FAILED_PRECONDITION,
                        "the table has rows of %zu splits that the task has forgotten, and no "
                        "key: retry it from the start to add all rows once more, or delete it",
                        nunits);
}

static struct status read_units(struct destination *destination, const struct unit **ret_units,
                                size_t *ret_nunits)
{
    mem_free(destination->units);
    destination->units = NULL;
    struct status st = pg_ledger_read_units(destination->link, &destination->lease,
                                            &destination->units, ret_nunits);
    *ret_units = destination->units;
    return st;
}

/* After what takes one session: hours may pass until the next. Gives why it failed, if it did. */
static struct status end_session(struct destination *destination, struct status st)
{
    st = ask_fence(destination, st);
    pg_link_close(destination->link);
    destination->link = NULL;
    return st;
}

static struct status begin(struct destination *destination, bool drops_units,
                           const struct unit **ret_units, size_t *ret_nunits)
{
    const struct pg_lease *lease = &destination->lease;
    struct status st = ensure_table(destination);

    if (st.code == STATUS_OK)
        st = ensure_connected(destination);
    if (st.code == STATUS_OK)
        st = pg_ledger_make(destination->link);
    if (st.code == STATUS_OK)
        st = pg_ledger_take_fence(destination->link, lease, destination->table, drops_units);
    if (st.code == STATUS_OK && wants_different_keys(destination))
        st = pg_ledger_make_list(destination->link, lease, destination->table, drops_units);
    if (st.code == STATUS_OK)
        pg_ledger_prune(destination->link);
    if (st.code == STATUS_OK && destination->table->nkeys > 0)
        st = find_whether_empty(destination);
    if (st.code == STATUS_OK)
        st = read_units(destination, ret_units, ret_nunits);
    if (st.code == STATUS_OK && drops_units && *ret_nunits > 0)
        st = refuse_forgotten_units(*ret_nunits);
    return end_session(destination, st);
}

static struct status settle(struct destination *destination, const struct unit **ret_units,
                            size_t *ret_nunits)
{
    struct status st = ensure_connected(destination);

    if (st.code == STATUS_OK)
        st = pg_ledger_settle(destination->link, &destination->lease);
    if (st.code == STATUS_OK)
        st = read_units(destination, ret_units, ret_nunits);
    return end_session(destination, st);
}

/* Where rows have no key, units outlive their task: if it is taken up again, by mistake, nothing is added twice. */
static void forget(struct destination *destination)
{
    struct status st = ensure_table(destination);

    if (st.code == STATUS_OK && destination->table->nkeys == 0)
        return;
    if (st.code == STATUS_OK)
        st = ensure_connected(destination);
    if (st.code == STATUS_OK)
        st = pg_ledger_forget(destination->link, destination->task_id);
    (void)st; /* what stays is pruned by a later import */
}

static struct status open_writer(struct destination *destination, struct writer **ret)
{
    struct pg_writer_options options = {
        .link = get_session_options(destination),
        .lease = &destination->lease,
        .table = destination->table,
        .wants_different_keys = wants_different_keys(destination),
        .is_empty = destination->is_empty,
        .bytes_written = destination->bytes_written,
    };

    return pg_writer_open(&options, ret);
}

const struct destination_type postgres_destination = {
    .name = "postgres",
    .keeps_units = true,
    .open = open_destination,
    .close = close_destination,
    .make_table = make_table,
    .get_columns = get_columns,
    .begin = begin,
    .settle = settle,
    .forget = forget,
    .open_writer = open_writer,
    .close_writer = pg_writer_close,
    .write = pg_writer_write,
    .commit = pg_writer_commit,
    .rollback = pg_writer_rollback,
};
