#include "base/limiter.h"

#include <pthread.h>
#include <stdbool.h>
#include <string.h>

#include "base/cidr.h"
#include "base/id.h"
#include "base/mem.h"

enum {
    NWAYS = 8, /* places that a client may have */
    NSETS = LIMITER_NCLIENTS / NWAYS,
    MILLI = 1000,     /* buckets are counted in thousandths of a call */
    PREFIX_BYTES = 8, /* of a /64 */
};

struct limiter_client {
    uint64_t key;
    int64_t time_ms; /* when the bucket was right; 0: nobody has the place */
    int64_t level;   /* of the bucket */
    unsigned nrunning;
};

struct limiter {
    struct limiter_settings settings;
    uint64_t seed;        /* makes places that nobody can foresee */
    pthread_mutex_t lock; /* for the table */
    struct limiter_client clients[NSETS][NWAYS];
};

/* The finalizer of MurmurHash3, which spreads each bit over all. */
static uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 33) * 0xff51afd7ed558ccdull;
    x = (x ^ x >> 33) * 0xc4ceb9fe1a85ec53ull;
    return x ^ x >> 33;
}

uint64_t limiter_make_key(struct str name)
{
    uint64_t key = name.len;

    for (size_t i = 0; i < name.len; i++)
        key = mix(key ^ (unsigned char)name.data[i]);
    return key;
}

uint64_t limiter_make_address_key(const struct cidr_address *address)
{
    return limiter_make_key(
        str_from_bytes(address->bytes, address->is_v4 ? sizeof(uint32_t) : PREFIX_BYTES));
}

struct limiter *limiter_create(const struct limiter_settings *settings)
{
    char seed[ID_HEX_BYTES];

    if (settings->calls_s == 0 && settings->running == 0)
        return NULL;
    struct limiter *limiter = mem_alloc(sizeof(*limiter));
    limiter->settings = *settings;
    id_make_hex(seed);
    limiter->seed = limiter_make_key(str_from(seed));
    (void)pthread_mutex_init(&limiter->lock, NULL);
    return limiter;
}

void limiter_destroy(struct limiter *limiter)
{
    if (!limiter)
        return;
    (void)pthread_mutex_destroy(&limiter->lock);
    mem_free(limiter);
}

/* Whether a place is the better one to take for somebody new. */
static bool is_better(const struct limiter_client *a, const struct limiter_client *b)
{
    if ((a->nrunning == 0) != (b->nrunning == 0))
        return a->nrunning == 0;
    return a->time_ms < b->time_ms;
}

/* The client's place, which may have been another one's. The lock is held. */
static struct limiter_client *take_place(struct limiter *limiter, uint64_t key, int64_t now_ms)
{
    struct limiter_client *set = limiter->clients[mix(key ^ limiter->seed) % NSETS];
    struct limiter_client *best = set;

    for (int i = 0; i < NWAYS; i++) {
        if (set[i].time_ms != 0 && set[i].key == key)
            return &set[i];
        if (is_better(&set[i], best))
            best = &set[i];
    }
    if (best->nrunning == 0)
        *best = (struct limiter_client){
            .key = key,
            .time_ms = now_ms,
            .level = limiter->settings.calls_s * MILLI,
        };
    return best;
}

static void fill(struct limiter_client *client, int64_t calls_s, int64_t now_ms)
{
    int64_t full = calls_s * MILLI;
    int64_t past_ms = now_ms - client->time_ms;

    /* A second fills the bucket, so what is longer ago does not count, nor overflow. */
    client->level += (past_ms < MILLI ? past_ms : MILLI) * calls_s;
    if (client->level > full)
        client->level = full;
    client->time_ms = now_ms;
}

unsigned limiter_enter(struct limiter *limiter, uint64_t key, int64_t now_ms,
                       struct limiter_client **ret)
{
    int64_t calls_s = limiter->settings.calls_s, max_running = limiter->settings.running;
    unsigned retry_ms = 0;

    pthread_mutex_lock(&limiter->lock);
    struct limiter_client *client = take_place(limiter, key, now_ms);
    fill(client, calls_s, now_ms);
    if (calls_s != 0 && client->level < MILLI) {
        retry_ms = (unsigned)((MILLI - client->level + calls_s - 1) / calls_s);
    } else if (max_running != 0 && client->nrunning >= max_running) {
        retry_ms = LIMITER_BUSY_RETRY_MS;
    } else {
        client->level -= calls_s != 0 ? MILLI : 0;
        client->nrunning++;
        *ret = client;
    }
    pthread_mutex_unlock(&limiter->lock);
    return retry_ms;
}

void limiter_leave(struct limiter *limiter, struct limiter_client *client)
{
    pthread_mutex_lock(&limiter->lock);
    client->nrunning--;
    pthread_mutex_unlock(&limiter->lock);
}
