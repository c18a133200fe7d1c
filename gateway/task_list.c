/*
 * gateway/task_list.c - see task_list.h.
 *
 * The kind and the state of a request are added to its filter, so there is one way to search. A token holds the place
 * up to which the list is told: a time and a number. A page may be short: the answer has a limit in bytes, and the
 * database searches for a while only.
 */
#include "gateway/task_list.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/number.h"
#include "gateway/enum_text.h"
#include "gateway/fault.h"
#include "gateway/op.h"
#include "gateway/page.h"
#include "gateway/task_rows.h"
#include "rpc/call.h"
#include "sluice/v1/task_service.pb-c.h"
#include "spec/filter_plan.h"
#include "spec/filter_read.h"
#include "store/row.h"
#include "store/task_store.h"

/* Where a task is in the list. */
struct place {
    int64_t time_us;
    int64_t seq;
};

enum { PLACE_NKEYS = 2 };

struct list_tasks {
    struct op op;
    unsigned page_size;
    const char *scope; /* of its tokens */
};

static const char *write_token(const char *scope, struct place place, struct arena *arena)
{
    struct str keys[PLACE_NKEYS] = {
        str_from(arena_printf(arena, "%" PRId64, place.time_us)),
        str_from(arena_printf(arena, "%" PRId64, place.seq)),
    };

    return page_token_write(scope, keys, PLACE_NKEYS, arena);
}

/* The place that a token holds, as the two parameters of the statement. */
static struct status read_token(const char *token, const char *scope, struct arena *arena,
                                struct param *ret_time, struct param *ret_seq)
{
    static const int64_t us_per_day = INT64_C(86400000000);
    struct str keys[PLACE_NKEYS];
    char text[CLOCK_TEXT_BYTES];
    int64_t time_us = 0, seq = 0;
    struct status st = page_token_read(token, scope, arena, keys, PLACE_NKEYS);

    if (st.code == STATUS_OK)
        st = number_read("page_token", keys[0], clock_get_days(1, 1, 1) * us_per_day,
                         clock_get_days(10000, 1, 1) * us_per_day - 1, &time_us);
    if (st.code == STATUS_OK)
        st = number_read("page_token", keys[1], 1, INT64_MAX, &seq);
    if (st.code != STATUS_OK)
        return st;
    clock_write_text(time_us, text);
    *ret_time = param_text(arena_copy_str(arena, str_from(text)));
    *ret_seq = param_int(seq);
    return st;
}

/*
 * Reads the page's tasks, and in *ret_last the place of the last one. *ret_is_cut: there are more in rows.
 */
static struct status read_page(const struct list_tasks *list, const struct pg_result *rows,
                               Pb__ListTasksResponse *reply, struct place *ret_last,
                               bool *ret_is_cut)
{
    struct arena *arena = rpc_call_get_arena(list->op.call);
    size_t nrows = row_is_null(rows, 0, "id") ? 0 : rows_get_count(rows);
    size_t row = 0, nbytes = 0;

    reply->tasks = arena_alloc(arena, list->page_size * sizeof(*reply->tasks));
    while (row < nrows && reply->n_tasks < list->page_size) {
        size_t first = row;
        Pb__Task *task = NULL;
        struct status st = task_rows_read(rows, &row, arena, &task);

        if (st.code != STATUS_OK)
            return st;
        nbytes += protobuf_c_message_get_packed_size(&task->base);
        if (nbytes > PAGE_MAX_BYTES && reply->n_tasks > 0) {
            row = first;
            break;
        }
        reply->tasks[reply->n_tasks++] = task;
        *ret_last = (struct place){
            .time_us = task->create_time->seconds * 1000000 + task->create_time->nanos / 1000,
            .seq = row_get_int(rows, first, "note/seq"),
        };
    }
    *ret_is_cut = row < nrows;
    return status_ok();
}

