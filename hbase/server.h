/*
 * hbase/server.h - reads what HBase and ZooKeeper say a server is called. None of it is trusted: names go into messages,
 * and to the resolver.
 */
#ifndef HBASE_SERVER_H
#define HBASE_SERVER_H

#include <stdbool.h>

#include "base/status.h"
#include "base/str.h"
#include "hbase/cluster.h"
#include "hbase/hbase.pb-c.h"

/* DATA_LOSS: host is no name of a host, or the port is none. */
struct status hbase_server_make(struct str host, int64_t port, uint64_t start_code,
                                struct hbase_server *ret) MUST_CHECK;

/* Reads a ServerName. DATA_LOSS: it has no port, or its host is no name of a host. */
struct status hbase_server_read(const Hb__ServerName *name, struct hbase_server *ret) MUST_CHECK;

/* Reads "host:port", as hbase:meta has it in info:server; the start code is 0. DATA_LOSS. */
struct status hbase_server_read_text(struct str text, struct hbase_server *ret) MUST_CHECK;

/* Whether both are at the same host and port; start codes are not looked at. */
bool hbase_server_is_same_place(const struct hbase_server *a, const struct hbase_server *b);

#endif
