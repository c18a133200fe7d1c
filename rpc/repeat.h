/*
 * rpc/repeat.h - whether a call that has failed is tried again, and when; for client.c only.
 *
 * What clients are told in docs/clients.md, too. A server that restarts is back, or another one is found, within the pauses;
 * when most calls fail there are no more repetitions until some succeed. Core could do so as well, but has each call pay for
 * it that ends well.
 */
#ifndef RPC_REPEAT_H
#define RPC_REPEAT_H

#include <stdbool.h>

struct rpc_outcome;

/* What the calls of a channel have in common; {0} at first. Not synchronised. */
struct rpc_repeat {
    unsigned nfailed; /* each failure adds one, each success takes one away */
};

/*
 * Of a call that has ended for the ntries-th time, and not by us: whether it is to be tried again, in *ret_delay_ms. To be
 * asked once each time.
 */
bool rpc_repeat_is_due(struct rpc_repeat *repeat, const struct rpc_outcome *outcome,
                       unsigned ntries, unsigned *ret_delay_ms);

#endif
