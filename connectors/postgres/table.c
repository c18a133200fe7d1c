/*
 * connectors/postgres/table.c - see table.h.
 *
 * What fits is the same question when a task starts and when a worker takes it up later, so
 * it is asked in one place: opening a table is checking it.
 */
#include "connectors/postgres/table.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/postgres/link.h"
#include "connectors/postgres/relation.h"
#include "connectors/postgres/types.h"

/* pg_class.relkind of what is not a table. */
static const struct {
    char kind;
    const char *name;
} others[] = {
    {'v', "a view"},           {'m', "a materialized view"},
    {'f', "a foreign table"},  {'S', "a sequence"},
    {'i', "an index"},         {'I', "an index"},
    {'c', "a composite type"},
};

static struct status validate_name(const char *what, const char *name)
{
    struct str text = str_from(name);

    if (text.len == 0 || !utf8_is_valid(text))
        return status_error(STATUS_INVALID_ARGUMENT, "%s name '%s' is not a name", what, name);
    if (text.len >= PG_NAME_BYTES)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "%s name '%s' is longer than the %d bytes that PostgreSQL keeps", what,
                            name, PG_NAME_BYTES - 1);
    return status_ok();
}

struct status pg_table_validate_names(const struct import_spec *spec)
{
    struct status st = validate_name("namespace", spec->namespace);

    if (st.code == STATUS_OK)
        st = validate_name("table", spec->table);
    for (size_t i = 0; i < spec->ncolumns && st.code == STATUS_OK; i++)
        st = validate_name("column", spec->columns[i].target);
    return st;
}

/* FAILED_PRECONDITION that names the table and column i. */
static struct status refuse_column(const struct import_spec *spec, const char *column,
                                   const char *reason)
{
    return status_error(STATUS_FAILED_PRECONDITION, "table %s.%s: column '%s' %s", spec->namespace,
                        spec->table, column, reason);
}

static struct status refuse_table(const struct import_spec *spec, const char *reason)
{
    return status_error(STATUS_FAILED_PRECONDITION, "table %s.%s %s", spec->namespace, spec->table,
                        reason);
}

static struct status check_kind(const struct import_spec *spec, const struct pg_relation *relation)
{
    if (relation->kind == '\0')
        return status_error(STATUS_FAILED_PRECONDITION, "there is no table %s.%s", spec->namespace,
                            spec->table);
    for (size_t i = 0; i < ARRAY_LEN(others); i++) {
        if (others[i].kind == relation->kind)
            return status_error(STATUS_FAILED_PRECONDITION, "%s.%s is %s; only a table takes rows",
                                spec->namespace, spec->table, others[i].name);
    }
    return status_ok();
}

static bool is_listed(const struct import_spec *spec, const char *column)
{
    for (size_t i = 0; i < spec->ncolumns; i++) {
        if (strcmp(spec->columns[i].target, column) == 0)
            return true;
    }
    return false;
}

/* A row must be complete with the listed columns alone. */
static struct status check_unlisted(const struct import_spec *spec,
                                    const struct pg_relation *relation)
{
    for (size_t i = 0; i < relation->nattributes; i++) {
        const struct pg_attribute *attribute = &relation->attributes[i];

        if (is_listed(spec, attribute->name))
            continue;
        if (attribute->key_place >= 0)
            return refuse_column(spec, attribute->name,
                                 "is of the primary key, so it has to be among the columns");
        if (attribute->is_not_null && !attribute->has_default)
            return refuse_column(spec, attribute->name,
                                 "may not be null and has no default, so it has to be among the "
                                 "columns");
    }
    return status_ok();
}

static struct status check_key(const struct import_spec *spec, const struct pg_relation *relation)
{
    if (relation->is_key_late)
        return refuse_table(spec, "has a deferrable primary key, by which rows cannot be replaced");
    if (relation->nkeys == 0 && spec->duplicates == IMPORT_DUPLICATES_ERROR)
        return refuse_table(spec, "has no primary key, so 'duplicates' cannot be 'error'");
    if (spec->is_sql)
        return status_ok();
    for (size_t i = 0; i < spec->ncolumns; i++) {
        if (!spec->columns[i].is_key)
            continue;
        const struct pg_attribute *attribute = pg_relation_find(relation, spec->columns[i].target);
        if (!attribute || attribute->key_place != 0 || relation->nkeys != 1)
            return refuse_column(spec, spec->columns[i].target,
                                 "has to be the primary key, and the only column of it");
    }
    return status_ok();
}

/* Decides how the values of column i are written. */
static struct status choose_type(const struct import_column *column, const struct import_spec *spec,
                                 const struct pg_attribute *attribute, enum pg_wire *ret_wire,
                                 struct target_column *target)
{
    const struct pg_type *type = pg_type_find(attribute->type_oid);

