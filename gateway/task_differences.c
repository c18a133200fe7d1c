#include "gateway/task_differences.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/number.h"
#include "gateway/fault.h"
#include "gateway/op.h"
#include "gateway/page.h"
#include "gateway/task_id.h"
#include "rpc/call.h"
#include "sluice/v1/task_service.pb-c.h"
#include "store/difference_store.h"
#include "store/row.h"

/* By table and number; the token holds both. */
enum { NKEYS = 2 };

struct list_differences {
    struct op op;
    unsigned page_size;
    const char *scope;
};

static const char *write_token(const char *scope, const Pb__Difference *last, struct arena *arena)
{
    struct str keys[NKEYS] = {
        str_from(last->table),
        str_from(arena_printf(arena, "%" PRId64, last->number)),
    };

    return page_token_write(scope, keys, NKEYS, arena);
}

static struct status read_token(const char *token, const char *scope, struct arena *arena,
                                struct param *ret_keys)
{
    struct str keys[NKEYS];
    int64_t number = 0;
    struct status st = page_token_read(token, scope, arena, keys, NKEYS);

    if (st.code == STATUS_OK)
        st = number_read("page_token", keys[1], 0, INT64_MAX, &number);
    if (st.code != STATUS_OK)
        return st;
    ret_keys[0] = param_str(keys[0]);
    ret_keys[1] = param_int(number);
    return st;
}

static void list_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct list_differences *list = container_of(op, struct list_differences, op);
    struct arena *arena = rpc_call_get_arena(op->call);
    Pb__ListDifferencesResponse reply = PB__LIST_DIFFERENCES_RESPONSE__INIT;
    struct page page = {0};

    if (st.code == STATUS_OK && rows_get_count(rows) == 0) {
        fault_end(op->call, FAULT_TASK_NOT_FOUND, op->name);
        return;
    }
    /* A task without differences is one row of NULLs. */
    if (st.code == STATUS_OK && !row_is_null(rows, 0, "number"))
        st = page_read(rows, &pb__difference__descriptor, list->page_size, arena, &page);
    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    reply.n_differences = page.nitems;
    reply.differences = (Pb__Difference **)page.items;
    if (page_goes_on(&page, rows))
        reply.next_page_token =
            (char *)write_token(list->scope, reply.differences[page.nitems - 1], arena);
    rpc_call_end(op->call, st, &reply.base);
}

void task_differences_list_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__ListDifferencesRequest *request = (const Pb__ListDifferencesRequest *)message;
    struct arena *arena = rpc_call_get_arena(call);
    struct violations violations = {0};
    struct param after[NKEYS] = {param_null(), param_null()};
    unsigned page_size = page_size_get(request->page_size, &violations);

    if (!task_id_is_valid(str_from(request->id))) {
        fault_end(call, FAULT_TASK_NOT_FOUND, request->id);
        return;
    }
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    const char *scope = arena_printf(arena, "differences %s", request->id);
    if (request->page_token[0] != '\0' &&
        read_token(request->page_token, scope, arena, after).code != STATUS_OK) {
        fault_end(call, FAULT_PAGE_TOKEN, NULL);
        return;
    }
    struct list_differences *list = rpc_call_alloc(call, sizeof(*list));
    *list = (struct list_differences){
        .op = {.call = call, .name = request->id}, .page_size = page_size, .scope = scope};
    op_submit(&list->op, &(struct query){
                             .statement = &difference_list,
                             .params = {param_text(request->id), param_int((int64_t)page_size + 1),
                                        after[0], after[1], param_int(PAGE_MAX_BYTES)},
                             .on_done = list_done,
                         });
}
