/*
 * rpc/core_locks.h - core's locks as they are in programs that nobody debugs.
 */
#ifndef RPC_CORE_LOCKS_H
#define RPC_CORE_LOCKS_H

/*
 * Abseil as Debian builds it writes down in which order locks are taken, in one graph of the whole process that has one lock
 * of its own, and ends the program if the order could ever be another one. Has it do so no more. For the whole process.
 */
void rpc_core_locks_set(void);

#endif
