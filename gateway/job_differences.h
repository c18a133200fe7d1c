/*
 * gateway/job_differences.h - ReportDifferences: what a comparison found.
 */
#ifndef GATEWAY_JOB_DIFFERENCES_H
#define GATEWAY_JOB_DIFFERENCES_H

#include <protobuf-c/protobuf-c.h>

struct rpc_call;

void job_differences_report_start(struct rpc_call *call, const ProtobufCMessage *message);

#endif
