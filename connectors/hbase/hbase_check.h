/*
 * connectors/hbase/hbase_check.h - is there a cluster of HBase, and do all its servers answer this machine by their own names?
 */
#ifndef CONNECTORS_HBASE_HBASE_CHECK_H
#define CONNECTORS_HBASE_HBASE_CHECK_H

struct check_options;

/* As check_try_all. */
void hbase_check_run(const struct check_options *options);

#endif
