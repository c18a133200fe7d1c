#include "gateway/task_parts.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/number.h"
#include "gateway/fault.h"
#include "gateway/op.h"
#include "gateway/page.h"
#include "gateway/task_id.h"
#include "rpc/call.h"
#include "rpc/message_field.h"
#include "rpc/message_json.h"
#include "rpc/origin.h"
#include "sluice/v1/task_service.pb-c.h"
#include "store/bad_row_store.h"
#include "store/difference_store.h"
#include "store/row.h"
#include "store/task_event_store.h"

enum {
    MAX_KEYS = 3,
    ITEMS = 1, /* the fields of all the replies, by number */
    NEXT_PAGE_TOKEN = 2,
};

/* A list. Its items are in the order of their keys, and a token holds those of a page's last one. */
struct part_list {
    const char *scope; /* of its tokens, before the task's id */
    const ProtobufCMessageDescriptor *item;
    const ProtobufCMessageDescriptor *reply;
    /*
     * $1 is the task, $2 how many at most, and then come the keys. A task that has none of the items is a row of NULLs; no
     * row: there is no such task.
     */
    const struct statement *statement;
    bool
        has_max_bytes; /* of a page: its last parameter, and its rows have what page_goes_on asks for */
    struct {
        const char *field; /* of the item: a string, or an int64 */
        int64_t min;
    } keys[MAX_KEYS];
    unsigned nkeys;
};

struct list_parts {
    struct op op;
    const struct part_list *list;
    unsigned page_size;
    const char *scope;
};

/* What the requests have. */
struct part_request {
    const char *id;
    int32_t page_size;
    const char *page_token;
};

static const ProtobufCFieldDescriptor *get_key(const struct part_list *list, unsigned i)
{
    return protobuf_c_message_descriptor_get_field_by_name(list->item, list->keys[i].field);
}

static const char *write_token(const struct list_parts *parts, const ProtobufCMessage *last,
                               struct arena *arena)
{
    struct str keys[MAX_KEYS];

    for (unsigned i = 0; i < parts->list->nkeys; i++) {
        const ProtobufCFieldDescriptor *field = get_key(parts->list, i);
        const void *value = message_field_get(last, field);

        keys[i] = str_from(field->type == PROTOBUF_C_TYPE_STRING
                               ? *(char *const *)value
                               : arena_printf(arena, "%" PRId64, *(const int64_t *)value));
    }
    return page_token_write(parts->scope, keys, parts->list->nkeys, arena);
}

/* Into parameters: only items behind the one whose keys the token holds. */
static struct status read_token(const struct list_parts *parts, const char *token,
                                struct arena *arena, struct param *ret_keys)
{
    const struct part_list *list = parts->list;
    struct str keys[MAX_KEYS];
    struct status st = page_token_read(token, parts->scope, arena, keys, list->nkeys);

    for (unsigned i = 0; i < list->nkeys && st.code == STATUS_OK; i++) {
        int64_t number = 0;

        if (get_key(list, i)->type == PROTOBUF_C_TYPE_STRING) {
            ret_keys[i] = param_str(keys[i]);
            continue;
        }
        st = number_read("page_token", keys[i], list->keys[i].min, INT64_MAX, &number);
        ret_keys[i] = param_int(number);
    }
    return st;
}

static ProtobufCMessage *make_reply(const struct list_parts *parts, const struct page *page,
                                    bool goes_on, struct arena *arena)
{
    ProtobufCMessage *reply = message_create(parts->list->reply, arena);
    const ProtobufCFieldDescriptor *items =
        protobuf_c_message_descriptor_get_field(reply->descriptor, ITEMS);
    const ProtobufCFieldDescriptor *token =
        protobuf_c_message_descriptor_get_field(reply->descriptor, NEXT_PAGE_TOKEN);

    *(size_t *)message_field_get_quantifier(reply, items) = page->nitems;
    *(ProtobufCMessage ***)message_field_get(reply, items) = page->items;
    if (goes_on)
        *(const char **)message_field_get(reply, token) =
            write_token(parts, page->items[page->nitems - 1], arena);
    return reply;
}

