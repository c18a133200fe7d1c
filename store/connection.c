/*
 * The life of a connection: DOWN, CONNECTING, PREPARING, UP, and from each of the last three back
 * to DOWN. It is made again at once, then after 0.1 s, 0.2 s and so on up to 1 s; what counts is
 * how often in a row it could not be made, not how often it was lost.
 *
 * Each batch is one statement and one sync, hence a transaction of its own. Its outcome is known
 * when the sync has come back, not before: the rows arrive ahead of the COMMIT, and an error of the
 * COMMIT itself arrives after the rows, as a result that belongs to no statement.
 */
#include "store/connection.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>

#include <libpq-fe.h>

#include "base/compiler.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/array.h"
#include "store/lane_metrics.h"
#include "store/query_batch.h"
#include "store/sqlstate.h"

enum {
    CONNECT_TIMEOUT_MS = 10000,
    ANSWER_GRACE_MS = 5000, /* beyond the server's own limit on a statement */
    FIRST_BACKOFF_MS = 100,
    MAX_BACKOFF_MS = 1000, /* a server that is back is used within that time */
    STEADY_MS = 100,       /* who was up for so long is made again at once */
    MAX_EMPTY_RESULTS = 3, /* in a row; libpq gives one between two statements */
};

static void ignore_notice(void *arg, const PGresult *result)
{
    (void)arg;
    (void)result;
}

/* Watches the socket that libpq uses now, which it may replace while it connects. */
static void watch(struct connection *connection, uint32_t events)
{
    int fd = PQsocket(connection->pg);

    if (fd == connection->fd && events == connection->events &&
        connection->state >= CONNECTION_PREPARING)
        return;

    int epoll_fd = connection->settings->epoll_fd;
    struct epoll_event event = {.events = events, .data.ptr = connection};

    /* The old one may be closed, and its number may be the new one's. */
    if (connection->fd >= 0)
        (void)epoll_ctl(epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    if (fd >= 0)
        (void)epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event);
    connection->fd = fd;
    connection->events = events;
}

static void log_lost(const struct connection *connection)
{
    const char *lane = connection->settings->lane_name;

    if (connection->state == CONNECTION_UP)
        log_warn("database connection lost", log_str("lane", lane),
                 log_int("queries_sent", (int64_t)connection->nsent), log_code(connection->st),
                 log_str("error", connection->st.text));
    else if (connection->nfailures == 0)
        log_warn("database connection failed", log_str("lane", lane), log_code(connection->st),
                 log_str("error", connection->st.text));
}

/* Keeps why: the server's last words, or libpq's first line, which names hosts and users, but no secrets. */
static void note_error(struct connection *connection)
{
    struct str text = str_from(connection->pg ? PQerrorMessage(connection->pg) : "");
    struct str line = str_trim(str_cut(&text, '\n'));

    if (connection->st.code != STATUS_OK)
        return;
    connection->st = status_error(STATUS_UNAVAILABLE, "%.*s", (int)line.len, line.data);
    if (!list_is_empty(&connection->sent)) {
        struct status st = container_of(connection->sent.next, struct query_batch, link)->st;
        if (st.code == STATUS_UNAVAILABLE)
            connection->st = st;
    }
}

static void close_connection(struct connection *connection)
{
    struct list *link;

    if (connection->fd >= 0)
        (void)epoll_ctl(connection->settings->epoll_fd, EPOLL_CTL_DEL, connection->fd, NULL);
    PQfinish(connection->pg);
    connection->pg = NULL;
    connection->fd = -1;
    connection->state = CONNECTION_DOWN;
    connection->nsent = 0;
    while ((link = list_take_first(&connection->sent))) {
        container_of(link, struct query_batch, link)->is_lost = true;
        list_add_last(&connection->done, link);
    }
}

