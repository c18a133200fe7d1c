/*
 * connectors/postgres/types.h - the types of columns that can be written, and what goes
 * into which.
 */
#ifndef CONNECTORS_POSTGRES_TYPES_H
#define CONNECTORS_POSTGRES_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "connectors/batch.h"
#include "connectors/postgres/encode.h"
#include "spec/column_type.h"

/* A type of the server and how it is written. */
struct pg_type {
    uint32_t oid;          /* of the system catalog: these never change */
    enum column_type type; /* what an SQL column of it takes */
    enum pg_wire wire;
};

/* NULL: a type that we do not write. */
const struct pg_type *pg_type_find(uint32_t oid);

/* All that can be written, for errors. */
const char *pg_type_get_choices(void);

/* The type of a column that is made for values of type: "bigint". Never freed. */
const char *pg_type_get_made(enum column_type type);

/*
 * Sets *ret_wire to how values of type are written to a column of to, which has the
 * modifier typmod (-1: none). False: not all of them would fit there.
 */
bool pg_type_takes(const struct pg_type *to, int32_t typmod, enum column_type type,
                   enum pg_wire *ret_wire);

/*
 * The types of the server that take all values of type, for errors: "integer, bigint or
 * numeric".
 */
const char *pg_type_get_takers(enum column_type type);

/* Sets the limits that the modifier of a column puts on values. */
void pg_type_set_limits(const struct pg_type *type, int32_t typmod, struct target_column *column);

#endif
