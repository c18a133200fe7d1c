/*
 * store/array.h - the parameters of a batch, as arrays in PostgreSQL's binary form.
 *
 * The form is that of array_recv and array_send (PostgreSQL's sources, src/backend/utils/adt/arrayfuncs.c): big-endian
 * int32 number of dimensions, 0 or 1 for "has NULLs", type of the elements, length, first index; then each element as
 * an int32 length (-1: NULL) and its bytes in its type's own binary form.
 */
#ifndef STORE_ARRAY_H
#define STORE_ARRAY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "store/query.h"

/* The object ids of built-in types, which never change (src/include/catalog/pg_type.dat). */
enum pg_type {
    PG_TYPE_BOOL = 16,
    PG_TYPE_BYTEA = 17,
    PG_TYPE_INT8 = 20,
    PG_TYPE_INT2 = 21,
    PG_TYPE_INT4 = 23,
    PG_TYPE_TEXT = 25,
    PG_TYPE_FLOAT8 = 701,
    PG_TYPE_TIMESTAMPTZ = 1184,
    PG_TYPE_INTERVAL = 1186,
};

/* The type of an array of such elements. */
uint32_t array_get_type(enum param_type type);

/*
 * Appends the array of parameter i of the nqueries queries in the list, which are linked by their member link. A list
 * of queries is never empty.
 */
void array_write(struct buf *buf, const struct list *queries, uint32_t nqueries, unsigned i);

#endif
