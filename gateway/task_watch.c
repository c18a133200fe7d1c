#include "gateway/task_watch.h"

#include "base/arena.h"
#include "base/hash.h"
#include "gateway/fault.h"
#include "gateway/gateway.h"
#include "gateway/task_id.h"
#include "gateway/watch_hub.h"
#include "rpc/call.h"
#include "sluice/v1/task_service.pb-c.h"
#include "spec/filter_read.h"

/* Reads a cursor, if there is one. Returns false if something was wrong with the request: the call has been ended. */
static bool read_cursor(struct rpc_call *call, const char *text, struct violations *violations,
                        const struct watch_point **ret)
{
    struct watch_point *point = NULL;

    if (text[0] != '\0') {
        point = rpc_call_alloc(call, sizeof(*point));
        struct status st = watch_cursor_read(text, point);
        if (st.code != STATUS_OK)
            violations_add(violations, "cursor", "%s", st.text);
    }
    *ret = point;
    if (violations->count > 0)
        fault_end_violations(call, violations);
    return violations->count == 0;
}

void task_watch_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__WatchTaskRequest *request = (const Pb__WatchTaskRequest *)message;
    struct gateway *gateway = rpc_call_get_self(call);
    struct watch_scope scope = {
        .task_id = request->id,
        .key = hash_make(str_from(request->id)),
    };
    struct violations violations = {0};
    const struct watch_point *cursor;

    if (!task_id_is_valid(str_from(request->id))) {
        fault_end(call, FAULT_TASK_NOT_FOUND, request->id);
        return;
    }
    if (read_cursor(call, request->cursor, &violations, &cursor))
        watch_hub_add(gateway->watches, call, &scope, cursor);
}

void task_watch_all_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__WatchTasksRequest *request = (const Pb__WatchTasksRequest *)message;
    struct gateway *gateway = rpc_call_get_self(call);
    struct filter *filter = rpc_call_alloc(call, sizeof(*filter));
    struct violations violations = {0};
    const struct watch_point *cursor;

    filter_read(str_from(request->filter), rpc_call_get_arena(call), &violations, filter);
    struct watch_scope scope = {.filter = filter->root ? filter : NULL};
    if (read_cursor(call, request->cursor, &violations, &cursor))
        watch_hub_add(gateway->watches, call, &scope, cursor);
}
