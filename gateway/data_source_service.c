/*
 * gateway/data_source_service.c - sluice.v1.DataSourceService: answers from table
 * data_source.
 *
 * A method is two functions: the one with its name starts the query; the one above it,
 * which ends in _done, turns the rows into the reply. An update is the one that takes two
 * queries: what "***" stands for must be read before the new parameters can be written.
 * Secrets are in the rows, sealed if the gateway has keys, and masked in every reply.
 */
#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "gateway/access.h"
#include "gateway/enum_text.h"
#include "gateway/fault.h"
#include "gateway/op.h"
#include "gateway/page.h"
#include "gateway/services.h"
#include "gateway/source_check.h"
#include "gateway/source_secrets.h"
#include "rpc/call.h"
#include "sluice/v1/data_source_service.pb-c.h"
#include "spec/data_source_endpoints.h"
#include "spec/data_source_secrets.h"
#include "spec/data_source_spec.h"
#include "store/data_source_store.h"
#include "store/row.h"

static void mask(Pb__DataSource *source, struct arena *arena)
{
    struct buf masked = {0};

    data_source_write_masked(source->type, source->parameters_json, &masked);
    source->parameters_json = arena_copy_str(arena, buf_get(&masked));
    buf_deinit(&masked);
}

/*
 * The new parameters: new_json, with secrets of old_json where it has "***". Adds to violations what is wrong; the text is
 * not to be used then.
 */
static const char *make_parameters(Pb__DataSourceType type, const char *old_json,
                                   const char *new_json, struct arena *arena,
                                   struct violations *violations)
{
    struct buf merged = {0};

    data_source_validate_parameters(type, new_json, violations);
    if (violations->count == 0)
        data_source_merge(type, old_json, new_json, violations, &merged);
    const char *parameters = arena_copy_str(arena, buf_get(&merged));
    buf_deinit(&merged);
    return parameters;
}

/* As they are to be stored. False: the call has been ended. */
static bool seal_parameters(struct rpc_call *call, const char *name, Pb__DataSourceType type,
                            const char *parameters, const char **ret)
{
    Pb__DataSource source = PB__DATA_SOURCE__INIT;

    source.name = (char *)name;
    source.type = type;
    source.parameters_json = (char *)parameters;
    struct status st = source_secrets_seal(call, &source, ret);
    if (st.code != STATUS_OK)
        rpc_call_end(call, st, NULL);
    return st.code == STATUS_OK;
}

/* Where the data source is, in short, for those who list tasks. */
static struct param address_of(Pb__DataSourceType type, const char *parameters, struct arena *arena)
{
    struct buf address = {0};

    data_source_write_address(type, parameters, &address);
    const char *text = arena_copy_str(arena, buf_get(&address));
    buf_deinit(&address);
    return param_text(text);
}

/* Ends the call with the first row, as missing if there is none, or with what went wrong. */
static void end_with_row(struct op *op, struct status st, const struct pg_result *rows,
                         enum fault missing)
{
    Pb__DataSource source = PB__DATA_SOURCE__INIT; /* its strings are borrowed from rows */

    if (!op_take_row(op, st, rows, missing, &source.base))
        return;
    mask(&source, rpc_call_get_arena(op->call));
    rpc_call_end(op->call, st, &source.base);
}

/* CreateDataSource. */

static void create_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);

    if (st.code == STATUS_OK && rows_get_count(rows) > 0)
        access_log_change(op->call, "data source created", op->name);
    end_with_row(op, st, rows, FAULT_DATA_SOURCE_EXISTS);
}

static void create(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__CreateDataSourceRequest *request = (const Pb__CreateDataSourceRequest *)message;
    const Pb__DataSource *source = request->data_source;
    struct arena *arena = rpc_call_get_arena(call);
    struct violations violations = {0};
    const char *parameters = NULL;

    if (!source) {
        violations_add(&violations, "data_source", "data_source is missing");
    } else {
        data_source_validate_name(source->name, "data_source.name", &violations);
        parameters =
            make_parameters(source->type, "{}", source->parameters_json, arena, &violations);
    }
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    const char *type = enum_text_find(&pb__data_source_type__descriptor, (int)source->type);
    if (!seal_parameters(call, source->name, source->type, parameters, &parameters))
        return;
    op_submit(op_create(call, source->name),
              &(struct query){
                  .statement = &data_source_create,
                  .params = {param_text(source->name), param_text(type), param_text(parameters),
                             address_of(source->type, parameters, arena)},
                  .on_done = create_done,
              });
}

