/*
 * gateway/access.h - who makes a call, and what they may do.
 *
 * The gateway has no authentication of its own yet: whoever reaches its port may do all. So
 * it listens on the loopback interface by default. What is decided about callers is decided
 * here, and nowhere else.
 */
#ifndef GATEWAY_ACCESS_H
#define GATEWAY_ACCESS_H

struct rpc_call;

/* Who makes the call, for the history of a task. Lives as long as the call. */
const char *access_get_actor(const struct rpc_call *call);

#endif