static void lose(struct connection *connection, int64_t now_ms)
{
    note_error(connection);
    log_lost(connection);
    metric_add(connection->settings->counts->lost, 1);
    if (connection->state == CONNECTION_UP) {
        bool was_steady = now_ms - connection->up_ms >= STEADY_MS;
        connection->retry_ms = now_ms + (was_steady ? 0 : FIRST_BACKOFF_MS);
        connection->backoff_ms = FIRST_BACKOFF_MS;
    } else {
        connection->retry_ms = now_ms + connection->backoff_ms;
        connection->backoff_ms *= 2;
        if (connection->backoff_ms > MAX_BACKOFF_MS)
            connection->backoff_ms = MAX_BACKOFF_MS;
    }
    connection->nfailures = connection->state == CONNECTION_UP ? 0 : connection->nfailures + 1;
    close_connection(connection);
}

/* Sends what libpq holds; watches the socket for room if there is more. */
static bool flush(struct connection *connection)
{
    int rc = PQflush(connection->pg);

    if (rc < 0)
        return false;
    watch(connection, rc > 0 ? EPOLLIN | EPOLLOUT : EPOLLIN);
    return true;
}

/*
 * A session that writes follows the server in that: an operator may make it read only, which is not ours to undo.
 * Statements are planned once for parameters of any size, and reach their rows by indexes even if
 * the tables were empty then.
 */
const char connection_settings_sql[] =
    "SELECT set_config('TimeZone', 'UTC', false), set_config('DateStyle', 'ISO', false),"
    "       set_config('default_transaction_isolation', 'read committed', false),"
    "       CASE WHEN $2::bool THEN set_config('default_transaction_read_only', 'on', false) END,"
    "       set_config('statement_timeout', $1::text, false),"
    "       set_config('idle_in_transaction_session_timeout', $1::text, false),"
    "       set_config('plan_cache_mode', 'force_generic_plan', false),"
    "       set_config('enable_seqscan', 'off', false),"
    "       set_config('enable_mergejoin', 'off', false), set_config('jit', 'off', false)";

static bool send_settings(struct connection *connection)
{
    const struct connection_settings *settings = connection->settings;
    char timeout[16]; /* ten digits at most */
    const char *values[] = {timeout, settings->lane == LANE_READ ? "on" : "off"};

    (void)snprintf(timeout, sizeof(timeout), "%u", settings->statement_timeout_ms);
    return PQsendQueryParams(connection->pg, connection_settings_sql, ARRAY_LEN(values), NULL,
                             values, NULL, NULL, 1) == 1;
}

static bool send_prepare(struct connection *connection, const struct statement *statement)
{
    Oid types[QUERY_MAX_PARAMS];

    assert(statement->nparams <= QUERY_MAX_PARAMS);
    for (unsigned i = 0; i < statement->nparams; i++)
        types[i] = array_get_type(statement->types[i]);
    return PQsendPrepare(connection->pg, statement->name, statement->sql, (int)statement->nparams,
                         types) == 1;
}

static bool start_preparing(struct connection *connection, int64_t now_ms)
{
    const struct connection_settings *settings = connection->settings;

    if (PQsetnonblocking(connection->pg, 1) != 0 || PQenterPipelineMode(connection->pg) != 1 ||
        !send_settings(connection))
        return false;
    for (const struct statement *const *s = settings->statements; *s; s++) {
        if ((*s)->lane == settings->lane && !send_prepare(connection, *s))
            return false;
    }
    if (PQpipelineSync(connection->pg) != 1)
        return false;
    connection->state = CONNECTION_PREPARING;
    connection->deadline_ms = now_ms + CONNECT_TIMEOUT_MS;
    return flush(connection);
}

static void go_on_connecting(struct connection *connection, int64_t now_ms)
{
    switch (PQconnectPoll(connection->pg)) {
    case PGRES_POLLING_READING:
        watch(connection, EPOLLIN);
        return;
    case PGRES_POLLING_WRITING:
        watch(connection, EPOLLOUT);
        return;
    case PGRES_POLLING_OK:
        if (!start_preparing(connection, now_ms))
            lose(connection, now_ms);
        return;
    default:
        lose(connection, now_ms);
        return;
    }
}

