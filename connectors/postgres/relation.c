#include "connectors/postgres/relation.h"

#include <string.h>

#include <libpq-fe.h>

#include "base/mem.h"
#include "base/number.h"
#include "base/str.h"
#include "connectors/postgres/link.h"

/* One row a column; a table without columns is one row whose column is NULL. */
static const char describe[] =
    "SELECT c.relkind,"
    "       coalesce(NOT i.indimmediate, false),"
    "       coalesce(i.indnkeyatts, 0),"
    "       a.attname,"
    "       pg_catalog.format_type(a.atttypid, a.atttypmod),"
    "       a.atttypid,"
    "       a.atttypmod,"
    "       a.attnotnull,"
    "       a.atthasdef OR a.attidentity <> '' OR t.typdefault IS NOT NULL,"
    "       a.attgenerated <> '' OR a.attidentity = 'a',"
    "       coalesce(pg_catalog.array_position(i.indkey::int2[], a.attnum), -1)"
    "  FROM pg_catalog.pg_class c"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  LEFT JOIN pg_catalog.pg_index i ON i.indrelid = c.oid AND i.indisprimary"
    "  LEFT JOIN pg_catalog.pg_attribute a"
    "    ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    "  LEFT JOIN pg_catalog.pg_type t ON t.oid = a.atttypid"
    " WHERE n.nspname = $1 AND c.relname = $2"
    " ORDER BY a.attnum";

enum describe_column {
    AT_KIND,
    AT_IS_KEY_LATE,
    AT_NKEYS,
    AT_NAME,
    AT_TYPE_NAME,
    AT_TYPE_OID,
    AT_TYPMOD,
    AT_IS_NOT_NULL,
    AT_HAS_DEFAULT,
    AT_IS_GENERATED,
    AT_KEY_PLACE,
};

static int64_t get_int(const PGresult *rows, int row, int column)
{
    int64_t value = 0;
    struct str text = str_from(PQgetvalue(rows, row, column));

    return number_read("catalog", text, INT32_MIN, UINT32_MAX, &value).code == STATUS_OK ? value
                                                                                         : 0;
}

static bool get_bool(const PGresult *rows, int row, int column)
{
    return PQgetvalue(rows, row, column)[0] == 't';
}

static char *copy_text(const PGresult *rows, int row, int column)
{
    return mem_copy_str(str_from(PQgetvalue(rows, row, column)));
}

static void read_attribute(const PGresult *rows, int row, size_t nkeys, struct pg_attribute *ret)
{
    int64_t place = get_int(rows, row, AT_KEY_PLACE);

    *ret = (struct pg_attribute){
        .name = copy_text(rows, row, AT_NAME),
        .type_name = copy_text(rows, row, AT_TYPE_NAME),
        .type_oid = (uint32_t)get_int(rows, row, AT_TYPE_OID),
        .typmod = (int32_t)get_int(rows, row, AT_TYPMOD),
        .is_not_null = get_bool(rows, row, AT_IS_NOT_NULL),
        .has_default = get_bool(rows, row, AT_HAS_DEFAULT),
        .is_generated = get_bool(rows, row, AT_IS_GENERATED),
        /* Behind the key's own columns stand those that its index only carries along. */
        .key_place = place >= 0 && (size_t)place < nkeys ? (int)place : -1,
    };
}

static struct status read_rows(const PGresult *rows, struct pg_relation *ret)
{
    int nrows = PQntuples(rows);

    *ret = (struct pg_relation){0};
    if (nrows == 0)
        return status_ok();
    if (nrows > PG_RELATION_MAX_COLUMNS)
        return status_error(STATUS_FAILED_PRECONDITION, "the table has more than %d columns",
                            PG_RELATION_MAX_COLUMNS);
    ret->kind = PQgetvalue(rows, 0, AT_KIND)[0];
    ret->is_key_late = get_bool(rows, 0, AT_IS_KEY_LATE);
    ret->nkeys = (size_t)get_int(rows, 0, AT_NKEYS);
    ret->attributes = mem_alloc_array((size_t)nrows, sizeof(*ret->attributes));
    for (int row = 0; row < nrows; row++) {
        if (!PQgetisnull(rows, row, AT_NAME))
            read_attribute(rows, row, ret->nkeys, &ret->attributes[ret->nattributes++]);
    }
    return status_ok();
}

struct status pg_relation_read(struct pg_link *link, const char *schema, const char *name,
                               struct pg_relation *ret)
{
    struct pg_query query = {.sql = describe, .nparams = 2, .params = {schema, name}};
    PGresult *rows = NULL;
    struct status st = pg_link_query(link, &query, &rows);

    if (st.code != STATUS_OK)
        return st;
    st = read_rows(rows, ret);
    PQclear(rows);
    return st;
}

void pg_relation_deinit(struct pg_relation *relation)
{
    for (size_t i = 0; i < relation->nattributes; i++) {
        mem_free(relation->attributes[i].name);
        mem_free(relation->attributes[i].type_name);
    }
    mem_free(relation->attributes);
    *relation = (struct pg_relation){0};
}

const struct pg_attribute *pg_relation_find(const struct pg_relation *relation, const char *name)
{
    for (size_t i = 0; i < relation->nattributes; i++) {
        if (strcmp(relation->attributes[i].name, name) == 0)
            return &relation->attributes[i];
    }
    return NULL;
}
