#include "gateway/op.h"

#include "gateway/gateway.h"
#include "rpc/call.h"
#include "rpc/origin.h"
#include "store/row.h"
#include "store/store.h"

struct op *op_create(struct rpc_call *call, const char *name)
{
    struct op *op = rpc_call_alloc(call, sizeof(*op));

    op->call = call;
    op->name = name;
    return op;
}

static void end_span(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);

    if (st.code != STATUS_OK)
        span_fail(op->span, st.text);
    span_end(op->span);
    query->on_done = op->on_done;
    query->on_done(query, st, rows);
}

/* How long the database takes, which is most of a call, is a span of its own. */
static void begin_span(struct op *op)
{
    const struct span *parent = rpc_origin_find_recorded(op->call);

    if (!parent)
        return;
    op->span = rpc_call_alloc(op->call, sizeof(*op->span));
    span_begin(parent->tracer, &parent->context, SPAN_CLIENT, op->query.statement->name, op->span);
    span_set_text(op->span, "db.system.name", str_from("postgresql"));
    span_set_text(op->span, "db.query.summary", str_from(op->query.statement->name));
    op->on_done = op->query.on_done;
    op->query.on_done = end_span;
}

void op_submit(struct op *op, const struct query *query)
{
    struct gateway *gateway = rpc_call_get_self(op->call);

    op->query = *query;
    op->query.timeout_ms = rpc_call_get_time_left_ms(op->call);
    begin_span(op);
    store_submit(gateway->store, &op->query);
}

bool op_take_row(struct op *op, struct status st, const struct pg_result *rows, enum fault missing,
                 ProtobufCMessage *message)
{
    if (st.code == STATUS_OK && rows_get_count(rows) == 0) {
        fault_end(op->call, missing, op->name);
        return false;
    }
    if (st.code == STATUS_OK)
        st = row_read(rows, 0, "", rpc_call_get_arena(op->call), message);
    if (st.code != STATUS_OK)
        fault_end_store(op->call, st);
    return st.code == STATUS_OK;
}
