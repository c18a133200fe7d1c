#include "worker/sync_peer.h"

#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/str.h"
#include "hbase/cluster.h"
#include "hbase/peer.h"
#include "worker/job_context.h"
#include "worker/migration.h"

/* Names of settings in the peer's configuration; HBase hands on what it does not know. */
static const char note_name[] = "sluice.peer.note";
static const char note_held[] = "held";
static const char note_shipping[] = "shipping";
static const char task_name[] = "sluice.task";

static const char own_end_point[] = "HBaseInterClusterReplicationEndpoint";

struct status sync_peer_find(const struct sync *sync, struct arena *arena,
                             Hb__ReplicationPeerDescription **ret)
{
    return migration_at_source(hbase_peer_find(sync->source, sync->peer_id, arena, ret));
}

bool sync_peer_is_enabled(const Hb__ReplicationPeerDescription *peer)
{
    return peer->state->state == HB__REPLICATION_STATE__STATE__ENABLED;
}

static Hb__NameStringPair *find_note(const Hb__ReplicationPeer *config)
{
    for (size_t i = 0; i < config->n_configuration; i++) {
        if (strcmp(config->configuration[i]->name, note_name) == 0)
            return config->configuration[i];
    }
    return NULL;
}

bool sync_peer_is_held(const Hb__ReplicationPeerDescription *peer)
{
    const Hb__NameStringPair *note = find_note(peer->config);

    return note && strcmp(note->value, note_held) == 0;
}

static bool is_of(const Hb__TableCF *entry, const struct hbase_table_name *name)
{
    const Hb__TableName *other = entry->table_name;

    return other && entry->n_families == 0 &&
           str_is(str_from_bytes(other->namespace_.data, other->namespace_.len), name->namespace) &&
           str_is(str_from_bytes(other->qualifier.data, other->qualifier.len), name->qualifier);
}

bool sync_peer_has_tables(const struct sync *sync, const Hb__ReplicationPeerDescription *peer)
{
    const Hb__ReplicationPeer *config = peer->config;

    if (config->n_table_cfs != sync->ntables)
        return false;
    for (size_t i = 0; i < sync->ntables; i++) {
        bool is_there = false;

        /* The master keeps them in an order of its own; it is mostly ours. */
        for (size_t j = 0; j < sync->ntables && !is_there; j++)
            is_there = is_of(config->table_cfs[(i + j) % sync->ntables], &sync->tables[i]);
        if (!is_there)
            return false;
    }
    return true;
}

struct status sync_peer_check(const struct sync *sync, const Hb__ReplicationPeerDescription *peer)
{
    const Hb__ReplicationPeer *config = peer->config;
    const char *end_point = config->replication_endpoint_impl;
    const char *key = config->clusterkey ? config->clusterkey : "";

    if (strcmp(key, sync->destination_key) != 0)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "source: replication peer %s ships to %s and not to %s; remove it "
                            "(remove_peer '%s'), then retry the task from its start",
                            sync->peer_id, key, sync->destination_key, sync->peer_id);
    if ((end_point && end_point[0] && !strstr(end_point, own_end_point)) ||
        !config->has_replicate_all || config->replicate_all || config->n_namespaces > 0)
        return status_error(
            STATUS_FAILED_PRECONDITION,
            "source: replication peer %s was changed by hand: it has to ship the "
            "tables of its list alone (set_peer_replicate_all '%s', false), without "
            "namespaces and with HBase's own end point",
            sync->peer_id, sync->peer_id);
    return status_ok();
}

/* The sync's tables as a peer has them, in arena. */
static Hb__TableCF **make_tables(const struct sync *sync, struct arena *arena)
{
    Hb__TableCF **list = arena_alloc(arena, sync->ntables * sizeof(*list));

    for (size_t i = 0; i < sync->ntables; i++) {
        const struct hbase_table_name *table = &sync->tables[i];
        Hb__TableName *name = arena_alloc(arena, sizeof(*name));

        hb__table_name__init(name);
        name->namespace_.data = (uint8_t *)(uintptr_t)table->namespace;
        name->namespace_.len = strlen(table->namespace);
        name->qualifier.data = (uint8_t *)(uintptr_t)table->qualifier;
        name->qualifier.len = strlen(table->qualifier);
        list[i] = arena_alloc(arena, sizeof(*list[i]));
        hb__table_cf__init(list[i]);
        list[i]->table_name = name;
    }
    return list;
}

