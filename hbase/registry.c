#include "hbase/registry.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "hbase/zookeeper.h"

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

/* What each end point is asked, until one answers. */
struct question {
    const char *what; /* is looked for: "the id" */
    struct status (*ask)(struct hbase_registry *registry, struct question *question,
                         const struct hbase_endpoint *endpoint, int64_t deadline_ms);
};

static struct status ask_each(struct hbase_registry *registry, struct question *question)
{
    const struct hbase_cluster_options *options = registry->options;
    int64_t end_ms = clock_get_monotonic_ms() + HBASE_FIND_MS;
    size_t first = atomic_load(&registry->first);
    struct buf said = {0};
    struct status st = status_ok();

    for (size_t i = 0; i < options->nendpoints; i++) {
        size_t at = (first + i) % options->nendpoints;

        st = question->ask(registry, question, &options->endpoints[at],
                           get_share_ms(options->nendpoints - i, end_ms));
        if (st.code == STATUS_OK)
            atomic_store(&registry->first, at);
        if (is_final(st))
            break;
        buf_printf(&said, "%s%s", i > 0 ? "; " : "", st.text);
    }
    if (!is_final(st))
        st = status_error(STATUS_UNAVAILABLE, "%s of '%s' is not to be found: %s", question->what,
                          options->name, buf_get_text(&said));
    buf_deinit(&said);
    return st;
}

struct place_question {
    struct question question;
    enum hbase_place place;
    struct hbase_found *ret;
};

static struct status ask_place(struct hbase_registry *registry, struct question *question,
                               const struct hbase_endpoint *endpoint, int64_t deadline_ms)
{
    struct place_question *self = container_of(question, struct place_question, question);

    return (registry->options->znode ? hbase_registry_ask_zookeeper : hbase_registry_ask_server)(
        registry, endpoint, self->place, deadline_ms, self->ret);
}

struct status hbase_registry_find(struct hbase_registry *registry, enum hbase_place place,
                                  struct hbase_found *ret)
{
    struct place_question question = {{place_names[place], ask_place}, place, ret};

    return ask_each(registry, &question.question);
}

struct session_question {
    struct question question;
    struct zookeeper **ret;
};

static struct status ask_session(struct hbase_registry *registry, struct question *question,
                                 const struct hbase_endpoint *endpoint, int64_t deadline_ms)
{
    struct session_question *self = container_of(question, struct session_question, question);

    return hbase_registry_open_session(registry, endpoint, deadline_ms, self->ret);
}

struct status hbase_registry_open_zookeeper(struct hbase_registry *registry, struct zookeeper **ret)
{
    struct session_question question = {{"a ZooKeeper", ask_session}, ret};
    struct status st = ask_each(registry, &question.question);

    if (st.code == STATUS_OK)
        zookeeper_set_deadline(*ret, clock_get_monotonic_ms() + HBASE_FIND_MS);
    return st;
}