static void start_connecting(struct connection *connection, int64_t now_ms)
{
    /*
     * What stands before the URL are defaults, what stands behind it is not the user's to set. A standby takes no
     * writes and answers with what was; of several hosts the primary is meant.
     */
    static const char *const names[] = {"fallback_application_name",
                                        "keepalives_idle",
                                        "keepalives_interval",
                                        "keepalives_count",
                                        "tcp_user_timeout",
                                        "target_session_attrs",
                                        "dbname",
                                        "client_encoding",
                                        NULL};
    const char *const values[] = {
        "sluice", "10", "5", "3", "20000", "primary", connection->settings->database_url,
        "UTF8",   NULL};

    connection->st = status_ok();
    connection->state = CONNECTION_CONNECTING;
    connection->deadline_ms = now_ms + CONNECT_TIMEOUT_MS;
    connection->pg = PQconnectStartParams(names, values, 1);
    if (!connection->pg || PQstatus(connection->pg) == CONNECTION_BAD) {
        lose(connection, now_ms);
        return;
    }
    (void)PQsetNoticeReceiver(connection->pg, ignore_notice, NULL);
    watch(connection, EPOLLOUT); /* as libpq asks for before the first PQconnectPoll */
}

/* A result while settings and statements are sent: all must be well until the sync. */
static void take_prepared(struct connection *connection, const PGresult *result)
{
    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        if (connection->st.code != STATUS_OK)
            return;
        log_info("database connection made", log_str("lane", connection->settings->lane_name),
                 log_int("server_version", PQserverVersion(connection->pg)),
                 log_int("failures_before", connection->nfailures));
        metric_add(connection->settings->counts->made, 1);
        connection->state = CONNECTION_UP;
        connection->nfailures = 0;
        connection->deadline_ms = INT64_MAX;
        return;
    case PGRES_COMMAND_OK:
    case PGRES_TUPLES_OK:
        return;
    default:
        if (connection->st.code == STATUS_OK)
            connection->st = sqlstate_get_status(result);
        return;
    }
}

/* Callers are told to come back later; that the server has no room, or takes no writes, is for an operator to see. */
static void note_failure(const struct connection *connection, struct query_batch *batch,
                         const PGresult *result)
{
    batch->st = sqlstate_get_status(result);
    lane_metrics_note_error(connection->settings->counts, result);
    if (batch->st.code == STATUS_RESOURCE_EXHAUSTED)
        log_warn("database is out of resources", log_str("lane", connection->settings->lane_name),
                 log_str("statement", batch->statement->name), log_str("error", batch->st.text));
    if (batch->st.code == STATUS_UNAVAILABLE)
        log_warn("database refuses a statement", log_str("lane", connection->settings->lane_name),
                 log_str("statement", batch->statement->name), log_str("error", batch->st.text));
}

/* A result of the batch that was sent first. Returns whether the result is kept. */
static bool take_answer(struct connection *connection, PGresult *result)
{
    struct query_batch *batch = container_of(connection->sent.next, struct query_batch, link);

    switch (PQresultStatus(result)) {
    case PGRES_PIPELINE_SYNC:
        list_remove(&batch->link);
        list_add_last(&connection->done, &batch->link);
        connection->nsent--;
        return false;
    case PGRES_TUPLES_OK:
        PQclear(batch->whole);
        batch->whole = result;
        return true;
    default:
        if (batch->st.code == STATUS_OK)
            note_failure(connection, batch, result);
        return false;
    }
}

/* The oldest batch is answered in time, or the connection is given up. */
static void await_answer(struct connection *connection, int64_t now_ms)
{
    connection->deadline_ms =
        connection->nsent == 0
            ? INT64_MAX
            : now_ms + connection->settings->statement_timeout_ms + ANSWER_GRACE_MS;
}

static bool awaits_results(const struct connection *connection)
{
    if (connection->state == CONNECTION_PREPARING)
        return connection->st.code == STATUS_OK;
    return connection->state == CONNECTION_UP && connection->nsent > 0;
}

/* For tests: the server has committed a write, and its word is lost. */
static bool is_word_lost(const struct connection *connection, const PGresult *result)
{
    return connection->state == CONNECTION_UP && connection->settings->lane == LANE_WRITE &&
           PQresultStatus(result) == PGRES_PIPELINE_SYNC && FAILPOINT("store.after-commit");
}

