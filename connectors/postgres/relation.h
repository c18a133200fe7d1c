/*
 * connectors/postgres/relation.h - a table as the catalog describes it.
 */
#ifndef CONNECTORS_POSTGRES_RELATION_H
#define CONNECTORS_POSTGRES_RELATION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct pg_link;

enum { PG_RELATION_MAX_COLUMNS = 1600 }; /* PostgreSQL's own limit */

struct pg_attribute {
    char *name;
    char *type_name; /* as SQL writes it: "character varying(20)" */
    uint32_t type_oid;
    int32_t typmod; /* -1: none */
    bool is_not_null;
    bool has_default;  /* a value without which an insert does */
    bool is_generated; /* takes no values */
    int key_place;     /* in the primary key, from 0; -1: not in it */
};

struct pg_relation {
    char kind;        /* pg_class.relkind; 0: there is no such relation */
    bool is_key_late; /* the primary key is deferrable */
    size_t nkeys;     /* columns of the primary key; 0: there is none */
    struct pg_attribute *attributes;
    size_t nattributes;
};

/* Reads what is known of schema.name; none is no error. */
struct status pg_relation_read(struct pg_link *link, const char *schema, const char *name,
                               struct pg_relation *ret) MUST_CHECK;

void pg_relation_deinit(struct pg_relation *relation);

/* NULL: there is no such column. */
const struct pg_attribute *pg_relation_find(const struct pg_relation *relation, const char *name);

#endif
