#include "store/store.h"

#include <assert.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/database_url.h"
#include "store/lane.h"

struct store {
    struct store_options options; /* without zeros */
    struct lane *lanes[LANE_NLANES];
};

enum {
    DEFAULT_CONNECTIONS = 2,
    DEFAULT_MAX_BATCH = 128,
    DEFAULT_MAX_QUEUED = 4096,
    DEFAULT_STATEMENT_TIMEOUT_MS = 15000,
};

static unsigned or_default(unsigned value, unsigned default_value)
{
    return value != 0 ? value : default_value;
}

struct status store_create(const struct store_options *options, struct store **ret)
{
    struct status st = database_url_validate(options->database_url);

    if (st.code != STATUS_OK)
        return st;
    assert(options->connections <= STORE_MAX_CONNECTIONS);

    struct store *store = mem_alloc(sizeof(*store));
    store->options = (struct store_options){
        .database_url = options->database_url,
        .connections = or_default(options->connections, DEFAULT_CONNECTIONS),
        .max_batch = or_default(options->max_batch, DEFAULT_MAX_BATCH),
        .max_queued = or_default(options->max_queued, DEFAULT_MAX_QUEUED),
        .statement_timeout_ms =
            or_default(options->statement_timeout_ms, DEFAULT_STATEMENT_TIMEOUT_MS),
        .statements = options->statements,
        .metrics = options->metrics,
    };
    for (unsigned i = 0; i < LANE_NLANES && st.code == STATUS_OK; i++)
        st = lane_create(&store->options, (enum statement_lane)i, &store->lanes[i]);
    if (st.code != STATUS_OK) {
        store_destroy(store);
        return st;
    }
    *ret = store;
    return status_ok();
}

struct status store_wait_ready(struct store *store, unsigned timeout_ms)
{
    int64_t deadline_ms = clock_get_monotonic_ms() + timeout_ms;
    struct status st = status_ok();

    for (unsigned i = 0; i < LANE_NLANES && st.code == STATUS_OK; i++)
        st = lane_wait_up(store->lanes[i], deadline_ms);
    return st;
}

bool store_is_ready(struct store *store)
{
    for (unsigned i = 0; i < LANE_NLANES; i++) {
        if (!lane_is_up(store->lanes[i]))
            return false;
    }
    return true;
}

void store_submit(struct store *store, struct query *query)
{
    lane_submit(store->lanes[query->statement->lane], query);
}

void store_end_by(struct store *store, unsigned delay_ms)
{
    for (unsigned i = 0; i < LANE_NLANES; i++)
        lane_end_by(store->lanes[i], clock_get_monotonic_ms() + delay_ms);
}

void store_destroy(struct store *store)
{
    if (!store)
        return;
    for (unsigned i = 0; i < LANE_NLANES; i++)
        lane_destroy(store->lanes[i]);
    mem_free(store);
}
