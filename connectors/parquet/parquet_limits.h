/*
 * connectors/parquet/parquet_limits.h - what one process may ask of the Parquet reader at once.
 */
#ifndef CONNECTORS_PARQUET_PARQUET_LIMITS_H
#define CONNECTORS_PARQUET_PARQUET_LIMITS_H

enum { PARQUET_MAX_THREADS = 4 }; /* readers that are open at the same time */

#endif
