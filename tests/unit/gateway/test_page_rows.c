/*
 * tests/unit/gateway/test_page_rows.c - pages of rows that PostgreSQL has given.
 */
#include <libpq-fe.h>

#include "base/arena.h"
#include "gateway/page.h"
#include "sluice/v1/task.pb-c.h"
#include "store/result.h"
#include "store/row.h"
#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"

enum { ARENA_BYTES = 1 << 20 };

/* What a statement of the store would have got. */
struct answer {
    PGresult *whole;
    struct result result;
    struct row_plan *plans;
    const struct pg_result *rows;
    struct arena *arena;
};

static void ask(struct answer *answer, const char *sql)
{
    static const char *url;

    if (!url)
        url = postgres_server_make_database();
    PGconn *conn = PQconnectdb(url);
    *answer = (struct answer){.whole = PQexecParams(conn, sql, 0, NULL, NULL, NULL, NULL, 1),
                              .arena = arena_create(ARENA_BYTES)};
    PQfinish(conn);
    check_status(result_init(&answer->result, answer->whole, 1, &answer->plans), STATUS_OK);
    answer->rows = result_get(&answer->result, 0);
}

static struct status read_page(const struct answer *answer, unsigned max_items, struct page *ret)
{
    return page_read(answer->rows, &pb__task__descriptor, max_items, answer->arena, ret);
}

static void release(struct answer *answer)
{
    result_deinit(&answer->result);
    row_plans_destroy(answer->plans);
    PQclear(answer->whole);
    arena_destroy(answer->arena);
}

test(a_page_has_as_many_items_as_were_asked_for)
{
    struct answer answer;
    struct page page;

    ask(&answer, "SELECT 1::bigint AS ord, 'task ' || n AS id FROM generate_series(1, 3) n");
    check_status(read_page(&answer, 2, &page), STATUS_OK);
    check_int(page.nitems, 2);
    check(page.has_more);
    check_str(((const Pb__Task *)page.items[1])->id, "task 2");
    check(page_goes_on(&page, answer.rows));
    check_status(read_page(&answer, 3, &page), STATUS_OK);
    check_int(page.nitems, 3);
    check(!page.has_more);
    release(&answer);
}

test(a_page_ends_before_its_bytes_are_too_many)
{
    static const struct {
        const char *sql;
        size_t nitems;
    } cases[] = {
        {"SELECT 1::bigint AS ord, repeat('x', 1000 * 1000) AS id FROM generate_series(1, 3)", 2},
        {"SELECT 1::bigint AS ord, repeat('x', 1100 * 1000) AS id FROM generate_series(1, 3)", 1},
        {"SELECT 1::bigint AS ord, repeat('x', 3000 * 1000) AS id FROM generate_series(1, 3)", 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct answer answer;
        struct page page;

        ask(&answer, cases[i].sql);
        check_status(read_page(&answer, 10, &page), STATUS_OK);
        check_int(page.nitems, cases[i].nitems);
        check(page.has_more);
        release(&answer);
    }
}

test(a_page_goes_on_if_the_database_has_left_rows_out)
{
    static const char *const sql[] = {
        "SELECT 1::bigint AS ord, 'a' AS id, true AS \"note/is_last\"",
        "SELECT 1::bigint AS ord, 'a' AS id, false AS \"note/is_last\"",
        "SELECT 1::bigint AS ord, 'a' AS id, false AS \"note/is_last\" LIMIT 0",
    };

    for (size_t i = 0; i < ARRAY_LEN(sql); i++) {
        struct answer answer;
        struct page page;

        ask(&answer, sql[i]);
        check_status(read_page(&answer, 10, &page), STATUS_OK);
        check(!page.has_more);
        check_int(page_goes_on(&page, answer.rows), i == 1);
        release(&answer);
    }
}

test(a_row_that_does_not_fit_makes_no_page)
{
    struct answer answer;
    struct page page = {.nitems = 7};

    ask(&answer, "SELECT 1::bigint AS ord, 5 AS id");
    check_status(read_page(&answer, 10, &page), STATUS_INTERNAL);
    check_int(page.nitems, 7);
    release(&answer);
}
