#include "hbase/registry.h"

#include "base/buf.h"
#include "base/clock.h"

static const char *const place_names[] = {
    [HBASE_MASTER] = "the active master",
    [HBASE_META] = "the server of hbase:meta",
    [HBASE_CLUSTER_ID] = "the id",
};
static_assert(ARRAY_LEN(place_names) == HBASE_NPLACES, "a name for each place");

/* When to give up the end point that is next: those that are left share the time, so that the last one is asked, too. */
static int64_t get_share_ms(size_t nleft, int64_t end_ms)
{
    int64_t now_ms = clock_get_monotonic_ms();
    int64_t share_ms = (end_ms - now_ms) / (int64_t)nleft;

    return now_ms + (share_ms < HBASE_ENDPOINT_MS ? share_ms : HBASE_ENDPOINT_MS);
}

static bool is_final(struct status st)
{
    return st.code == STATUS_OK || st.code == STATUS_CANCELLED ||
           st.code == STATUS_FAILED_PRECONDITION || st.code == STATUS_PERMISSION_DENIED;
}

static struct status ask(struct hbase_registry *registry, const struct hbase_endpoint *endpoint,
                         enum hbase_place place, int64_t deadline_ms, struct hbase_found *ret)
{
    if (registry->options->znode)
        return hbase_registry_ask_zookeeper(registry, endpoint, place, deadline_ms, ret);
    return hbase_registry_ask_server(registry, endpoint, place, deadline_ms, ret);
}

struct status hbase_registry_find(struct hbase_registry *registry, enum hbase_place place,
                                  struct hbase_found *ret)
{
    const struct hbase_cluster_options *options = registry->options;
    int64_t end_ms = clock_get_monotonic_ms() + HBASE_FIND_MS;
    size_t first = atomic_load(&registry->first);
    struct buf said = {0};
    struct status st = status_ok();

    for (size_t i = 0; i < options->nendpoints; i++) {
        size_t at = (first + i) % options->nendpoints;

        st = ask(registry, &options->endpoints[at], place,
                 get_share_ms(options->nendpoints - i, end_ms), ret);
        if (st.code == STATUS_OK)
            atomic_store(&registry->first, at);
        if (is_final(st))
            break;
        buf_printf(&said, "%s%s", i > 0 ? "; " : "", st.text);
    }
    if (!is_final(st))
        st = status_error(STATUS_UNAVAILABLE, "%s of '%s' is not to be found: %s",
                          place_names[place], options->name, buf_get_text(&said));
    buf_deinit(&said);
    return st;
}
