/*
 * connectors/hbase/hbase_source.h - the cluster that a data source of type HBASE is.
 */
#ifndef CONNECTORS_HBASE_HBASE_SOURCE_H
#define CONNECTORS_HBASE_HBASE_SOURCE_H

#include "base/status.h"

struct hbase_cluster;
struct metrics;
struct stop;

/* Who tasks are in HBase when the data source names nobody. */
extern const char hbase_source_default_user[];

/*
 * Makes *ret, owned by the caller, of the parameters of the data source called name; nothing is connected yet. stop is
 * borrowed until hbase_cluster_destroy, and so is metrics, which may be NULL. INVALID_ARGUMENT: the parameters are not right.
 */
struct status hbase_source_open(const char *parameters_json, const char *name,
                                const struct stop *stop, struct metrics *metrics,
                                struct hbase_cluster **ret) MUST_CHECK;

#endif