/* GetDataSource. */

static void get_done(struct query *query, struct status st, const struct pg_result *rows)
{
    end_with_row(op_of(query), st, rows, FAULT_DATA_SOURCE_NOT_FOUND);
}

static void get(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__GetDataSourceRequest *request = (const Pb__GetDataSourceRequest *)message;
    struct violations violations = {0};

    data_source_validate_name(request->name, "name", &violations);
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    op_submit(op_create(call, request->name), &(struct query){
                                                  .statement = &data_source_get,
                                                  .params = {param_text(request->name)},
                                                  .on_done = get_done,
                                              });
}

/* ListDataSources: by name; the token holds the last name. */

static const char list_scope[] = "data_sources";

struct list_op {
    struct op op;
    unsigned page_size;
};

static void list_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct list_op *list = container_of(op, struct list_op, op);
    struct arena *arena = rpc_call_get_arena(op->call);
    Pb__ListDataSourcesResponse reply = PB__LIST_DATA_SOURCES_RESPONSE__INIT;
    struct page page = {0};

    if (st.code == STATUS_OK)
        st = page_read(rows, &pb__data_source__descriptor, list->page_size, arena, &page);
    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    reply.n_data_sources = page.nitems;
    reply.data_sources = (Pb__DataSource **)page.items;
    for (size_t i = 0; i < page.nitems; i++)
        mask(reply.data_sources[i], arena);
    if (page_goes_on(&page, rows)) {
        struct str last = str_from(reply.data_sources[page.nitems - 1]->name);
        reply.next_page_token = (char *)page_token_write(list_scope, &last, 1, arena);
    }
    rpc_call_end(op->call, st, &reply.base);
}

static void list(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__ListDataSourcesRequest *request = (const Pb__ListDataSourcesRequest *)message;
    struct violations violations = {0};
    struct param after = param_null();
    unsigned page_size = page_size_get(request->page_size, &violations);

    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    if (request->page_token[0] != '\0') {
        struct str name;
        struct status st =
            page_token_read(request->page_token, list_scope, rpc_call_get_arena(call), &name, 1);
        if (st.code != STATUS_OK) {
            fault_end_with(call, FAULT_PAGE_TOKEN, NULL, st);
            return;
        }
        after = param_str(name);
    }
    struct list_op *op = rpc_call_alloc(call, sizeof(*op));
    op->op.call = call;
    op->page_size = page_size;
    op_submit(&op->op, &(struct query){
                           .statement = &data_source_list,
                           .params = {param_int((int64_t)page_size + 1), after},
                           .on_done = list_done,
                       });
}

/*
 * UpdateDataSource: reads what is stored, takes from it what the new parameters mask, and
 * writes them if nobody was faster.
 */

struct update_op {
    struct op op;
    const Pb__DataSource *wanted; /* the request's */
};

static void update_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct str outcome =
        st.code == STATUS_OK ? row_get_text(rows, 0, "note/outcome") : str_from("");

    if (str_is(outcome, "DONE"))
        access_log_change(op->call, "data source updated", op->name);
    if (str_is(outcome, "NOT_FOUND"))
        fault_end(op->call, FAULT_DATA_SOURCE_NOT_FOUND, op->name);
    else if (str_is(outcome, "CHANGED"))
        fault_end(op->call, FAULT_ETAG_MISMATCH, op->name);
    else
        end_with_row(op, st, rows, FAULT_DATA_SOURCE_NOT_FOUND);
}

static void write_update(struct update_op *update, const Pb__DataSource *stored)
{
    struct op *op = &update->op;
    const Pb__DataSource *wanted = update->wanted;
    struct arena *arena = rpc_call_get_arena(op->call);
    struct violations violations = {0};

    if ((int)wanted->type != 0 && wanted->type != stored->type)
        violations_add(&violations, "data_source.type", "the type of a data source never changes");
    const char *parameters = make_parameters(stored->type, stored->parameters_json,
                                             wanted->parameters_json, arena, &violations);
    if (violations.count > 0) {
        fault_end_violations(op->call, &violations);
        return;
    }
    if (!seal_parameters(op->call, op->name, stored->type, parameters, &parameters))
        return;
    const char *etag = arena_copy_str(arena, str_from(stored->etag));
    op_submit(op, &(struct query){
                      .statement = &data_source_update,
                      .params = {param_text(op->name), param_text(parameters), param_text(etag),
                                 address_of(stored->type, parameters, arena)},
                      .on_done = update_done,
                  });
}

