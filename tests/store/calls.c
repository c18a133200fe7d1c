#include "tests/store/calls.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "sluice/v1/data_source.pb-c.h"
#include "sluice/worker/v1/worker_service.pb-c.h"
#include "store/bad_row_store.h"
#include "store/check_store.h"
#include "store/data_source_store.h"
#include "store/difference_store.h"
#include "store/job_store.h"
#include "store/plan_store.h"
#include "store/row.h"
#include "store/statements.h"
#include "store/task_store.h"
#include "tests/store/store_fixture.h"

enum { CALL_TIMEOUT_MS = 20000, ARENA_BYTES = 4 * 1024 * 1024 };

/* A Pb__BulkloadSpec whose field 4, instances, is 1. */
static const char packed_spec[] = "\x20\x01";

static void copy(char *ret, const char *text)
{
    (void)snprintf(ret, CALL_TEXT_BYTES, "%s", text ? text : "");
}

static void copy_note(char *ret, const struct pg_result *rows, const char *column)
{
    struct str text = row_get_text(rows, 0, column);

    (void)snprintf(ret, CALL_TEXT_BYTES, "%.*s", (int)text.len, text.data ? text.data : "");
}

static void take_task(struct call *call, const struct pg_result *rows, struct arena *arena)
{
    Pb__Task task = PB__TASK__INIT;

    call->st = row_read(rows, 0, "", arena, &task.base);
    copy(call->id, task.id);
    copy(call->message, task.message);
    call->state = task.state;
    call->stage = task.stage;
    if (task.progress) {
        call->rows_written = task.progress->rows_written;
        call->fraction = task.progress->fraction;
    }
}

static void take_jobs(struct call *call, const struct pg_result *rows, struct arena *arena)
{
    for (size_t i = 0; i < call->nrows && i < ARRAY_LEN(call->job_states); i++) {
        Pb__Job job = PB__JOB__INIT;

        if (call->st.code == STATUS_OK)
            call->st = row_read(rows, i, "job/", arena, &job.base);
        if (job.id && *job.id)
            call->job_states[call->njobs++] = job.state;
    }
}

static void take_lease(struct call *call, const struct pg_result *rows, struct arena *arena)
{
    Pb__LeasedJob job = PB__LEASED_JOB__INIT;

    call->st = row_read(rows, 0, "", arena, &job.base);
    copy(call->id, job.id);
    copy(call->task_id, job.task_id);
    call->token = job.lease_token;
    call->attempt = job.attempt;
    if (job.task)
        call->state = job.task->state;
    (void)snprintf(call->checkpoint, CALL_TEXT_BYTES, "%.*s", (int)job.checkpoint.len,
                   job.checkpoint.data ? (const char *)job.checkpoint.data : "");
}

static void take_source(struct call *call, const struct pg_result *rows, struct arena *arena)
{
    Pb__DataSource source = PB__DATA_SOURCE__INIT;

    call->st = row_read(rows, 0, "", arena, &source.base);
    copy(call->id, source.name);
    copy(call->etag, source.etag);
    copy(call->message, source.parameters_json);
}

static void take_bad_row(struct call *call, const struct pg_result *rows, struct arena *arena)
{
    Pb__BadRow row = PB__BAD_ROW__INIT;

    call->st = row_read(rows, 0, "", arena, &row.base);
    copy(call->id, row.file);
    copy(call->message, row.reason);
    call->row = row.row;
}

static void take_difference(struct call *call, const struct pg_result *rows, struct arena *arena)
{
    Pb__Difference difference = PB__DIFFERENCE__INIT;

    call->st = row_read(rows, 0, "", arena, &difference.base);
    call->number = difference.number;
}

static void take_notes(struct call *call, const struct pg_result *rows)
{
    const struct statement *statement = call->query.statement;

    if (statement == &task_abort || statement == &task_retry || statement == &task_delete)
        copy_note(call->old_state, rows, "note/old_state");
    if (statement == &job_report || statement == &job_finish || statement == &bad_row_add ||
        statement == &difference_add || statement == &data_source_update ||
        statement == &data_source_delete || statement == &task_create ||
        statement == &task_update || statement == &check_finish || statement == &check_poll)
        copy_note(call->outcome, rows, "note/outcome");
    if (statement == &check_lease)
        copy_note(call->id, rows, "id");
    if (statement == &data_source_delete)
        copy_note(call->task_id, rows, "note/task_id");
    if (statement == &job_finish || statement == &task_update)
        call->is_ready = row_get_int(rows, 0, "note/ready") != 0;
    if (statement == &task_list || statement == &data_source_list || statement == &difference_list)
        call->is_last = row_get_int(rows, 0, "note/is_last") != 0;
    if (statement == &job_report) {
        call->is_said = row_get_int(rows, 0, "note/is_said") != 0;
        call->bytes_per_second = row_get_int(rows, 0, "note/bytes_per_second");
    }
    if (statement == &task_list) {
        call->last_us = row_get_int(rows, 0, "note/last_us");
        call->last_seq = row_get_int(rows, 0, "note/last_seq");
    }
}