static Hb__NameStringPair make_setting(const char *name, const char *value)
{
    Hb__NameStringPair pair = HB__NAME_STRING_PAIR__INIT;

    pair.name = (char *)(uintptr_t)name;
    pair.value = (char *)(uintptr_t)value;
    return pair;
}

struct status sync_peer_add(const struct sync *sync, int64_t bytes_per_second)
{
    Hb__ReplicationPeer config = HB__REPLICATION_PEER__INIT;
    Hb__NameStringPair note = make_setting(note_name, note_held);
    Hb__NameStringPair task = make_setting(task_name, job_context_get_job(sync->context)->task_id);
    Hb__NameStringPair *settings[] = {&note, &task};
    struct arena *arena = arena_create(0);

    config.clusterkey = (char *)(uintptr_t)sync->destination_key;
    config.has_replicate_all = true;
    config.replicate_all = false;
    config.has_bandwidth = true;
    config.bandwidth = bytes_per_second;
    config.table_cfs = make_tables(sync, arena);
    config.n_table_cfs = sync->ntables;
    config.configuration = settings;
    config.n_configuration = ARRAY_LEN(settings);
    struct status st = hbase_peer_add_disabled(sync->source, sync->peer_id, &config);
    arena_destroy(arena);
    return st.code == STATUS_ALREADY_EXISTS ? status_ok() : migration_at_source(st);
}

/*
 * Replaces the peer's configuration by config, a changed copy of what it has. The master merges settings by their names: those of
 * config are all that are changed.
 */
static struct status update(const struct sync *sync, const Hb__ReplicationPeer *config)
{
    return migration_at_source(hbase_peer_update(sync->source, sync->peer_id, config));
}

struct status sync_peer_set_tables(const struct sync *sync,
                                   const Hb__ReplicationPeerDescription *peer)
{
    Hb__ReplicationPeer config = *peer->config;
    struct arena *arena = arena_create(0);

    config.table_cfs = make_tables(sync, arena);
    config.n_table_cfs = sync->ntables;
    config.n_configuration = 0;
    struct status st = update(sync, &config);
    arena_destroy(arena);
    return st;
}

struct status sync_peer_set_bandwidth(const struct sync *sync,
                                      const Hb__ReplicationPeerDescription *peer,
                                      int64_t bytes_per_second)
{
    Hb__ReplicationPeer config = *peer->config;

    config.has_bandwidth = true;
    config.bandwidth = bytes_per_second;
    config.n_configuration = 0;
    return update(sync, &config);
}

static struct status write_note(const struct sync *sync, const Hb__ReplicationPeerDescription *peer,
                                const char *text)
{
    Hb__ReplicationPeer config = *peer->config;
    Hb__NameStringPair note = make_setting(note_name, text);
    Hb__NameStringPair *settings[] = {&note};

    config.configuration = settings;
    config.n_configuration = 1;
    return update(sync, &config);
}

/* The note goes last: whoever dies in between has left a peer that is still to be released. */
struct status sync_peer_release(const struct sync *sync, const Hb__ReplicationPeerDescription *peer)
{
    struct status st = status_ok();

    if (!sync_peer_is_enabled(peer))
        st = migration_at_source(hbase_peer_enable(sync->source, sync->peer_id));
    if (st.code == STATUS_OK && sync_peer_is_held(peer))
        st = write_note(sync, peer, note_shipping);
    return st;
}

/* The note goes first: a peer that stands still without it was stopped by somebody else. */
struct status sync_peer_hold(const struct sync *sync, const Hb__ReplicationPeerDescription *peer)
{
    struct status st = status_ok();

    if (!sync_peer_is_held(peer))
        st = write_note(sync, peer, note_held);
    if (st.code == STATUS_OK && sync_peer_is_enabled(peer))
        st = migration_at_source(hbase_peer_disable(sync->source, sync->peer_id));
    return st;
}
