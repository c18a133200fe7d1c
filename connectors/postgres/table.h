/*
 * connectors/postgres/table.h - the table that an import writes: what of the spec goes
 * where.
 *
 * Names are quoted here, once, by libpq's own function; statements are put together of
 * these (sql.h).
 */
#ifndef CONNECTORS_POSTGRES_TABLE_H
#define CONNECTORS_POSTGRES_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "connectors/batch.h"
#include "connectors/postgres/encode.h"
#include "spec/import_spec.h"

struct pg_link;

struct pg_table {
    const char *name; /* without schema; borrowed from the spec */
    char *quoted;     /* "schema"."table" */
    char **columns;   /* [0 .. ncolumns), quoted, in the spec's order */
    enum pg_wire *wires;
    struct target_column *targets; /* their texts are borrowed from the spec */
    bool *is_key;
    size_t ncolumns;
    size_t *key;  /* [0 .. nkeys): columns of the primary key, in its order */
    size_t nkeys; /* 0: rows are added and replace nothing */
};

/*
 * Borrows spec until close. FAILED_PRECONDITION: there is no such table, or it does not
 * fit.
 */
struct status pg_table_open(struct pg_link *link, const struct import_spec *spec,
                            struct pg_table **ret) MUST_CHECK;

/* INVALID_ARGUMENT: a name is not one, or PostgreSQL would cut it. */
struct status pg_table_validate_names(const struct import_spec *spec) MUST_CHECK;

/* NULL is allowed. */
void pg_table_close(struct pg_table *table);

/*
 * HBase form: makes the table, or those of its columns that are missing, and opens it. All
 * or nothing, and safe beside others who do the same. *ret_made: whether the table is new.
 * Otherwise as pg_table_open.
 */
struct status pg_table_make(struct pg_link *link, const struct import_spec *spec, bool *ret_made,
                            struct pg_table **ret) MUST_CHECK;

#endif
