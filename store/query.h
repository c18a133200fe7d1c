/*
 * store/query.h - statements, and what waits for their rows.
 *
 * A statement is written for many rows at once: its parameters arrive as arrays, one element a query, and
 *
 *     WITH q AS (SELECT * FROM unnest($1::text[], $2::int8[]) WITH ORDINALITY AS q(id, size, ord))
 *
 * is how it takes them. Its first result column is "ord": the number of the query, from 1, that the row answers. So
 * queries of one statement that wait together are one round trip and one commit, at no added delay. A failure of the
 * whole is sorted out by trying its queries alone.
 */
#ifndef STORE_QUERY_H
#define STORE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"
#include "base/status.h"
#include "base/str.h"

struct arena;
struct pg_result;
struct query;
struct store;

enum { QUERY_MAX_PARAMS = 20 };

enum statement_lane {
    LANE_READ,
    LANE_WRITE,
    LANE_NLANES,
};

enum param_type {
    PARAM_TEXT,
    PARAM_INT8,
    PARAM_FLOAT8,
    PARAM_BOOL,
    PARAM_BYTES,
};

struct statement {
    const char *name;
    enum statement_lane lane;
    unsigned nparams;
    enum param_type types[QUERY_MAX_PARAMS];
    const char *sql;
    unsigned max_batch; /* queries in one execution, where rows are large; 0: as the store's */
    bool is_keyed;      /* two queries with the same first parameter never go together */
};

/* A parameter; which field counts is the statement's types[]. */
struct param {
    bool is_null;
    struct str text; /* PARAM_TEXT: UTF-8 without NUL; PARAM_BYTES: any. Borrowed until on_done */
    int64_t number;  /* PARAM_INT8, PARAM_BOOL */
    double real;     /* PARAM_FLOAT8 */
};

static inline struct param param_text(const char *text)
{
    return (struct param){.text = str_from(text)};
}
static inline struct param param_str(struct str text)
{
    return (struct param){.text = text};
}
static inline struct param param_int(int64_t number)
{
    return (struct param){.number = number};
}
static inline struct param param_real(double real)
{
    return (struct param){.real = real};
}
static inline struct param param_null(void)
{
    return (struct param){.is_null = true};
}

/* One execution of a statement, embedded in what waits for it. */
struct query {
    const struct statement *statement;
    struct param params[QUERY_MAX_PARAMS];
    /* From submit; a query that is not sent by then ends as DEADLINE_EXCEEDED. 0: it has passed. */
    unsigned timeout_ms;
    /*
     * Runs once, on a store thread, and must not block. rows is NULL unless st is OK; it and all that is read from it
     * is borrowed until on_done returns. A write whose outcome is not known (the connection broke after it was
     * sent) ends as UNKNOWN; one that was not sent as UNAVAILABLE.
     */
    void (*on_done)(struct query *query, struct status st, const struct pg_result *rows);

    struct list link; /* the rest is the store's */
    int64_t deadline_ms;
    bool is_solo;     /* goes alone: a batch with it failed */
    unsigned ntries;  /* how often it was sent for nothing */
    int64_t again_ms; /* it pauses until then; 0: it does not */
};

#endif
