/*
 * store/data_source_store.h - statements over table data_source.
 *
 * "The data source's columns" are the fields of a Pb__DataSource; parameters_json is as stored, with secrets.
 */
#ifndef STORE_DATA_SOURCE_STORE_H
#define STORE_DATA_SOURCE_STORE_H

#include "store/query.h"

/*
 * Stores a new data source. 1 text: the name; 2 text: the type, "FILE"; 3 text: parameters_json; 4 text: its address,
 * NULL: none. One row: the data source's columns. No row: the name is taken.
 */
extern const struct statement data_source_create;

/* 1 text: the name. One row: the data source's columns. No row: there is none. */
extern const struct statement data_source_get;

/*
 * Lists data sources by name, as many as fit into 2 MiB of parameters. 1 int8: how many at most; 2 text: only names
 * behind this one, NULL: from the first. A row each: the data source's columns, and "note/is_last", which is false
 * if the list goes on behind the last row although there are fewer rows than asked for.
 */
extern const struct statement data_source_list;

/*
 * Replaces the parameters. 1 text: the name; 2 text: parameters_json; 3 text: the etag that it must have, NULL: any;
 * 4 text: its address, NULL: none. One row: "note/outcome" is DONE, NOT_FOUND or CHANGED (the etag is another), and the data source's columns as they
 * are now.
 */
extern const struct statement data_source_update;

/*
 * Deletes a data source. 1 text: the name; 2 text: the etag that it must have, NULL: any. One row: "note/outcome" is
 * DONE, NOT_FOUND, CHANGED or IN_USE, and "note/task_id" in the last case is a task that names it.
 */
extern const struct statement data_source_delete;

#endif
