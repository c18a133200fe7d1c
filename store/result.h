/*
 * store/result.h - the rows of a batch, told apart by the queries that they answer.
 *
 * Outside of store/ a const struct pg_result * is a handle for the rows of one query: a struct rows. libpq happens to
 * use the same tag for the rows of a whole result, PGresult, which is what "whole" is here.
 */
#ifndef STORE_RESULT_H
#define STORE_RESULT_H

#include <stddef.h>

#include "base/status.h"

struct pg_result;
struct row_plan;

/* Rows of a result, all of the same batch. */
struct rows {
    const struct pg_result *whole; /* libpq's PGresult */
    const int *numbers;            /* [0 .. count): which rows of whole */
    size_t count;
    struct row_plan **plans; /* the statement's, for row.c */
};

/* The rows of each query of a batch. */
struct result {
    const struct pg_result *whole;
    size_t nqueries;
    size_t *starts; /* [0 .. nqueries]: where a query's rows begin in numbers */
    int *numbers;
    struct row_plan **plans;
    struct rows view; /* what result_get returned last */
};

/*
 * Sorts rows by their first column, "ord", which is from 1 to nqueries; those of one query keep their order. whole has
 * binary columns and must outlive *ret, as must plans: a list, empty at first, for all results of the same statement.
 * INTERNAL: the first column is another, or out of range; *ret needs no deinit.
 */
struct status result_init(struct result *ret, const struct pg_result *whole, size_t nqueries,
                          struct row_plan **plans) MUST_CHECK;

/* The handle for the rows of query i (from 0). Borrowed until the next call. */
const struct pg_result *result_get(struct result *result, size_t i);

void result_deinit(struct result *result);

/* Frees a list of plans that row.c made. */
void row_plans_destroy(struct row_plan *plans);

#endif