static void take(struct call *call, const struct pg_result *rows, struct arena *arena)
{
    const struct statement *statement = call->query.statement;

    call->nrows = rows_get_count(rows);
    if (call->nrows == 0)
        return;
    take_notes(call, rows);
    if (statement == &job_lease)
        take_lease(call, rows, arena);
    else if (statement == &bad_row_list)
        take_bad_row(call, rows, arena);
    else if (statement == &difference_list)
        take_difference(call, rows, arena);
    else if (strncmp(statement->name, "task_", 5) == 0)
        take_task(call, rows, arena);
    else if (strncmp(statement->name, "data_", 5) == 0 && statement != &data_source_delete)
        take_source(call, rows, arena);
    if (statement == &task_get)
        take_jobs(call, rows, arena);
}

static void on_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct call *call = container_of(query, struct call, query);
    struct arena *arena = arena_create(ARENA_BYTES);

    call->st = st;
    call->nanswers++;
    if (st.code == STATUS_OK)
        take(call, rows, arena);
    arena_destroy(arena);
    pthread_mutex_lock(&call->mutex);
    call->is_done = true;
    pthread_cond_signal(&call->done);
    pthread_mutex_unlock(&call->mutex);
}

struct store *calls_open(const char *url, unsigned connections, unsigned max_batch)
{
    struct store_options options = {
        .database_url = url,
        .connections = connections,
        .max_batch = max_batch,
        .statements = store_statements,
    };

    return store_fixture_open(&options);
}

void call_start(struct store *store, struct call *call)
{
    call->query.on_done = on_done;
    call->query.timeout_ms = call->query.timeout_ms ? call->query.timeout_ms : CALL_TIMEOUT_MS;
    pthread_mutex_init(&call->mutex, NULL);
    pthread_cond_init(&call->done, NULL);
    store_submit(store, &call->query);
}

void call_wait(struct call *call)
{
    pthread_mutex_lock(&call->mutex);
    while (!call->is_done)
        pthread_cond_wait(&call->done, &call->mutex);
    pthread_mutex_unlock(&call->mutex);
    pthread_cond_destroy(&call->done);
    pthread_mutex_destroy(&call->mutex);
}

void call_run(struct store *store, struct call *call)
{
    call_start(store, call);
    call_wait(call);
}

void calls_add_sources(struct store *store)
{
    struct call files = {
        .query = {.statement = &data_source_create,
                  .params = {param_text("files"), param_text("FILE"), param_text("{}")}}};
    struct call db = {
        .query = {.statement = &data_source_create,
                  .params = {param_text("db"), param_text("POSTGRES"), param_text("{}")}}};

    call_run(store, &files);
    call_run(store, &db);
}

void call_prepare_create(struct call *call, const char *name, const char *roles, const char *steps)
{
    bool has_two = strchr(roles, ',') == strrchr(roles, ',');

    *call = (struct call){.nrows = 0};
    /* Between submit and on_done the texts are the call's own. */
    (void)snprintf(call->id, CALL_TEXT_BYTES, "%.16s", name);
    (void)snprintf(call->task_id, CALL_TEXT_BYTES, "{%.16s-a,%.16s-b,%.16s-c}", name, name, name);
    if (has_two)
        (void)snprintf(call->task_id, CALL_TEXT_BYTES, "{%.16s-a,%.16s-b}", name, name);
    call->query.statement = &task_create;
    const struct param params[] = {
        param_text(call->id),
        param_text("BULKLOAD"),
        param_text("files"),
        param_text("db"),
        param_text(packed_spec),
        param_text("{FILE}"),
        param_text("{POSTGRES}"),
        param_text("proc-"),
        param_text(call->task_id),
        param_text(roles),
        param_text(steps),
        param_text(has_two ? "{t1,t1}" : "{t1,t1,t1}"),
        param_text("tester"),
        param_null(),
        param_int(0),
        param_text(""),
        param_text("{}"),
        param_int(CALL_BYTES_PER_SECOND),
    };
    memcpy(call->query.params, params, sizeof(params));
}