static void read_for_update_done(struct query *query, struct status st,
                                 const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct update_op *update = container_of(op, struct update_op, op);
    Pb__DataSource stored = PB__DATA_SOURCE__INIT;
    const char *etag = update->wanted->etag;

    if (!op_take_row(op, st, rows, FAULT_DATA_SOURCE_NOT_FOUND, &stored.base))
        return;
    if (etag[0] != '\0' && strcmp(etag, stored.etag) != 0)
        fault_end(op->call, FAULT_ETAG_MISMATCH, op->name);
    else
        write_update(update, &stored);
}

/* Only the parameters can change: an empty mask means them, too. */
static void validate_mask(const Google__Protobuf__FieldMask *field_mask,
                          struct violations *violations)
{
    for (size_t i = 0; field_mask && i < field_mask->n_paths; i++)
        if (strcmp(field_mask->paths[i], "parameters_json") != 0)
            violations_add(violations, "update_mask",
                           "'%.60s' cannot be updated; parameters_json can", field_mask->paths[i]);
}

static void update(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__UpdateDataSourceRequest *request = (const Pb__UpdateDataSourceRequest *)message;
    struct violations violations = {0};

    if (!request->data_source)
        violations_add(&violations, "data_source", "data_source is missing");
    else
        data_source_validate_name(request->data_source->name, "data_source.name", &violations);
    validate_mask(request->update_mask, &violations);
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    struct update_op *op = rpc_call_alloc(call, sizeof(*op));
    op->op.call = call;
    op->op.name = request->data_source->name;
    op->wanted = request->data_source;
    op_submit(&op->op, &(struct query){
                           .statement = &data_source_get,
                           .params = {param_text(op->op.name)},
                           .on_done = read_for_update_done,
                       });
}

/* DeleteDataSource. */

static void end_in_use(struct op *op, const struct pg_result *rows)
{
    struct str task = row_get_text(rows, 0, "note/task_id");

    fault_end_with(op->call, FAULT_DATA_SOURCE_IN_USE, op->name,
                   status_error(STATUS_FAILED_PRECONDITION,
                                "data source '%s' is named by task '%.*s'; delete that first",
                                op->name, (int)task.len, task.data));
}

static void delete_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    Google__Protobuf__Empty reply = GOOGLE__PROTOBUF__EMPTY__INIT;

    if (st.code == STATUS_FAILED_PRECONDITION) { /* a task was made meanwhile */
        fault_end(op->call, FAULT_DATA_SOURCE_IN_USE, op->name);
        return;
    }
    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    struct str outcome = row_get_text(rows, 0, "note/outcome");
    if (str_is(outcome, "DONE"))
        access_log_change(op->call, "data source deleted", op->name);
    if (str_is(outcome, "NOT_FOUND"))
        fault_end(op->call, FAULT_DATA_SOURCE_NOT_FOUND, op->name);
    else if (str_is(outcome, "CHANGED"))
        fault_end(op->call, FAULT_ETAG_MISMATCH, op->name);
    else if (str_is(outcome, "IN_USE"))
        end_in_use(op, rows);
    else
        rpc_call_end(op->call, st, &reply.base);
}

static void delete(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__DeleteDataSourceRequest *request = (const Pb__DeleteDataSourceRequest *)message;
    struct violations violations = {0};

    data_source_validate_name(request->name, "name", &violations);
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    op_submit(op_create(call, request->name),
              &(struct query){
                  .statement = &data_source_delete,
                  .params = {param_text(request->name),
                             request->etag[0] != '\0' ? param_text(request->etag) : param_null()},
                  .on_done = delete_done,
              });
}

static const struct rpc_method methods[] = {
    {"CreateDataSource", RPC_UNARY, create}, {"GetDataSource", RPC_UNARY, get},
    {"ListDataSources", RPC_UNARY, list},    {"UpdateDataSource", RPC_UNARY, update},
    {"DeleteDataSource", RPC_UNARY, delete}, {"CheckDataSource", RPC_UNARY, source_check_start},
};

const struct rpc_service data_source_service = {
    .descriptor = &pb__data_source_service__descriptor,
    .methods = methods,
    .nmethods = ARRAY_LEN(methods),
    .begins_traces = true,
};
