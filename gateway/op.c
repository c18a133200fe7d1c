#include "gateway/op.h"

#include "gateway/gateway.h"
#include "rpc/call.h"
#include "store/row.h"
#include "store/store.h"

struct op *op_create(struct rpc_call *call, const char *name)
{
    struct op *op = rpc_call_alloc(call, sizeof(*op));

    op->call = call;
    op->name = name;
    return op;
}

void op_submit(struct op *op, const struct query *query)
{
    struct gateway *gateway = rpc_call_get_self(op->call);

    op->query = *query;
    op->query.timeout_ms = rpc_call_get_time_left_ms(op->call);
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
