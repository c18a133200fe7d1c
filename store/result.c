#include "store/result.h"

#include <endian.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/mem.h"
#include "store/array.h"

/* The query (from 0) that a row answers, or nqueries if it names none. */
static size_t get_query(const PGresult *whole, int row, size_t nqueries)
{
    uint64_t ord;

    if (PQgetisnull(whole, row, 0))
        return nqueries;
    memcpy(&ord, PQgetvalue(whole, row, 0), sizeof(ord));
    ord = be64toh(ord);
    return ord >= 1 && ord <= nqueries ? (size_t)(ord - 1) : nqueries;
}

/* Counts the rows of query i in starts[i + 1], then sums up. */
static bool count_rows(struct result *result, int nrows)
{
    for (int row = 0; row < nrows; row++) {
        size_t i = get_query(result->whole, row, result->nqueries);
        if (i == result->nqueries)
            return false;
        result->starts[i + 1]++;
    }
    for (size_t i = 0; i < result->nqueries; i++)
        result->starts[i + 1] += result->starts[i];
    return true;
}

/* A counting sort; starts[i] moves to the end of query i's rows and is put back by the last loop. */
static void sort_rows(struct result *result, int nrows)
{
    for (int row = 0; row < nrows; row++)
        result->numbers[result->starts[get_query(result->whole, row, result->nqueries)]++] = row;
    for (size_t i = result->nqueries; i > 0; i--)
        result->starts[i] = result->starts[i - 1];
    result->starts[0] = 0;
}

struct status result_init(struct result *ret, const struct pg_result *whole, size_t nqueries,
                          struct row_plan **plans)
{
    int nrows = PQntuples(whole);

    if (PQnfields(whole) < 1 || strcmp(PQfname(whole, 0), "ord") != 0 ||
        PQftype(whole, 0) != PG_TYPE_INT8)
        return status_error(STATUS_INTERNAL, "the first column of a result is not 'ord'");

    struct result result = {
        .whole = whole,
        .nqueries = nqueries,
        .starts = mem_alloc_array(nqueries + 1, sizeof(*result.starts)),
        .numbers = mem_alloc_array((size_t)nrows + 1, sizeof(*result.numbers)),
        .plans = plans,
    };
    if (!count_rows(&result, nrows)) {
        result_deinit(&result);
        return status_error(STATUS_INTERNAL, "a row of a result answers no query");
    }
    sort_rows(&result, nrows);
    *ret = result;
    return status_ok();
}

const struct pg_result *result_get(struct result *result, size_t i)
{
    result->view = (struct rows){
        .whole = result->whole,
        .numbers = result->numbers + result->starts[i],
        .count = result->starts[i + 1] - result->starts[i],
        .plans = result->plans,
    };
    return (const struct pg_result *)(const void *)&result->view;
}

void result_deinit(struct result *result)
{
    mem_free(result->starts);
    mem_free(result->numbers);
}
