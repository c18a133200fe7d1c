/*
 * hbase/pool.c - see pool.h.
 *
 * A slot is a service of a server. Its connection belongs to it while it is alive and not retired; then it moves to the
 * list of those that are only waited for. One thread opens, without the lock; others that want the same slot wait for it.
 */
#include "hbase/pool.h"

#include <assert.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/thread.h"
#include "hbase/server.h"

enum { LOOK_MS = 100 }; /* so often a thread that waits for another looks whether it is to stop */

/* A connection and who uses it. */
struct shared {
    struct list link; /* in the pool's list */
    struct hbase_connection *connection;
    unsigned nusers;
    bool is_retired; /* in no slot any more: closed when its last user is gone */
};

struct slot {
    struct list link;
    struct hbase_server server;
    const char *service;      /* a literal */
    struct shared *shared;    /* NULL: none */
    bool is_opening;          /* a thread is at it */
    unsigned nwaiters;        /* threads that wait for it */
    struct status failure;    /* of the last attempt; OK: none, or forgotten */
    int64_t rest_deadline_ms; /* until when failure is the answer */
};

struct hbase_pool {
    struct hbase_pool_options options;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t opened; /* some slot is no longer opening */
    struct list slots;
    size_t nslots;
    struct list shared;
};

struct hbase_pool *hbase_pool_create(const struct hbase_pool_options *options)
{
    struct hbase_pool *pool = mem_alloc(sizeof(*pool));

    pool->options = *options;
    (void)pthread_mutex_init(&pool->mutex, NULL);
    thread_init_condition(&pool->opened);
    list_init(&pool->slots);
    list_init(&pool->shared);
    return pool;
}

const char *hbase_pool_find_address(const struct hbase_pool *pool, const char *host)
{
    for (size_t i = 0; i < pool->options.nhosts; i++)
        if (strcmp(pool->options.hosts[i].name, host) == 0)
            return pool->options.hosts[i].address;
    return NULL;
}

static struct slot *find_slot(struct hbase_pool *pool, const struct hbase_server *server,
                              const char *service)
{
    struct list *link;

    list_for_each (link, &pool->slots) {
        struct slot *slot = container_of(link, struct slot, link);

        if (hbase_server_is_same_place(&slot->server, server) &&
            strcmp(slot->service, service) == 0)
            return slot;
    }
    return NULL;
}

/*
 * Takes the slot's connection out of it, if there is one. What nobody uses any more goes to the list unused, for the caller to
 * close without the lock. The mutex is held.
 */
static void retire(struct slot *slot, struct list *unused)
{
    struct shared *shared = slot->shared;

    slot->shared = NULL;
    if (!shared)
        return;
    shared->is_retired = true;
    if (shared->nusers > 0)
        return;
    list_remove(&shared->link);
    list_add_last(unused, &shared->link);
}

/* The mutex is not held: closing waits for the connection's thread. */
static void close_all(struct list *unused)
{
    struct list *link;

    while ((link = list_take_first(unused))) {
        struct shared *shared = container_of(link, struct shared, link);

        hbase_connection_close(shared->connection);
        mem_free(shared);
    }
}

static bool is_needed(const struct slot *slot, int64_t now_ms)
{
    return slot->is_opening || slot->nwaiters > 0 || slot->rest_deadline_ms > now_ms ||
           (slot->shared && hbase_connection_is_alive(slot->shared->connection));
}

/* Forgets the servers that are neither connected nor waited for: they come and go, by ever new ports. The mutex is held. */
static void sweep(struct hbase_pool *pool, struct list *unused)
{
    int64_t now_ms = clock_get_monotonic_ms();
    struct list *link = pool->slots.next;

    while (link != &pool->slots) {
        struct slot *slot = container_of(link, struct slot, link);

        link = link->next;
        if (is_needed(slot, now_ms))
            continue;
        retire(slot, unused);
        list_remove(&slot->link);
        pool->nslots--;
        mem_free(slot);
    }
}

/* The slot, made if there is none; NULL if there are too many. The mutex is held. */
static struct slot *get_slot(struct hbase_pool *pool, const struct hbase_server *server,
                             const char *service, struct list *unused)
{
    struct slot *slot = find_slot(pool, server, service);

    if (slot)
        return slot;
    sweep(pool, unused);
    if (pool->nslots >= HBASE_POOL_MAX_SERVERS)
        return NULL;
    slot = mem_alloc(sizeof(*slot));
    slot->server = *server;
    slot->service = service;
    list_add_last(&pool->slots, &slot->link);
    pool->nslots++;
    return slot;
}

