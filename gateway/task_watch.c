#include "gateway/task_watch.h"

#include "rpc/call.h"

void task_watch_start(struct rpc_call *call, const ProtobufCMessage *request)
{
    (void)request;
    rpc_call_end(call, status_error(STATUS_UNIMPLEMENTED, "watches are not served yet"), NULL);
}

void task_watch_all_start(struct rpc_call *call, const ProtobufCMessage *request)
{
    task_watch_start(call, request);
}
