#include "store/query_batch.h"

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "tests/harness/test.h"

static const struct statement plain = {.name = "plain", .nparams = 1, .types = {PARAM_TEXT}};
static const struct statement keyed = {
    .name = "keyed", .nparams = 1, .types = {PARAM_TEXT}, .is_keyed = true};
static const struct statement small = {
    .name = "small", .nparams = 1, .types = {PARAM_TEXT}, .max_batch = 2};

enum { MAX_QUERIES = 16, NOW_MS = 1000 };

/* Queries that wait; each is known by the one letter of its parameter. */
struct waiting {
    struct list list;
    struct query queries[MAX_QUERIES];
    unsigned n;
};

static void add(struct waiting *waiting, const struct statement *statement, const char *text)
{
    struct query *query = &waiting->queries[waiting->n++];

    if (waiting->n == 1)
        list_init(&waiting->list);
    *query = (struct query){.statement = statement, .params = {param_text(text)}};
    list_add_last(&waiting->list, &query->link);
}

/* Takes batches until nothing waits; "ab c" are two batches. */
static void take_all(struct waiting *waiting, unsigned max, char *ret)
{
    while (!list_is_empty(&waiting->list)) {
        struct query_batch *batch = query_batch_take(&waiting->list, max, NOW_MS);
        struct list *link;

        while ((link = list_take_first(&batch->queries)))
            *ret++ = container_of(link, struct query, link)->params[0].text.data[0];
        *ret++ = list_is_empty(&waiting->list) ? '\0' : ' ';
        query_batch_destroy(batch);
    }
}

test(batch_holds_queries_of_one_statement)
{
    struct waiting waiting = {.n = 0};
    char text[64];

    add(&waiting, &plain, "a");
    add(&waiting, &keyed, "x");
    add(&waiting, &plain, "b");
    add(&waiting, &keyed, "y");
    take_all(&waiting, 10, text);
    check_str(text, "ab xy");
}

test(batch_holds_no_more_than_the_store_and_the_statement_allow)
{
    struct waiting waiting = {.n = 0};
    char text[64];

    for (int i = 0; i < 5; i++)
        add(&waiting, &plain, "p");
    for (int i = 0; i < 3; i++)
        add(&waiting, &small, "s");
    take_all(&waiting, 3, text);
    check_str(text, "ppp pp ss s");
}

test(query_that_goes_alone_is_a_batch)
{
    struct waiting waiting = {.n = 0};
    char text[64];

    add(&waiting, &plain, "a");
    add(&waiting, &plain, "b");
    add(&waiting, &plain, "c");
    waiting.queries[1].is_solo = true;
    take_all(&waiting, 10, text);
    check_str(text, "ac b");
}

test(query_that_pauses_is_passed_over)
{
    struct waiting waiting = {.n = 0};
    struct list *link;

    add(&waiting, &plain, "a");
    add(&waiting, &plain, "b");
    waiting.queries[0].is_solo = true;
    waiting.queries[0].again_ms = NOW_MS + 1;
    struct query_batch *batch = query_batch_take(&waiting.list, 10, NOW_MS);
    link = list_take_first(&batch->queries);
    check(link == &waiting.queries[1].link);
    query_batch_destroy(batch);
    check(!query_batch_take(&waiting.list, 10, NOW_MS));
    batch = query_batch_take(&waiting.list, 10, NOW_MS + 1);
    check_int(batch->nqueries, 1);
    query_batch_destroy(batch);
}

test(queries_with_one_key_go_in_their_order)
{
    struct waiting waiting = {.n = 0};
    char text[64];

    add(&waiting, &keyed, "a");
    add(&waiting, &keyed, "b");
    add(&waiting, &keyed, "a");
    add(&waiting, &keyed, "a");
    add(&waiting, &keyed, "c");
    take_all(&waiting, 10, text);
    check_str(text, "abc a a");
}

test(batch_is_bounded_in_bytes)
{
    struct waiting waiting = {.n = 0};
    size_t len = 3 * 1024 * 1024;
    char *large = mem_alloc(len + 1);
    char text[64];

    memset(large, 'L', len);
    add(&waiting, &plain, "a");
    add(&waiting, &plain, large);
    add(&waiting, &plain, large);
    add(&waiting, &plain, "b");
    take_all(&waiting, 10, text);
    check_str(text, "aL Lb");
    mem_free(large);
}