/* Opens a connection for the slot. The mutex is held, but not meanwhile. */
static void open_slot(struct hbase_pool *pool, struct slot *slot, int64_t deadline_ms)
{
    const struct hbase_connection_options options = {
        .host = slot->server.host,
        .address = hbase_pool_find_address(pool, slot->server.host),
        .port = slot->server.port,
        .service = slot->service,
        .auth = HBASE_AUTH_SIMPLE,
        .user = pool->options.user,
        .stop = pool->options.stop,
        .counts = pool->options.counts,
    };
    struct hbase_connection *connection = NULL;

    slot->is_opening = true;
    (void)pthread_mutex_unlock(&pool->mutex);
    struct status st = hbase_connection_open(&options, deadline_ms, &connection);
    (void)pthread_mutex_lock(&pool->mutex);
    slot->is_opening = false;
    slot->failure = st;
    slot->rest_deadline_ms = 0;
    if (st.code == STATUS_OK) {
        slot->shared = mem_alloc(sizeof(*slot->shared));
        slot->shared->connection = connection;
        list_add_last(&pool->shared, &slot->shared->link);
    } else {
        slot->rest_deadline_ms = clock_get_monotonic_ms() + HBASE_POOL_REST_MS;
    }
    (void)pthread_cond_broadcast(&pool->opened);
}

/* Waits for the thread that opens the slot. The mutex is held, but not meanwhile. */
static struct status wait_opened(struct hbase_pool *pool, struct slot *slot, int64_t deadline_ms)
{
    struct status st = status_ok();

    slot->nwaiters++;
    while (slot->is_opening && st.code == STATUS_OK) {
        int64_t now_ms = clock_get_monotonic_ms();

        if (stop_is_requested(pool->options.stop))
            st = status_error(STATUS_CANCELLED, "stop was requested");
        else if (now_ms >= deadline_ms)
            st = status_error(STATUS_DEADLINE_EXCEEDED, "%s:%d does not answer in time",
                              slot->server.host, slot->server.port);
        else
            thread_wait_until(&pool->opened, &pool->mutex, now_ms + LOOK_MS);
    }
    slot->nwaiters--;
    return st;
}

/* Sees to it that the slot has a connection, or says why not. The mutex is held, but not all the time. */
static struct status fill_slot(struct hbase_pool *pool, struct slot *slot, int64_t deadline_ms)
{
    struct status st = wait_opened(pool, slot, deadline_ms);

    if (st.code != STATUS_OK || slot->shared)
        return st;
    if (slot->rest_deadline_ms <= clock_get_monotonic_ms())
        open_slot(pool, slot, deadline_ms);
    return slot->failure;
}

struct status hbase_pool_get(struct hbase_pool *pool, const struct hbase_server *server,
                             const char *service, int64_t deadline_ms,
                             struct hbase_connection **ret)
{
    struct status st = status_ok();
    struct list unused;

    list_init(&unused);
    (void)pthread_mutex_lock(&pool->mutex);
    struct slot *slot = get_slot(pool, server, service, &unused);
    if (!slot) {
        st = status_error(STATUS_RESOURCE_EXHAUSTED, "HBase names more than %d servers",
                          HBASE_POOL_MAX_SERVERS);
        goto out;
    }
    if (slot->shared && !hbase_connection_is_alive(slot->shared->connection))
        retire(slot, &unused);
    st = fill_slot(pool, slot, deadline_ms);
    if (st.code == STATUS_OK) {
        slot->shared->nusers++;
        *ret = slot->shared->connection;
    }
out:
    (void)pthread_mutex_unlock(&pool->mutex);
    close_all(&unused);
    return st;
}

static struct shared *find_shared(struct hbase_pool *pool,
                                  const struct hbase_connection *connection)
{
    struct list *link;

    list_for_each (link, &pool->shared) {
        struct shared *shared = container_of(link, struct shared, link);

        if (shared->connection == connection)
            return shared;
    }
    return NULL;
}

void hbase_pool_release(struct hbase_pool *pool, struct hbase_connection *connection)
{
    struct list unused;

    list_init(&unused);
    (void)pthread_mutex_lock(&pool->mutex);
    struct shared *shared = find_shared(pool, connection);
    assert(shared && shared->nusers > 0);
    shared->nusers--;
    if (shared->is_retired && shared->nusers == 0) {
        list_remove(&shared->link);
        list_add_last(&unused, &shared->link);
    }
    (void)pthread_mutex_unlock(&pool->mutex);
    close_all(&unused);
}

void hbase_pool_retire(struct hbase_pool *pool, const struct hbase_server *server,
                       const char *service)
{
    struct list unused;

    list_init(&unused);
    (void)pthread_mutex_lock(&pool->mutex);
    struct slot *slot = find_slot(pool, server, service);
    if (slot)
        retire(slot, &unused);
    (void)pthread_mutex_unlock(&pool->mutex);
    close_all(&unused);
}

void hbase_pool_destroy(struct hbase_pool *pool)
{
    struct list *link;

    if (!pool)
        return;
    list_for_each (link, &pool->shared)
        assert(container_of(link, struct shared, link)->nusers == 0);
    close_all(&pool->shared);
    while ((link = list_take_first(&pool->slots)))
        mem_free(container_of(link, struct slot, link));
    (void)pthread_cond_destroy(&pool->opened);
    (void)pthread_mutex_destroy(&pool->mutex);
    mem_free(pool);
}
