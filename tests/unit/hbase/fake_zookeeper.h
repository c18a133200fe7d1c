/*
 * tests/unit/hbase/fake_zookeeper.h - a server on loopback that has nodes as ZooKeeper has, and can be wrong on purpose.
 */
#ifndef TESTS_UNIT_HBASE_FAKE_ZOOKEEPER_H
#define TESTS_UNIT_HBASE_FAKE_ZOOKEEPER_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"

struct fake_zookeeper;

struct fake_node {
    const char *path;
    struct str data;
};

enum fake_zookeeper_mood {
    FAKE_ZOOKEEPER_WELL,
    FAKE_ZOOKEEPER_HANGS_UP, /* instead of opening a session: it has no quorum */
    FAKE_ZOOKEEPER_EXPIRES,  /* the session is over as soon as it is opened */
    FAKE_ZOOKEEPER_DENIES,   /* each node */
    FAKE_ZOOKEEPER_CHATTERS, /* says things that were not asked before it answers */
    FAKE_ZOOKEEPER_BABBLES,  /* speaks something else */
    FAKE_ZOOKEEPER_IS_MUTE,
};

/* Borrowed until it is closed. */
struct fake_zookeeper_options {
    const struct fake_node
        *nodes; /* nodes[0 .. nnodes); a node's children are those whose paths say so */
    size_t nnodes;
    enum fake_zookeeper_mood mood;
};

struct fake_zookeeper *fake_zookeeper_open(const struct fake_zookeeper_options *options);
void fake_zookeeper_close(struct fake_zookeeper *server);
int fake_zookeeper_get_port(const struct fake_zookeeper *server);

/* How many clients have closed their sessions, as they should. */
unsigned fake_zookeeper_count_closed(const struct fake_zookeeper *server);

#endif
