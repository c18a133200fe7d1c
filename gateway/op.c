#include "gateway/op.h"

#include "gateway/gateway.h"
#include "rpc/call.h"
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