/* Takes all results that have arrived. False: libpq and we do not agree on what is to come. */
static bool take_results(struct connection *connection)
{
    unsigned nempty = 0;

    while (awaits_results(connection) && !PQisBusy(connection->pg)) {
        PGresult *result = PQgetResult(connection->pg);
        bool is_kept = false;

        if (!result) {
            if (++nempty > MAX_EMPTY_RESULTS)
                return false;
            continue;
        }
        nempty = 0;
        if (is_word_lost(connection, result)) {
            PQclear(result);
            return false;
        }
        if (connection->state == CONNECTION_PREPARING)
            take_prepared(connection, result);
        else
            is_kept = take_answer(connection, result);
        if (!is_kept)
            PQclear(result);
    }
    return true;
}

void connection_init(struct connection *connection, const struct connection_settings *settings)
{
    *connection = (struct connection){
        .settings = settings,
        .fd = -1,
        .backoff_ms = FIRST_BACKOFF_MS,
        .deadline_ms = INT64_MAX,
    };
    list_init(&connection->sent);
    list_init(&connection->done);
}

void connection_deinit(struct connection *connection)
{
    close_connection(connection);
}

void connection_step(struct connection *connection, int64_t now_ms)
{
    if (connection->state == CONNECTION_DOWN)
        return;
    if (connection->state == CONNECTION_CONNECTING) {
        go_on_connecting(connection, now_ms);
        return;
    }

    /* What arrived before the end of the stream counts, so results are taken in any case. */
    size_t nsent = connection->nsent;
    bool was_up = connection->state == CONNECTION_UP;
    bool is_open = PQconsumeInput(connection->pg) == 1;
    bool is_sane = take_results(connection);
    if (!was_up)
        connection->up_ms = now_ms;
    if (connection->nsent != nsent)
        await_answer(connection, now_ms);
    if (!is_sane || !is_open || PQstatus(connection->pg) == CONNECTION_BAD ||
        (connection->state == CONNECTION_PREPARING && connection->st.code != STATUS_OK) ||
        !flush(connection))
        lose(connection, now_ms);
}

void connection_tick(struct connection *connection, int64_t now_ms)
{
    if (connection->state == CONNECTION_DOWN) {
        if (now_ms >= connection->retry_ms)
            start_connecting(connection, now_ms);
        return;
    }
    if (now_ms >= connection->deadline_ms)
        connection_give_up(connection, now_ms);
}

void connection_give_up(struct connection *connection, int64_t now_ms)
{
    if (connection->state == CONNECTION_DOWN)
        return;
    connection->st = status_error(STATUS_UNAVAILABLE, "the database does not answer");
    lose(connection, now_ms);
}

int64_t connection_get_due_ms(const struct connection *connection)
{
    return connection->state == CONNECTION_DOWN ? connection->retry_ms : connection->deadline_ms;
}

bool connection_send(struct connection *connection, struct query_batch *batch,
                     const struct buf *params, int64_t now_ms)
{
    const struct statement *statement = batch->statement;
    const char *values[QUERY_MAX_PARAMS];
    int lengths[QUERY_MAX_PARAMS];
    int formats[QUERY_MAX_PARAMS];
    bool is_write = statement->lane == LANE_WRITE;

    if (is_write && FAILPOINT("store.before-commit")) {
        lose(connection, now_ms);
        return false;
    }
    for (unsigned i = 0; i < statement->nparams; i++) {
        values[i] = params[i].data;
        lengths[i] = (int)params[i].len;
        formats[i] = 1;
    }
    /* Without its sync a statement is never committed. */
    if (PQsendQueryPrepared(connection->pg, statement->name, (int)statement->nparams, values,
                            lengths, formats, 1) != 1) {
        lose(connection, now_ms);
        return false;
    }
    list_add_last(&connection->sent, &batch->link);
    connection->nsent++;
    if (connection->nsent == 1)
        await_answer(connection, now_ms);
    if (PQpipelineSync(connection->pg) != 1 || !flush(connection) ||
        (is_write && FAILPOINT("store.commit-sent")))
        lose(connection, now_ms);
    return true;
}
