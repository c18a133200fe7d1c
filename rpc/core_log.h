/*
 * rpc/core_log.h - what core has to say, in our log.
 */
#ifndef RPC_CORE_LOG_H
#define RPC_CORE_LOG_H

/* Has core's lines become lines of our log, those that peers cause in a limited number. For the whole process. */
void rpc_core_log_set(void);

#endif
