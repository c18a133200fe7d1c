#include "gateway/lease_refusal.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "base/log.h"
#include "gateway/gateway.h"
#include "gateway/gateway_status.h"
#include "gateway/job_fields.h"
#include "gateway/lease_reply.h"
#include "rpc/call.h"
#include "sluice/v1/data_source_service.pb-c.h"
#include "store/check_store.h"
#include "store/job_store.h"
#include "store/row.h"
#include "store/store.h"

enum { QUERY_TIMEOUT_MS = 5000, FIRST_BACKOFF_MS = 1000 };

struct refusal {
    struct rpc_call *call;
    struct query query;
};

static void done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct refusal *refusal = container_of(query, struct refusal, query);

    (void)rows;
    if (st.code != STATUS_OK)
        log_warn("not given back; the lease will end", log_code(st), log_str("error", st.text));
    lease_reply_end_with_none(refusal->call);
}

static void job_done(struct query *query, struct status st, const struct pg_result *rows)
{
    const struct refusal *refusal = container_of(query, struct refusal, query);
    const struct gateway *gateway = rpc_call_get_self(refusal->call);

    if (st.code == STATUS_OK && str_is(row_get_text(rows, 0, "note/outcome"), "DONE"))
        gateway_status_count_end(gateway->metrics, "RETRY",
                                 row_get_int(rows, 0, "note/given_up") != 0);
    done(query, st, rows);
}

/* Not by op_submit: the call may have no time left. */
static void submit(struct rpc_call *call, const struct query *query)
{
    const struct gateway *gateway = rpc_call_get_self(call);
    struct refusal *refusal = rpc_call_alloc(call, sizeof(*refusal));

    gateway_status_count_refusal(gateway->metrics);
    refusal->call = call;
    refusal->query = *query;
    refusal->query.timeout_ms = QUERY_TIMEOUT_MS;
    store_submit(gateway->store, &refusal->query);
}

void lease_refusal_end_job(struct rpc_call *call, const Pb__LeasedJob *job, struct status st)
{
    struct arena *arena = rpc_call_get_arena(call);

    log_error("job not handed out", log_str("job", job->id), log_str("task", job->task_id),
              log_code(st), log_str("error", st.text));
    submit(call, &(struct query){
                     .statement = &job_finish,
                     .on_done = job_done,
                     .params = {param_text(arena_copy_str(arena, str_from(job->id))),
                                param_int(job->lease_token), param_text("RETRY"),
                                param_text(arena_copy_str(arena, str_from(st.text))),
                                param_text(job_fields_write_progress(NULL, arena)),
                                param_int(FIRST_BACKOFF_MS), param_int(JOB_MAX_TRIES)},
                 });
}

static struct str pack_response(struct rpc_call *call, const char *source, const char *text)
{
    Pb__CheckDataSourceResponse response = PB__CHECK_DATA_SOURCE_RESPONSE__INIT;
    Pb__DataSourceCheckStep step = PB__DATA_SOURCE_CHECK_STEP__INIT;
    Pb__DataSourceCheckStep *steps[] = {&step};

    step.name = "open secrets";
    step.target = (char *)source;
    step.message = (char *)text;
    response.steps = steps;
    response.n_steps = ARRAY_LEN(steps);
    uint8_t *packed =
        rpc_call_alloc(call, pb__check_data_source_response__get_packed_size(&response));
    return str_from_bytes(packed, pb__check_data_source_response__pack(&response, packed));
}

void lease_refusal_end_check(struct rpc_call *call, const char *worker_id,
                             const Pb__LeasedCheck *check, struct status st)
{
    struct arena *arena = rpc_call_get_arena(call);

    log_error("check not handed out", log_str("check", check->id), log_code(st),
              log_str("error", st.text));
    submit(call, &(struct query){
                     .statement = &check_finish,
                     .on_done = done,
                     .params = {param_text(arena_copy_str(arena, str_from(check->id))),
                                param_text(worker_id),
                                param_str(pack_response(call, check->data_source->name, st.text))},
                 });
}
