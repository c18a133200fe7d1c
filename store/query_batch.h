/*
 * store/query_batch.h - queries of one statement that are sent together.
 */
#ifndef STORE_QUERY_BATCH_H
#define STORE_QUERY_BATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/status.h"
#include "store/query.h"

struct pg_result;
struct row_plan;

struct query_batch {
    struct list link; /* in sent or done of its connection */
    const struct statement *statement;
    struct list queries;
    uint32_t nqueries;
    int64_t sent_us;         /* for the metrics */
    bool is_lost;            /* done without a sync: what became of it is not known */
    struct status st;        /* the first failure */
    struct pg_result *whole; /* libpq's PGresult, once there is one */
};

/*
 * Takes the first query of a list that does not pause, and at most max in all that may go with it: of the same
 * statement, not to go alone, with other keys, of 4 MiB of texts at most. Owned by the caller. NULL: there is none.
 */
struct query_batch *query_batch_take(struct list *waiting, unsigned max, int64_t now_ms) MUST_CHECK;

/* Its queries are gone or are in no list that matters. */
void query_batch_destroy(struct query_batch *batch);

/*
 * Gives each query its rows. plans are the statement's, for store/result.h. INTERNAL: the rows are not as store/query.h
 * says; no query was answered.
 */
struct status query_batch_answer(struct query_batch *batch, struct row_plan **plans) MUST_CHECK;

#endif
