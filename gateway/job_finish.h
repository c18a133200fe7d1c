/*
 * gateway/job_finish.h - WorkerService.FinishJob and ExchangeJob: how a job ended, for one of role PLAN the jobs that follow,
 * and for ExchangeJob the next lease.
 */
#ifndef GATEWAY_JOB_FINISH_H
#define GATEWAY_JOB_FINISH_H

#include <protobuf-c/protobuf-c.h>

struct rpc_call;

/* For the table of methods (rpc/server.h). */
void job_finish_start(struct rpc_call *call, const ProtobufCMessage *request);
void job_exchange_start(struct rpc_call *call, const ProtobufCMessage *request);

#endif
