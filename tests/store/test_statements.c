/* Each statement fits the schema, and each of its columns is a field of the message that it is read into. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"
#include "sluice/v1/data_source.pb-c.h"
#include "sluice/v1/task.pb-c.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "store/access_token_store.h"
#include "store/array.h"
#include "store/bad_row_store.h"
#include "store/check_store.h"
#include "store/connection.h"
#include "store/data_source_store.h"
#include "store/difference_store.h"
#include "store/explain_store.h"
#include "store/figure_store.h"
#include "store/job_store.h"
#include "store/plan_store.h"
#include "store/retention_store.h"
#include "store/statements.h"
#include "store/task_event_store.h"
#include "store/task_store.h"
#include "store/task_watch_store.h"
#include "tests/harness/test.h"
#include "tests/store/pg_fixture.h"

/* What a statement's columns without a prefix are read into; NULL: it has none. */
static const struct {
    const struct statement *statement;
    const ProtobufCMessageDescriptor *message;
} messages[] = {
    {&task_create, &pb__task__descriptor},
    {&task_get, &pb__task__descriptor},
    {&task_list, &pb__task__descriptor},
    {&task_abort, &pb__task__descriptor},
    {&task_retry, &pb__task__descriptor},
    {&task_delete, &pb__task__descriptor},
    {&task_event_list, &pb__task_event__descriptor},
    {&task_explain, &pb__task_explanation__descriptor},
    {&task_watch_changes, &pb__task__descriptor},
    {&task_watch_current, &pb__task__descriptor},
    {&task_watch_sweep, NULL},
    {&task_update, &pb__task__descriptor},
    {&plan_base_get, &pb__task__descriptor},
    {&job_lease, &pb__leased_job__descriptor},
    {&job_report, NULL},
    {&job_finish, NULL},
    {&data_source_create, &pb__data_source__descriptor},
    {&data_source_get, &pb__data_source__descriptor},
    {&data_source_list, &pb__data_source__descriptor},
    {&data_source_update, &pb__data_source__descriptor},
    {&data_source_delete, NULL},
    {&check_create, NULL},
    {&check_lease, &pb__leased_check__descriptor},
    {&check_give_back, NULL},
    {&check_finish, NULL},
    {&check_poll, NULL},
    {&check_drop, NULL},
    {&bad_row_add, NULL},
    {&bad_row_list, &pb__bad_row__descriptor},
    {&difference_add, NULL},
    {&difference_list, &pb__difference__descriptor},
    {&retention_hold, NULL},
    {&retention_task_find, NULL},
    {&retention_task_remove, NULL},
    {&retention_event_find, NULL},
    {&retention_event_remove, NULL},
    {&access_token_list, NULL},
    {&access_token_note_use, NULL},
    {&figure_jobs, NULL},
    {&figure_ends, NULL},
};

static bool has_field(const ProtobufCMessageDescriptor *message, const char *path)
{
    struct str rest = str_from(path);
    const ProtobufCFieldDescriptor *field = NULL;

    while (rest.data && message) {
        struct str part = str_cut(&rest, '.');
        char name[64];

        (void)snprintf(name, sizeof(name), "%.*s", (int)part.len, part.data);
        field = protobuf_c_message_descriptor_get_field_by_name(message, name);
        if (!field)
            return false;
        message = field->type == PROTOBUF_C_TYPE_MESSAGE ? field->descriptor : NULL;
    }
    return field && !rest.data;
}

static const ProtobufCMessageDescriptor *find_message(const struct statement *statement)
{
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        if (messages[i].statement == statement)
            return messages[i].message;
    }
    printf("statement %s is not in the test's table\n", statement->name);
    check(false);
    return NULL;
}

static void check_column(const struct statement *statement, const char *column)
{
    bool is_right = strncmp(column, "note/", 5) == 0;

    if (strncmp(column, "job/", 4) == 0)
        is_right = has_field(&pb__job__descriptor, column + 4);
    else if (strncmp(column, "told/", 5) == 0)
        is_right = has_field(&pb__job_explanation__descriptor, column + 5);
    else if (strncmp(column, "event/", 6) == 0)
        is_right = has_field(&pb__task_event__descriptor, column + 6);
    else if (!strchr(column, '/'))
        is_right = has_field(find_message(statement), column);
    if (!is_right)
        printf("%s: column %s is no field\n", statement->name, column);
    check(is_right);
}

/* Whether the text has $n, not followed by another digit. */
static bool has_param(const char *sql, unsigned n)
{
    char name[8];
    const char *found = sql;

    (void)snprintf(name, sizeof(name), "$%u", n);
    while ((found = strstr(found, name))) {
        found += strlen(name);
        if (*found < '0' || *found > '9')
            return true;
    }
    return false;
}

