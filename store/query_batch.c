#include "store/query_batch.h"

#include <libpq-fe.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "store/result.h"

enum { MAX_BYTES = 4 * 1024 * 1024 }; /* of texts; a single query may be larger */

static size_t get_text_bytes(const struct query *query)
{
    const struct statement *statement = query->statement;
    size_t bytes = 0;

    for (unsigned i = 0; i < statement->nparams; i++) {
        if (statement->types[i] == PARAM_TEXT || statement->types[i] == PARAM_BYTES)
            bytes += query->params[i].text.len;
    }
    return bytes;
}

static bool has_key(const struct query_batch *batch, const struct query *query)
{
    const struct list *link;

    list_for_each (link, &batch->queries) {
        if (str_is_equal(container_of(link, struct query, link)->params[0].text,
                         query->params[0].text))
            return true;
    }
    return false;
}

/* The first one that does not pause, or NULL. */
static struct query *find_first(const struct list *waiting, int64_t now_ms)
{
    struct list *link;

    list_for_each (link, waiting) {
        struct query *query = container_of(link, struct query, link);
        if (query->again_ms <= now_ms)
            return query;
    }
    return NULL;
}

struct query_batch *query_batch_take(struct list *waiting, unsigned max, int64_t now_ms)
{
    struct query *first = find_first(waiting, now_ms);

    if (!first)
        return NULL;
    const struct statement *statement = first->statement;
    struct query_batch *batch = mem_alloc(sizeof(*batch));
    size_t bytes = 0;
    struct list *next;

    if (statement->max_batch != 0 && statement->max_batch < max)
        max = statement->max_batch;
    if (first->is_solo)
        max = 1;
    batch->statement = statement;
    list_init(&batch->queries);
    for (struct list *link = &first->link; link != waiting && batch->nqueries < max; link = next) {
        struct query *query = container_of(link, struct query, link);

        next = link->next;
        if (query->statement != statement || (query->is_solo && query != first) ||
            (statement->is_keyed && has_key(batch, query)))
            continue;
        bytes += get_text_bytes(query);
        if (bytes > MAX_BYTES && batch->nqueries > 0)
            break;
        list_remove(link);
        list_add_last(&batch->queries, link);
        batch->nqueries++;
    }
    return batch;
}

void query_batch_destroy(struct query_batch *batch)
{
    PQclear(batch->whole);
    mem_free(batch);
}

struct status query_batch_answer(struct query_batch *batch, struct row_plan **plans)
{
    struct result result;
    struct list *link;
    struct status st = result_init(&result, batch->whole, batch->nqueries, plans);

    if (st.code != STATUS_OK)
        return st;
    for (size_t i = 0; (link = list_take_first(&batch->queries)); i++) {
        struct query *query = container_of(link, struct query, link);
        query->on_done(query, status_ok(), result_get(&result, i));
    }
    result_deinit(&result);
    return status_ok();
}
