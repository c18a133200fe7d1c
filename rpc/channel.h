/*
 * rpc/channel.h - the connections of a client to its server.
 */
#ifndef RPC_CHANNEL_H
#define RPC_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"

struct rpc_channel;
struct rpc_channel_link;
struct rpc_loop;
struct timers;
struct tls_files;
struct token_file;

struct rpc_channel_options {
    const char *target; /* "host:port", "unix:/path", or several: "ipv4:host:port,host:port" */
    struct tls_files
        *tls; /* of a client; NULL: without TLS. Taken over, and closed with the channel */
    struct rpc_loop *loop;    /* borrowed until rpc_channel_close, as are the next three */
    struct token_file *token; /* shown with each call; NULL: none */
    const char *user_agent;   /* may be NULL */
    struct timers *timers;    /* for trying unary calls that end as UNAVAILABLE again, each of which
                                 must be safe to repeat; NULL: that is not done */
    size_t max_message_bytes; /* of a reply; 0: 16 MiB */
    bool
        carries; /* unary calls go many on one stream (rpc/carrier.proto), if the server takes them so;
                                 there must be timers */
};

/*
 * Never fails and never blocks: connections are made, and made again, in the background. If the target's name has several
 * addresses there is one to each, and calls take turns, or streams that carry them; who is away or stops is left out.
 * When the files of tls change, calls that begin more than a second later go by connections of their own, with what is new.
 */
struct rpc_channel *rpc_channel_open(const struct rpc_channel_options *options) MUST_CHECK;

/* All its calls must have ended. Blocks if it carries; not from a loop thread then. NULL is allowed. */
void rpc_channel_close(struct rpc_channel *channel);

/*
 * For who uses rpc/calling.h: a call begins, and is by the link that it gets until it leaves it. Any thread; blocks for as
 * long as reading small files takes. The others are the same with the channel's lock held.
 */
struct rpc_channel_link *rpc_channel_enter(struct rpc_channel *channel) MUST_CHECK;
void rpc_channel_leave(struct rpc_channel *channel, struct rpc_channel_link *link);
struct rpc_channel_link *rpc_channel_enter_locked(struct rpc_channel *channel) MUST_CHECK;
void rpc_channel_leave_locked(struct rpc_channel *channel, struct rpc_channel_link *link);

/* Whether a call that begins now gets that link. The channel's lock is held. */
bool rpc_channel_is_current_locked(struct rpc_channel *channel,
                                   const struct rpc_channel_link *link);

#endif
