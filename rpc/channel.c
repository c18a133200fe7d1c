/*
 * rpc/channel.c - a channel of core, and another one when there are other certificates.
 *
 * Core's credentials do not change, and those of its own that do (grpc_tls_credentials) take up whatever is in a file. So who
 * begins a call looks whether the files have changed, and calls from then on go by a new channel of core; the one before
 * goes with its last call.
 */
#include "rpc/channel.h"

#include <grpc/compression.h>
#include <grpc/grpc_security.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "base/tls_files.h"
#include "rpc/calling.h"
#include "rpc/carrier_client.h"

enum { DEFAULT_REPLY_BYTES = 16 << 20 };

static grpc_arg make_arg(const char *key, int value)
{
    return (grpc_arg){
        .type = GRPC_ARG_INTEGER,
        .key = (char *)(uintptr_t)key, /* core does not write to it */
        .value.integer = value,
    };
}

static grpc_arg make_text_arg(const char *key, const char *value)
{
    return (grpc_arg){
        .type = GRPC_ARG_STRING,
        .key = (char *)(uintptr_t)key,
        .value.string = (char *)(uintptr_t)value,
    };
}

static grpc_channel_credentials *make_credentials(const struct tls_files *files)
{
    if (!files)
        return grpc_insecure_credentials_create();
    const struct tls_texts *texts = tls_files_get_texts(files);
    grpc_ssl_pem_key_cert_pair pair = {.private_key = texts->key, .cert_chain = texts->cert};
    return grpc_ssl_credentials_create_ex(texts->ca, texts->cert ? &pair : NULL, NULL, NULL);
}

static grpc_channel *create_core(const struct rpc_channel *channel)
{
    grpc_arg args[] = {
        make_text_arg(GRPC_ARG_PRIMARY_USER_AGENT_STRING, channel->user_agent),
        make_arg(GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)channel->max_message_bytes),
        /* Core decompresses before it looks at the size. */
        make_arg(GRPC_COMPRESSION_CHANNEL_ENABLED_ALGORITHMS_BITSET, 1 << GRPC_COMPRESS_NONE),
        make_arg(GRPC_ARG_ENABLE_PER_MESSAGE_COMPRESSION, 0),
        make_arg(GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0),
        make_text_arg(GRPC_ARG_SERVICE_CONFIG, "{}"),
        make_arg(GRPC_ARG_ENABLE_RETRIES, 0), /* rpc/repeat.h */
        make_text_arg(GRPC_ARG_LB_POLICY_NAME, "round_robin"),
        make_arg(GRPC_ARG_ENABLE_HTTP_PROXY, 0),
        make_arg(GRPC_ARG_SERVICE_CONFIG_DISABLE_RESOLUTION, 1),
        make_arg(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1), /* no backoff that others have caused */
        make_arg(GRPC_ARG_ENABLE_CHANNELZ, 0),
        make_arg(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS, 100),
        make_arg(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS, 1000),
        make_arg(GRPC_ARG_MIN_RECONNECT_BACKOFF_MS, 5000), /* how long one attempt may take */
        make_arg(GRPC_ARG_DNS_MIN_TIME_BETWEEN_RESOLUTIONS_MS, 1000),
        /* A server that is gone without a word is noticed. Servers allow a ping each 10 s. */
        make_arg(GRPC_ARG_KEEPALIVE_TIME_MS, 20000),
        make_arg(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 5000),
        make_arg(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1),
        make_arg(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0),
    };
    grpc_channel_args list = {ARRAY_LEN(args), args};
    grpc_channel_credentials *credentials = make_credentials(channel->tls);
    grpc_channel *core = grpc_channel_create(channel->target, credentials, &list);

    grpc_channel_credentials_release(credentials);
    return core;
}

static struct rpc_channel_link *create_link(const struct rpc_channel *channel)
{
    struct rpc_channel_link *link = mem_alloc(sizeof(*link));

    link->core = create_core(channel);
    return link;
}

static void destroy_link(struct rpc_channel_link *link)
{
    grpc_channel_destroy(link->core);
    mem_free(link);
}

struct rpc_channel *rpc_channel_open(const struct rpc_channel_options *options)
{
    struct rpc_channel *channel = mem_alloc(sizeof(*channel));

    channel->max_message_bytes =
        options->max_message_bytes ? options->max_message_bytes : (size_t)DEFAULT_REPLY_BYTES;
    channel->queue = rpc_loop_get_queue(options->loop);
    channel->token = options->token;
    channel->target = mem_copy_str(str_from(options->target));
    channel->user_agent = options->user_agent ? options->user_agent : "";
    channel->timers = options->timers;
    channel->tls = options->tls;
    channel->link = create_link(channel);
    (void)pthread_mutex_init(&channel->lock, NULL);
    if (options->carries)
        channel->carrier = rpc_carrier_client_create(channel);
    return channel;
}

void rpc_channel_close(struct rpc_channel *channel)
{
    if (!channel)
        return;
    rpc_carrier_client_destroy(channel->carrier);
    destroy_link(channel->link);
    tls_files_close(channel->tls);
    (void)pthread_mutex_destroy(&channel->lock);
    mem_free(channel->target);
    mem_free(channel);
}

/* Sees to it that new calls go by what the files say now. The lock is held. */
static void refresh(struct rpc_channel *channel)
{
    if (!channel->tls || !tls_files_refresh(channel->tls))
        return;
    if (channel->link->ncalls == 0)
        destroy_link(channel->link);
    channel->link = create_link(channel);
}

struct rpc_channel_link *rpc_channel_enter_locked(struct rpc_channel *channel)
{
    refresh(channel);
    channel->link->ncalls++;
    return channel->link;
}

bool rpc_channel_is_current_locked(struct rpc_channel *channel, const struct rpc_channel_link *link)
{
    refresh(channel);
    return link == channel->link;
}

void rpc_channel_leave_locked(struct rpc_channel *channel, struct rpc_channel_link *link)
{
    if (--link->ncalls == 0 && link != channel->link)
        destroy_link(link);
}

struct rpc_channel_link *rpc_channel_enter(struct rpc_channel *channel)
{
    pthread_mutex_lock(&channel->lock);
    struct rpc_channel_link *link = rpc_channel_enter_locked(channel);
    pthread_mutex_unlock(&channel->lock);
    return link;
}

void rpc_channel_leave(struct rpc_channel *channel, struct rpc_channel_link *link)
{
    pthread_mutex_lock(&channel->lock);
    rpc_channel_leave_locked(channel, link);
    pthread_mutex_unlock(&channel->lock);
}
