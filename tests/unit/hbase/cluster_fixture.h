/*
 * tests/unit/hbase/cluster_fixture.h - a cluster of one fake server, and its client.
 */
#ifndef TESTS_UNIT_HBASE_CLUSTER_FIXTURE_H
#define TESTS_UNIT_HBASE_CLUSTER_FIXTURE_H

#include "base/stop.h"
#include "hbase/cluster.h"
#include "tests/unit/hbase/fake_meta.h"
#include "tests/unit/hbase/fake_server.h"

enum {
    CLUSTER_FIXTURE_PATIENCE_MS = 20 * 1000
}; /* that no test uses up, except those that mean to */

struct cluster_fixture {
    struct fake_meta meta;
    struct fake_server *server;
    struct hbase_cluster *cluster;
    struct stop stop;
    /* Answers what is neither the registry's nor about hbase:meta. NULL: nothing is. */
    void (*on_call)(void *self, struct fake_call *call);
    void *self;
};

/* Zeroed, but for on_call and self. */
void cluster_fixture_open(struct cluster_fixture *f);
void cluster_fixture_close(struct cluster_fixture *f);

/* The server ends, and another takes its place, at its port. */
void cluster_fixture_restart(struct cluster_fixture *f);

/* A client whose end points are ports of 127.0.0.1: of HBase if znode is NULL, else of ZooKeeper. */
struct hbase_cluster *cluster_fixture_make_client(const int *ports, size_t nports,
                                                  const char *znode, const struct stop *stop);

/* A port at which nobody listens. */
int cluster_fixture_find_dead_port(void);

#endif