void call_create(struct store *store, struct call *call, const char *name)
{
    call_prepare_create(call, name, "{SCHEMA,FULL}", "{0,1}");
    call_run(store, call);
}

static void get(struct store *store, struct call *call, const char *task_id, bool with_jobs)
{
    *call = (struct call){
        .query = {.statement = &task_get, .params = {param_text(task_id), param_int(with_jobs)}}};
    call_run(store, call);
}

void call_get(struct store *store, struct call *call, const char *task_id)
{
    get(store, call, task_id, true);
}

void call_get_alone(struct store *store, struct call *call, const char *task_id)
{
    get(store, call, task_id, false);
}

void call_abort(struct store *store, struct call *call, const char *task_id)
{
    *call = (struct call){.query = {.statement = &task_abort,
                                    .params = {param_text(task_id), param_text("{PENDING,RUNNING}"),
                                               param_text("{KILLED}"), param_text("KILLED"),
                                               param_text("tester"), param_text("")}}};
    call_run(store, call);
}

void call_retry(struct store *store, struct call *call, const char *task_id, bool from_start)
{
    *call = (struct call){
        .query = {.statement = &task_retry,
                  .params = {param_text(task_id), param_text("{FAILED,KILLED}"), param_text("{}"),
                             param_text("PENDING"), param_text("tester"), param_int(from_start)}}};
    call_run(store, call);
}

void call_delete(struct store *store, struct call *call, const char *task_id)
{
    *call =
        (struct call){.query = {.statement = &task_delete,
                                .params = {param_text(task_id),
                                           param_text("{PENDING,RUNNING,SUCCEEDED,FAILED,KILLED}"),
                                           param_text("tester"), param_text("")}}};
    call_run(store, call);
}

void call_prepare_lease(struct call *call, const char *worker, int64_t lease_ms)
{
    *call = (struct call){0};
    (void)snprintf(call->workers, sizeof(call->workers), "{%s}", worker);
    call->query = (struct query){.statement = &job_lease,
                                 .params = {param_text(call->workers), param_int(lease_ms),
                                            param_text("{bulkload:file:postgres}"), param_null(),
                                            param_null()}};
}

void call_lease(struct store *store, struct call *call, const char *worker, int64_t lease_ms)
{
    call_prepare_lease(call, worker, lease_ms);
    call_run(store, call);
}

void call_report(struct store *store, struct call *call, const struct call *lease,
                 int64_t rows_written, const char *checkpoint)
{
    char progress[CALL_TEXT_BYTES];

    (void)snprintf(progress, sizeof(progress),
                   "{\"rows_read\": %lld, \"rows_written\": %lld, \"bytes_read\": %lld,"
                   " \"bytes_total\": 100, \"fraction\": 0.5}",
                   (long long)rows_written, (long long)rows_written, (long long)rows_written);
    call_prepare_report(call, lease, progress, "");
    call->query.params[4] = checkpoint ? param_text(checkpoint) : param_null();
    call_run(store, call);
}

void call_prepare_report(struct call *call, const struct call *lease, const char *progress,
                         const char *message)
{
    *call = (struct call){
        .query = {.statement = &job_report,
                  .params = {param_text(lease->id), param_int(lease->token), param_int(15000),
                             param_text(progress), param_null(), param_text(message)}}};
}

void call_say(struct store *store, struct call *call, const struct call *lease, const char *message)
{
    call_prepare_report(call, lease, "{}", message);
    call_run(store, call);
}

void call_prepare_finish(struct call *call, const struct call *lease, const char *outcome,
                         int64_t backoff_ms)
{
    *call = (struct call){
        .query = {.statement = &job_finish,
                  .params = {param_text(lease->id), param_int(lease->token), param_text(outcome),
                             param_text(strcmp(outcome, "SUCCEEDED") == 0 ? "" : "a reason"),
                             param_text("{}"), param_int(backoff_ms), param_int(JOB_MAX_TRIES)}}};
}

void call_finish(struct store *store, struct call *call, const struct call *lease,
                 const char *outcome)
{
    call_prepare_finish(call, lease, outcome, 0);
    call_run(store, call);
}