    if (!type && spec->is_sql)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "table %s.%s: column '%s' is %s; what can be written is %s",
                            spec->namespace, spec->table, column->target, attribute->type_name,
                            pg_type_get_choices());
    if (spec->is_sql) {
        *ret_wire = type->wire;
        target->type = type->type;
    } else if (!type || !pg_type_takes(type, attribute->typmod, column->type, ret_wire)) {
        return status_error(STATUS_FAILED_PRECONDITION,
                            "table %s.%s: column '%s' is %s; for %s it has to be %s",
                            spec->namespace, spec->table, column->target, attribute->type_name,
                            column_type_get_name(column->type), pg_type_get_takers(column->type));
    } else {
        target->type = column->type;
    }
    if (*ret_wire != PG_WIRE_INT_NUMERIC)
        pg_type_set_limits(type, attribute->typmod, target);
    return status_ok();
}

static char *quote(const struct pg_link *link, const char *name)
{
    struct buf buf = {0};

    pg_link_quote(link, name, &buf);
    return buf_take(&buf);
}

static struct status open_column(struct pg_link *link, const struct import_spec *spec,
                                 const struct pg_relation *relation, size_t i,
                                 struct pg_table *table)
{
    const struct import_column *column = &spec->columns[i];
    const struct pg_attribute *attribute = pg_relation_find(relation, column->target);

    if (!attribute)
        return refuse_column(spec, column->target, "is not there");
    if (attribute->is_generated)
        return refuse_column(spec, column->target, "is generated, so nothing can be written to it");
    table->columns[i] = quote(link, column->target);
    table->targets[i] = (struct target_column){
        .source = column->source,
        .target = column->target,
        .is_nullable = !attribute->is_not_null,
    };
    if (attribute->key_place >= 0) {
        assert((size_t)attribute->key_place < table->nkeys);
        table->key[attribute->key_place] = i;
        table->is_key[i] = true;
    }
    return choose_type(column, spec, attribute, &table->wires[i], &table->targets[i]);
}

static struct pg_table *create_table(struct pg_link *link, const struct import_spec *spec,
                                     size_t nkeys)
{
    struct pg_table *table = mem_alloc(sizeof(*table));
    struct buf quoted = {0};

    pg_link_quote(link, spec->namespace, &quoted);
    buf_append_char(&quoted, '.');
    pg_link_quote(link, spec->table, &quoted);
    *table = (struct pg_table){
        .name = spec->table,
        .quoted = buf_take(&quoted),
        .columns = mem_alloc_array(spec->ncolumns, sizeof(*table->columns)),
        .wires = mem_alloc_array(spec->ncolumns, sizeof(*table->wires)),
        .targets = mem_alloc_array(spec->ncolumns, sizeof(*table->targets)),
        .is_key = mem_alloc_array(spec->ncolumns, sizeof(*table->is_key)),
        .ncolumns = spec->ncolumns,
        .key = mem_alloc_array(nkeys, sizeof(*table->key)),
        .nkeys = nkeys,
    };
    return table;
}

/* Checks relation against spec and makes the table of both. */
static struct status match(struct pg_link *link, const struct import_spec *spec,
                           const struct pg_relation *relation, struct pg_table **ret)
{
    struct status st = check_kind(spec, relation);

    if (st.code != STATUS_OK)
        return st;
    struct pg_table *table = create_table(link, spec, relation->nkeys);
    for (size_t i = 0; i < spec->ncolumns && st.code == STATUS_OK; i++)
        st = open_column(link, spec, relation, i, table);
    if (st.code == STATUS_OK)
        st = check_key(spec, relation);
    if (st.code == STATUS_OK)
        st = check_unlisted(spec, relation);
    if (st.code != STATUS_OK) {
        pg_table_close(table);
        return st;
    }
    *ret = table;
    return st;
}

struct status pg_table_open(struct pg_link *link, const struct import_spec *spec,
                            struct pg_table **ret)
{
    struct pg_relation relation = {0};
    struct status st = pg_table_validate_names(spec);

    if (st.code == STATUS_OK)
        st = pg_relation_read(link, spec->namespace, spec->table, &relation);
    if (st.code == STATUS_OK)
        st = match(link, spec, &relation, ret);
    pg_relation_deinit(&relation);
    return st;
}

void pg_table_close(struct pg_table *table)
{
    if (!table)
        return;
    for (size_t i = 0; i < table->ncolumns; i++)
        mem_free(table->columns[i]);
    mem_free(table->quoted);
    mem_free(table->columns);
    mem_free(table->wires);
    mem_free(table->targets);
    mem_free(table->is_key);
    mem_free(table->key);
    mem_free(table);
}
