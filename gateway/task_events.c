#include "gateway/task_events.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/number.h"
#include "gateway/fault.h"
#include "gateway/op.h"
#include "gateway/page.h"
#include "gateway/task_id.h"
#include "rpc/call.h"
#include "sluice/v1/task_service.pb-c.h"
#include "store/row.h"
#include "store/task_event_store.h"

struct list_events {
    struct op op;
    unsigned page_size;
    const char *scope; /* of its tokens, which hold the last event's sequence */
};

static const char *write_token(const struct list_events *list, const Pb__TaskEvent *last,
                               struct arena *arena)
{
    struct str key = str_from(arena_printf(arena, "%" PRId64, last->sequence));

    return page_token_write(list->scope, &key, 1, arena);
}

/* Into a parameter: only events behind the one that the token holds. */
static struct status read_token(const char *token, const char *scope, struct arena *arena,
                                struct param *ret)
{
    struct str key;
    int64_t sequence;
    struct status st = page_token_read(token, scope, arena, &key, 1);

    if (st.code == STATUS_OK)
        st = number_read("page_token", key, 1, INT64_MAX, &sequence);
    if (st.code == STATUS_OK)
        *ret = param_int(sequence);
    return st;
}

static void list_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    const struct list_events *list = container_of(op, struct list_events, op);
    struct arena *arena = rpc_call_get_arena(op->call);
    Pb__ListTaskEventsResponse reply = PB__LIST_TASK_EVENTS_RESPONSE__INIT;
    struct page page = {0};

    if (st.code == STATUS_OK && rows_get_count(rows) == 0) {
        fault_end(op->call, FAULT_TASK_NOT_FOUND, op->name);
        return;
    }
    /* A page without events is one row of NULLs. */
    if (st.code == STATUS_OK && !row_is_null(rows, 0, "sequence"))
        st = page_read(rows, &pb__task_event__descriptor, list->page_size, arena, &page);
    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    reply.n_events = page.nitems;
    reply.events = (Pb__TaskEvent **)page.items;
    if (page.has_more)
        reply.next_page_token = (char *)write_token(list, reply.events[page.nitems - 1], arena);
    rpc_call_end(op->call, st, &reply.base);
}

void task_events_list_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__ListTaskEventsRequest *request = (const Pb__ListTaskEventsRequest *)message;
    struct arena *arena = rpc_call_get_arena(call);
    struct violations violations = {0};
    struct param after = param_null();
    unsigned page_size = page_size_get(request->page_size, &violations);

    if (!task_id_is_valid(str_from(request->id))) {
        fault_end(call, FAULT_TASK_NOT_FOUND, request->id);
        return;
    }
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    const char *scope = arena_printf(arena, "task_events %s", request->id);
    if (request->page_token[0] != '\0' &&
        read_token(request->page_token, scope, arena, &after).code != STATUS_OK) {
        fault_end(call, FAULT_PAGE_TOKEN, NULL);
        return;
    }
    struct list_events *list = rpc_call_alloc(call, sizeof(*list));
    *list = (struct list_events){
        .op = {.call = call, .name = request->id}, .page_size = page_size, .scope = scope};
    op_submit(&list->op,
              &(struct query){
                  .statement = &task_event_list,
                  .params = {param_text(request->id), param_int((int64_t)page_size + 1), after},
                  .on_done = list_done,
              });
}
