/*
 * gateway/source_check.c - a check is asked for in the database, where a worker of any gateway finds it, and is waited
 * for at the check desk.
 *
 * A check that was answered stays for a while, so that a repeat of the answer is known as one; all others are removed
 * before the call ends.
 */
#include "gateway/source_check.h"

#include <inttypes.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/id.h"
#include "gateway/check_desk.h"
#include "gateway/fault.h"
#include "gateway/gateway.h"
#include "gateway/job_fields.h"
#include "gateway/lease_desk.h"
#include "gateway/op.h"
#include "gateway/worker_id.h"
#include "rpc/call.h"
#include "sluice/v1/data_source_service.pb-c.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "spec/data_source_spec.h"
#include "spec/violations.h"
#include "store/check_store.h"
#include "store/row.h"
#include "store/store.h"

enum {
    TAKE_MS = 10000, /* a worker takes a check within this, or there is none */
    DROP_TIMEOUT_MS = 5000,
    REPLY_MS = 500, /* what is left of the call's time for the reply to travel */
    MAX_STEPS = 256,
    MAX_STEP_NAME_BYTES = 64,
    MAX_TARGET_BYTES = 512,
    MAX_STEP_MESSAGE_BYTES = 1024,
    MAX_STEP_S = 3600,
};

/* CheckDataSource. */

struct check_op {
    struct op op;
    struct check_wait wait;
    char id[ID_UUID_BYTES];
    const char *capability;
    unsigned take_ms;
    unsigned wait_ms;
    enum fault fault; /* what the call ends with once the check is removed */
    struct status st; /* ... and in which words */
    const char *about;
};

static void drop_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct check_op *check = container_of(op, struct check_op, op);

    (void)st; /* what could not be removed goes by its deadline */
    (void)rows;
    fault_end_with(op->call, check->fault, check->about, check->st);
}

/* Removes the check, then ends the call. */
static void give_up(struct check_op *check, enum fault fault, const char *about, struct status st)
{
    struct gateway *gateway = rpc_call_get_self(check->op.call);

    check->fault = fault;
    check->about = about;
    check->st = st;
    /* Not by op_submit: the call may have no time left. */
    check->op.query = (struct query){
        .statement = &check_drop,
        .params = {param_text(check->id)},
        .timeout_ms = DROP_TIMEOUT_MS,
        .on_done = drop_done,
    };
    store_submit(gateway->store, &check->op.query);
}

static void end_with_result(struct rpc_call *call, const struct pg_result *rows)
{
    struct str packed = row_get_text(rows, 0, "note/result");
    Pb__CheckDataSourceResponse *reply =
        pb__check_data_source_response__unpack(NULL, packed.len, (const uint8_t *)packed.data);

    if (!reply) {
        rpc_call_end(call, status_error(STATUS_INTERNAL, "the result of a check is broken"), NULL);
        return;
    }
    rpc_call_end(call, status_ok(), &reply->base);
    pb__check_data_source_response__free_unpacked(reply, NULL);
}

static void end_without_worker(struct check_op *check)
{
    give_up(
        check, FAULT_NO_WORKER, check->capability,
        status_error(STATUS_UNAVAILABLE,
                     "no worker that can do '%s' took the check within %u s; start one, or look "
                     "why those that run cannot reach the gateway",
                     check->capability, (check->take_ms + 999) / 1000));
}

static void end_late(struct check_op *check, const struct pg_result *rows)
{
    const char *worker =
        arena_copy_str(rpc_call_get_arena(check->op.call), row_get_text(rows, 0, "note/worker_id"));

    give_up(check, FAULT_CHECK_LATE, worker,
            status_error(STATUS_DEADLINE_EXCEEDED,
                         "worker '%s' took the check and has not told within %u s what it found",
                         worker, (check->wait_ms + 999) / 1000));
}

static void wait_ended(struct check_wait *wait, struct status st, const struct pg_result *rows)
{
    struct check_op *check = container_of(wait, struct check_op, wait);

    if (st.code == STATUS_CANCELLED) {
        give_up(check, FAULT_STOPPING, NULL, fault_make_status(FAULT_STOPPING, NULL));
        return;
    }
    if (st.code != STATUS_OK) {
        fault_end_store(check->op.call, st);
        return;
    }
    struct str outcome = row_get_text(rows, 0, "note/outcome");
    if (str_is(outcome, "DONE"))
        end_with_result(check->op.call, rows);
    else if (str_is(outcome, "NO_WORKER"))
        end_without_worker(check);
    else if (str_is(outcome, "LATE"))
        end_late(check, rows);
    else /* GONE: with its data source */
        fault_end(check->op.call, FAULT_DATA_SOURCE_NOT_FOUND, check->op.name);
}

static void create_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct check_op *check = container_of(op, struct check_op, op);
    struct gateway *gateway = rpc_call_get_self(op->call);

    if (st.code == STATUS_FAILED_PRECONDITION || /* it was deleted in this moment */
        (st.code == STATUS_OK && row_is_null(rows, 0, "note/capability"))) {
        fault_end(op->call, FAULT_DATA_SOURCE_NOT_FOUND, op->name);
        return;
    }
    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    check->capability =
        arena_copy_str(rpc_call_get_arena(op->call), row_get_text(rows, 0, "note/capability"));
    check->wait.id = check->id;
    check->wait.call = op->call;
    check->wait.on_end = wait_ended;
    st = check_desk_wait(gateway->check_desk, &check->wait);
    if (st.code == STATUS_OK)
        lease_desk_wake(gateway->desk); /* the call may be over by now */
    else
        give_up(check, st.code == STATUS_CANCELLED ? FAULT_STOPPING : FAULT_OVERLOADED, NULL,
                fault_make_status(st.code == STATUS_CANCELLED ? FAULT_STOPPING : FAULT_OVERLOADED,
                                  NULL));
}

