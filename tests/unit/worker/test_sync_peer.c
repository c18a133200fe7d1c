/*
 * tests/unit/worker/test_sync_peer.c - what a person may have done to the peer of a sync.
 */
#include "worker/sync_peer.h"

#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

/* A peer of the tables t and ns:u, as Sluice makes it. */
struct fixture {
    struct hbase_table_name tables[2];
    struct sync sync;
    Hb__TableName names[2];
    Hb__TableCF entries[2];
    Hb__TableCF *list[2];
    Hb__NameStringPair note;
    Hb__NameStringPair *settings[1];
    Hb__ReplicationState state;
    Hb__ReplicationPeer config;
    Hb__ReplicationPeerDescription peer;
};

static ProtobufCBinaryData bytes(const char *text)
{
    return (ProtobufCBinaryData){strlen(text), (uint8_t *)(uintptr_t)text};
}

static char *text(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

static void init_tables(struct fixture *f)
{
    f->tables[0] = (struct hbase_table_name){"default", "t"};
    f->tables[1] = (struct hbase_table_name){"ns", "u"};
    for (size_t i = 0; i < ARRAY_LEN(f->tables); i++) {
        hb__table_name__init(&f->names[i]);
        f->names[i].namespace_ = bytes(f->tables[i].namespace);
        f->names[i].qualifier = bytes(f->tables[i].qualifier);
        hb__table_cf__init(&f->entries[i]);
        f->entries[i].table_name = &f->names[i];
        f->list[1 - i] = &f->entries[i]; /* in another order */
    }
    f->config.table_cfs = f->list;
    f->config.n_table_cfs = ARRAY_LEN(f->list);
}

static void init_fixture(struct fixture *f)
{
    *f = (struct fixture){
        .note = HB__NAME_STRING_PAIR__INIT,
        .state = HB__REPLICATION_STATE__INIT,
        .config = HB__REPLICATION_PEER__INIT,
        .peer = HB__REPLICATION_PEER_DESCRIPTION__INIT,
    };
    init_tables(f);
    f->note.name = text("sluice.peer.note");
    f->note.value = text("held");
    f->settings[0] = &f->note;
    f->config.configuration = f->settings;
    f->config.n_configuration = 1;
    f->config.clusterkey = text("zk:2181:/hbase");
    f->config.has_replicate_all = true;
    f->peer.id = text("sluice_1");
    f->peer.state = &f->state;
    f->peer.config = &f->config;
    f->sync.tables = f->tables;
    f->sync.ntables = ARRAY_LEN(f->tables);
    f->sync.destination_key = "zk:2181:/hbase";
    memcpy(f->sync.peer_id, "sluice_1", sizeof("sluice_1"));
}

test(sync_peer_as_it_was_made_is_right)
{
    struct fixture f;

    init_fixture(&f);
    check_status(sync_peer_check(&f.sync, &f.peer), STATUS_OK);
    check(sync_peer_has_tables(&f.sync, &f.peer));
    /* A master may name HBase's own end point. */
    f.config.replication_endpoint_impl = text(
        "org.apache.hadoop.hbase.replication.regionserver.HBaseInterClusterReplicationEndpoint");
    check_status(sync_peer_check(&f.sync, &f.peer), STATUS_OK);
}

test(sync_peer_that_ships_elsewhere_or_more_is_not_right)
{
    ProtobufCBinaryData namespace = bytes("ns");
    struct fixture f;

    init_fixture(&f);
    f.config.clusterkey = text("zk:2181:/other");
    struct status st = sync_peer_check(&f.sync, &f.peer);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check(strstr(st.text, "sluice_1 ships to zk:2181:/other and not to zk:2181:/hbase"));

    init_fixture(&f);
    f.config.replicate_all = true;
    check_status(sync_peer_check(&f.sync, &f.peer), STATUS_FAILED_PRECONDITION);
    f.config.has_replicate_all = f.config.replicate_all = false; /* absent means true */
    check_status(sync_peer_check(&f.sync, &f.peer), STATUS_FAILED_PRECONDITION);

    init_fixture(&f);
    f.config.namespaces = &namespace;
    f.config.n_namespaces = 1;
    check_status(sync_peer_check(&f.sync, &f.peer), STATUS_FAILED_PRECONDITION);

    init_fixture(&f);
    f.config.replication_endpoint_impl = text("com.example.Other");
    check_status(sync_peer_check(&f.sync, &f.peer), STATUS_FAILED_PRECONDITION);
}

test(sync_peer_with_other_tables_is_told)
{
    ProtobufCBinaryData family = bytes("f");
    struct fixture f;

    init_fixture(&f);
    f.config.n_table_cfs = 1;
    check(!sync_peer_has_tables(&f.sync, &f.peer));

    init_fixture(&f);
    f.names[0].qualifier = bytes("other");
    check(!sync_peer_has_tables(&f.sync, &f.peer));

    init_fixture(&f); /* one family of a table only */
    f.entries[0].families = &family;
    f.entries[0].n_families = 1;
    check(!sync_peer_has_tables(&f.sync, &f.peer));
}

test(sync_peer_is_held_by_its_note_alone)
{
    struct fixture f;

    init_fixture(&f);
    f.state.state = HB__REPLICATION_STATE__STATE__DISABLED;
    check(sync_peer_is_held(&f.peer) && !sync_peer_is_enabled(&f.peer));
    f.note.value = text("shipping");
    check(!sync_peer_is_held(&f.peer));
    f.config.n_configuration = 0;
    check(!sync_peer_is_held(&f.peer));
    f.state.state = HB__REPLICATION_STATE__STATE__ENABLED;
    check(sync_peer_is_enabled(&f.peer));
}
