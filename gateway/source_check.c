#include "gateway/source_check.h"

#include "rpc/call.h"

void source_check_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    (void)message;
    rpc_call_end(call, status_error(STATUS_UNIMPLEMENTED, "checks are not served yet"), NULL);
}

void source_check_finish(struct rpc_call *call, const ProtobufCMessage *message)
{
    source_check_start(call, message);
}