void source_check_start(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__CheckDataSourceRequest *request = (const Pb__CheckDataSourceRequest *)message;
    struct violations violations = {0};

    data_source_validate_name(request->name, "name", &violations);
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    unsigned left_ms = rpc_call_get_time_left_ms(call);
    struct check_op *check = rpc_call_alloc(call, sizeof(*check));
    check->op.call = call;
    check->op.name = request->name;
    check->wait_ms = left_ms > 2 * REPLY_MS ? left_ms - REPLY_MS : left_ms;
    check->take_ms = check->wait_ms < TAKE_MS ? check->wait_ms : TAKE_MS;
    id_make_uuid(check->id);
    op_submit(&check->op, &(struct query){
                              .statement = &check_create,
                              .params = {param_text(check->id), param_text(request->name),
                                         param_int(check->take_ms), param_int(check->wait_ms)},
                              .on_done = create_done,
                          });
}

/* FinishCheck. */

static void finish_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct op *op = op_of(query);
    struct gateway *gateway = rpc_call_get_self(op->call);
    Google__Protobuf__Empty reply = GOOGLE__PROTOBUF__EMPTY__INIT;

    if (st.code != STATUS_OK) {
        fault_end_store(op->call, st);
        return;
    }
    if (str_is(row_get_text(rows, 0, "note/outcome"), "DONE"))
        rpc_call_end(op->call, st, &reply.base);
    else
        fault_end_with(
            op->call, FAULT_CHECK_LOST, op->name,
            status_error(STATUS_ABORTED, "check '%.128s' is waited for no more", op->name));
    check_desk_look(gateway->check_desk);
}

static void validate_step_text(const char *text, size_t max_bytes, const char *field, size_t i,
                               struct violations *violations)
{
    size_t len = str_from(text).len;

    if (len > max_bytes)
        violations_add(violations, field, "%s of step %zu has %zu bytes; at most %zu are taken",
                       field, i + 1, len, max_bytes);
}

static void validate_step(const Pb__DataSourceCheckStep *step, size_t i,
                          struct violations *violations)
{
    const Google__Protobuf__Duration *duration = step->duration;

    if (step->name[0] == '\0')
        violations_add(violations, "steps.name", "step %zu has no name", i + 1);
    validate_step_text(step->name, MAX_STEP_NAME_BYTES, "steps.name", i, violations);
    validate_step_text(step->target, MAX_TARGET_BYTES, "steps.target", i, violations);
    validate_step_text(step->message, MAX_STEP_MESSAGE_BYTES, "steps.message", i, violations);
    if (duration && (duration->seconds < 0 || duration->seconds > MAX_STEP_S ||
                     duration->nanos < 0 || duration->nanos > 999999999))
        violations_add(violations, "steps.duration",
                       "the duration of step %zu is not from 0 to %d s", i + 1, MAX_STEP_S);
}

static void validate_finish(const Pb__FinishCheckRequest *request, struct violations *violations)
{
    char id[ID_UUID_BYTES];

    if (!id_read_uuid(str_from(request->id), id))
        violations_add(violations, "id", "'%.60s' is not a check's id", request->id);
    worker_id_validate(request->worker_id, violations);
    if (request->n_steps == 0 || request->n_steps > MAX_STEPS)
        violations_add(violations, "steps", "there are %zu steps; 1 to %d are taken",
                       request->n_steps, MAX_STEPS);
    for (size_t i = 0; i < request->n_steps && violations->count == 0; i++)
        validate_step(request->steps[i], i, violations);
}

/* What the one who waits gets. */
static struct str pack_response(struct rpc_call *call, const Pb__FinishCheckRequest *request)
{
    Pb__CheckDataSourceResponse response = PB__CHECK_DATA_SOURCE_RESPONSE__INIT;

    response.ok = true;
    for (size_t i = 0; i < request->n_steps; i++) {
        Pb__DataSourceCheckStep *step = request->steps[i];
        step->target = job_fields_redact(step->target, rpc_call_get_arena(call));
        step->message = job_fields_redact(step->message, rpc_call_get_arena(call));
        response.ok = response.ok && step->ok;
    }
    response.steps = request->steps;
    response.n_steps = request->n_steps;
    response.worker_id = request->worker_id;
    uint8_t *packed =
        rpc_call_alloc(call, pb__check_data_source_response__get_packed_size(&response));
    return str_from_bytes(packed, pb__check_data_source_response__pack(&response, packed));
}

void source_check_finish(struct rpc_call *call, const ProtobufCMessage *message)
{
    const Pb__FinishCheckRequest *request = (const Pb__FinishCheckRequest *)message;
    struct violations violations = {0};

    validate_finish(request, &violations);
    if (violations.count > 0) {
        fault_end_violations(call, &violations);
        return;
    }
    op_submit(op_create(call, request->id),
              &(struct query){
                  .statement = &check_finish,
                  .params = {param_text(request->id), param_text(request->worker_id),
                             param_str(pack_response(call, request))},
                  .on_done = finish_done,
              });
}