static void check_statement(PGconn *pg, const struct statement *statement)
{
    Oid types[QUERY_MAX_PARAMS];

    for (unsigned i = 0; i < statement->nparams; i++)
        types[i] = array_get_type(statement->types[i]);
    PGresult *prepared =
        PQprepare(pg, statement->name, statement->sql, (int)statement->nparams, types);
    if (PQresultStatus(prepared) != PGRES_COMMAND_OK)
        printf("%s: %s", statement->name, PQresultErrorMessage(prepared));
    check_int(PQresultStatus(prepared), PGRES_COMMAND_OK);
    PQclear(prepared);

    PGresult *described = PQdescribePrepared(pg, statement->name);
    check_int(PQnparams(described), statement->nparams);
    for (unsigned n = 1; n <= statement->nparams; n++)
        check(has_param(statement->sql, n));
    check(PQnfields(described) > 1);
    check_str(PQfname(described, 0), "ord");
    check_int(PQftype(described, 0), PG_TYPE_INT8);
    for (int i = 1; i < PQnfields(described); i++)
        check_column(statement, PQfname(described, i));
    PQclear(described);
}

test(every_statement_fits_the_schema_and_its_message)
{
    PGconn *pg = PQconnectdb(pg_fixture_make_database());
    unsigned nstatements = 0;

    check_int(PQstatus(pg), CONNECTION_OK);
    for (const struct statement *const *s = store_statements; *s; s++) {
        check_statement(pg, *s);
        nstatements++;
    }
    check_int(nstatements, ARRAY_LEN(messages));
    PQfinish(pg);
}

/* Sets the session as the store does, but lets it write. */
static void set_session(PGconn *pg)
{
    const char *const values[] = {"0", "off"};
    PGresult *set =
        PQexecParams(pg, connection_settings_sql, ARRAY_LEN(values), NULL, values, NULL, NULL, 0);

    check_int(PQresultStatus(set), PGRES_TUPLES_OK);
    PQclear(set);
}

/* The plan of a prepared statement, which is the same for all parameters. */
static PGresult *explain(PGconn *pg, const struct statement *statement)
{
    struct buf sql = {0};

    buf_printf(&sql, "EXPLAIN EXECUTE %s(", statement->name);
    for (unsigned i = 0; i < statement->nparams; i++)
        buf_printf(&sql, "%sNULL", i ? "," : "");
    buf_append_char(&sql, ')');
    PGresult *plan = PQexec(pg, buf_get_text(&sql));
    check_int(PQresultStatus(plan), PGRES_TUPLES_OK);
    buf_deinit(&sql);
    return plan;
}

/* A table that is small, or what a statement is there to read as a whole, or in its order up to a limit. */
static bool may_read_all(const struct statement *statement, const char *line)
{
    return strstr(line, " on data_source") || strstr(line, " on access_token ") ||
           strstr(line, " on retention ") ||
           (statement == &task_watch_sweep && strstr(line, " on task_tombstone ")) ||
           (statement == &retention_event_find && strstr(line, "using task_event_seq on ")) ||
           (statement == &figure_jobs && strstr(line, "using job_leasable on "));
}

/* Whether row i of the plan reads a table or an index from end to end. */
static bool reads_all(PGresult *plan, int i)
{
    const char *line = PQgetvalue(plan, i, 0);

    if (strstr(line, "Seq Scan on"))
        return true;
    if (!strstr(line, "Index Scan") && !strstr(line, "Index Only Scan"))
        return false;
    return i + 1 == PQntuples(plan) || !strstr(PQgetvalue(plan, i + 1, 0), "Index Cond:");
}

/*
 * Statements are planned when a session begins, maybe for tables that are empty then, and keep their plans while these
 * grow. What such a plan reads as a whole would cost more with each task that is stored.
 */
test(no_plan_reads_a_whole_table_even_if_it_was_made_for_an_empty_one)
{
    PGconn *pg = PQconnectdb(pg_fixture_make_database());

    set_session(pg);
    for (const struct statement *const *s = store_statements; *s; s++) {
        check_statement(pg, *s);
        PGresult *plan = explain(pg, *s);
        for (int i = 0; i < PQntuples(plan); i++) {
            bool is_right = !reads_all(plan, i) || may_read_all(*s, PQgetvalue(plan, i, 0));
            if (!is_right)
                printf("%s: %s\n", (*s)->name, PQgetvalue(plan, i, 0));
            check(is_right);
        }
        PQclear(plan);
    }
    PQfinish(pg);
}

test(names_of_statements_differ)
{
    for (const struct statement *const *a = store_statements; *a; a++) {
        for (const struct statement *const *b = a + 1; *b; b++)
            check(strcmp((*a)->name, (*b)->name) != 0);
    }
}