static void list_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    const struct list_parts *parts = container_of(op, struct list_parts, op);
    struct arena *arena = rpc_call_get_arena(op->call);
    struct page page = {0};

    if (st.code == STATUS_OK && rows_get_count(rows) == 0) {
        fault_end(op->call, FAULT_TASK_NOT_FOUND, op->name);
        return;
    }
    if (st.code == STATUS_OK && !row_is_null(rows, 0, parts->list->keys[0].field))
        st = page_read(rows, parts->list->item, parts->page_size, arena, &page);
    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    bool goes_on = parts->list->has_max_bytes ? page_goes_on(&page, rows) : page.has_more;
    rpc_call_end(op->call, st, make_reply(parts, &page, goes_on, arena));
}

static void submit(struct list_parts *parts, const struct param *after)
{
    unsigned nkeys = parts->list->nkeys;
    struct query query = {
        .statement = parts->list->statement,
        .params = {param_text(parts->op.name), param_int((int64_t)parts->page_size + 1)},
        .on_done = list_done,
    };

    for (unsigned i = 0; i < nkeys; i++)
        query.params[2 + i] = after[i];
    if (parts->list->has_max_bytes)
        query.params[2 + nkeys] = param_int(PAGE_MAX_BYTES);
    op_submit(&parts->op, &query);
}

static void start(struct rpc_call *call, const struct part_list *list,
                  const struct part_request *request)
{
    struct arena *arena = rpc_call_get_arena(call);
    struct violations violations = {0};
    struct param after[MAX_KEYS] = {param_null(), param_null(), param_null()};
    unsigned page_size = page_size_get(request->page_size, &violations);

    if (!task_id_is_valid(str_from(request->id))) {
        fault_end(call, FAULT_TASK_NOT_FOUND, request->id);
        return;
    }
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    struct list_parts *parts = rpc_call_alloc(call, sizeof(*parts));
    rpc_origin_set_task(call, request->id);
    *parts = (struct list_parts){
        .op = {.call = call, .name = request->id},
        .list = list,
        .page_size = page_size,
        .scope = arena_printf(arena, "%s %s", list->scope, request->id),
    };
    if (request->page_token[0] != '\0' &&
        read_token(parts, request->page_token, arena, after).code != STATUS_OK)
        fault_end(call, FAULT_PAGE_TOKEN, NULL);
    else
        submit(parts, after);
}

void task_parts_list_events(struct rpc_call *call, const ProtobufCMessage *message)
{
    static const struct part_list list = {
        .scope = "task_events",
        .item = &pb__task_event__descriptor,
        .reply = &pb__list_task_events_response__descriptor,
        .statement = &task_event_list,
        .keys = {{"sequence", 1}},
        .nkeys = 1,
    };
    const Pb__ListTaskEventsRequest *request = (const Pb__ListTaskEventsRequest *)message;

    start(call, &list,
          &(struct part_request){request->id, request->page_size, request->page_token});
}

void task_parts_list_bad_rows(struct rpc_call *call, const ProtobufCMessage *message)
{
    static const struct part_list list = {
        .scope = "bad_rows",
        .item = &pb__bad_row__descriptor,
        .reply = &pb__list_bad_rows_response__descriptor,
        .statement = &bad_row_list,
        .keys = {{"file", 0}, {"row", 0}, {"byte_offset", 0}},
        .nkeys = 3,
    };
    const Pb__ListBadRowsRequest *request = (const Pb__ListBadRowsRequest *)message;

    start(call, &list,
          &(struct part_request){request->id, request->page_size, request->page_token});
}

void task_parts_list_differences(struct rpc_call *call, const ProtobufCMessage *message)
{
    static const struct part_list list = {
        .scope = "differences",
        .item = &pb__difference__descriptor,
        .reply = &pb__list_differences_response__descriptor,
        .statement = &difference_list,
        .has_max_bytes = true,
        .keys = {{"table", 0}, {"number", 0}},
        .nkeys = 2,
    };
    const Pb__ListDifferencesRequest *request = (const Pb__ListDifferencesRequest *)message;

    start(call, &list,
          &(struct part_request){request->id, request->page_size, request->page_token});
}