static void list_tasks_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct list_tasks *list = container_of(op, struct list_tasks, op);
    Pb__ListTasksResponse reply = PB__LIST_TASKS_RESPONSE__INIT;
    struct place last = {0};
    bool is_cut = false;

    if (st.code == STATUS_OK)
        st = read_page(list, rows, &reply, &last, &is_cut);
    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    if (!is_cut)
        last = (struct place){
            .time_us = row_get_int(rows, 0, "note/last_us"),
            .seq = row_get_int(rows, 0, "note/last_seq"),
        };
    if (is_cut || row_get_int(rows, 0, "note/is_last") == 0)
        reply.next_page_token =
            (char *)write_token(list->scope, last, rpc_call_get_arena(op->call));
    rpc_call_end(op->call, st, &reply.base);
}

/* Whether the oldest is to be the first. The syntax is that of AIP-132: spaces do not count. */
static bool read_order(const char *order_by, struct violations *violations)
{
    struct str direction = str_trim(str_from(order_by));
    struct str field = str_cut(&direction, ' ');

    direction = str_trim(direction);
    if (field.len == 0 || (str_is(field, "create_time") && str_is(direction, "desc")))
        return false;
    if (!str_is(field, "create_time") || (direction.len > 0 && !str_is(direction, "asc")))
        violations_add(violations, "order_by",
                       "'%.60s' is no order: create_time, followed by asc or desc", order_by);
    return true;
}

/* The plan of what is asked for: the filter, the kind and the state. */
static const char *read_filter(const Pb__ListTasksRequest *request, struct arena *arena,
                               struct violations *violations)
{
    const char *kind =
        enum_text_get(&pb__task_kind__descriptor, (int)request->kind, "kind", violations);
    const char *state =
        enum_text_get(&pb__task_state__descriptor, (int)request->state, "state", violations);
    struct filter filter = {0};
    struct buf plan = {0};

    filter_read(str_from(request->filter), arena, violations, &filter);
    if (kind)
        filter_require(&filter, FILTER_KIND, kind, (int)request->kind, arena);
    if (state)
        filter_require(&filter, FILTER_STATE, state, (int)request->state, arena);
    filter_plan_write(&filter, arena, &plan);
    const char *text = arena_copy_str(arena, buf_get(&plan));
    buf_deinit(&plan);
    return text;
}

/* What a token is bound to: all that says which tasks there are, and how much of each. */
static const char *make_scope(const Pb__ListTasksRequest *request, bool is_oldest_first,
                              struct arena *arena)
{
    char filter_id[ID_UUID_BYTES];

    id_make_named_uuid(str_from(request->filter), filter_id);
    return arena_printf(arena, "tasks %d %d %s %d %s", (int)request->kind, (int)request->state,
                        is_oldest_first ? "asc" : "desc", (int)request->view, filter_id);
}

void task_list_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__ListTasksRequest *request = (const Pb__ListTasksRequest *)message;
    struct arena *arena = rpc_call_get_arena(call);
    struct list_tasks *list = rpc_call_alloc(call, sizeof(*list));
    struct violations violations = {0};
    struct param time = param_null(), seq = param_null();

    list->op.call = call;
    list->page_size = page_size_get(request->page_size, &violations);
    bool is_oldest_first = read_order(request->order_by, &violations);
    const char *plan = read_filter(request, arena, &violations);
    (void)enum_text_get(&pb__task_view__descriptor, (int)request->view, "view", &violations);
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    list->scope = make_scope(request, is_oldest_first, arena);
    if (request->page_token[0] != '\0' &&
        read_token(request->page_token, list->scope, arena, &time, &seq).code != STATUS_OK) {
        fault_end(call, FAULT_PAGE_TOKEN, NULL);
        return;
    }
    op_submit(&list->op,
              &(struct query){
                  .statement = &task_list,
                  .params = {param_int((int64_t)list->page_size + 1), time, seq,
                             param_int(is_oldest_first), param_text(plan),
                             param_int(request->view == PB__TASK_VIEW__TASK_VIEW_FULL),
                             param_int(TASK_LIST_MAX_BYTES), param_int(TASK_LIST_PATIENCE_MS)},
                  .on_done = list_tasks_done,
              });
}
