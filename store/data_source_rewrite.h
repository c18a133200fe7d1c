/*
 * store/data_source_rewrite.h - the parameters of all data sources, written anew: a walk over the table, for programs that
 * may block.
 */
#ifndef STORE_DATA_SOURCE_REWRITE_H
#define STORE_DATA_SOURCE_REWRITE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"

/* As the database has it. */
struct data_source_row {
    const char *name;
    const char *type; /* "POSTGRES" */
    const char *parameters_json;
};

/* Appends the parameters that the row is to have, or sets *ret_is_new to false: it stays. An error ends the walk. */
typedef struct status data_source_rewrite_fn(void *arg, const struct data_source_row *row,
                                             bool *ret_is_new, struct buf *ret);

/*
 * Gives each data source to rewrite, in the order of names, and stores what it makes of it. That goes in transactions of a
 * few rows, which are locked from the moment when they are read: nobody's update is lost, and an update by a gateway that
 * has read a row before finds that its etag has changed. What is committed stays if the program dies; a repeat goes over all
 * again. Blocks. Errors are the database's, or those of rewrite.
 */
struct status data_source_rewrite_all(const char *database_url, data_source_rewrite_fn *rewrite,
                                      void *arg) MUST_CHECK;

#endif
