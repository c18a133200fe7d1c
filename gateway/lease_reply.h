/*
 * gateway/lease_reply.h - how LeaseJob ends.
 */
#ifndef GATEWAY_LEASE_REPLY_H
#define GATEWAY_LEASE_REPLY_H

#include <stddef.h>
#include <stdint.h>

struct pg_result;
struct rpc_call;

/* With the job in a row that job_lease gave. */
void lease_reply_end_with_job(struct rpc_call *call, const char *worker_id, int64_t lease_ms,
                              const struct pg_result *rows, size_t row);

/* With the check in the row that check_lease gave. */
void lease_reply_end_with_check(struct rpc_call *call, const char *worker_id,
                                const struct pg_result *rows);

/* Without work. */
void lease_reply_end_with_none(struct rpc_call *call);

#endif
