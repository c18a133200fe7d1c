/*
 * cli/task_commands.c - sluice task ...: create, follow, stop, retry and delete.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/mem.h"
#include "cli/command.h"
#include "cli/list.h"
#include "cli/session.h"
#include "cli/table.h"
#include "cli/task_differences.h"
#include "cli/task_events.h"
#include "cli/task_explain.h"
#include "cli/watch.h"
#include "sluice/v1/task_service.pb-c.h"

#define SERVICE "/sluice.v1.TaskService/"

static char *borrow(const char *text)
{
    return (char *)(uintptr_t)(text ? text : "");
}

static void write_time(const Google__Protobuf__Timestamp *time, char ret[CLOCK_TEXT_BYTES])
{
    if (time)
        clock_write_text(time->seconds * 1000000, ret);
    else
        (void)snprintf(ret, CLOCK_TEXT_BYTES, "-");
}

static void add_job(struct table *table, const Pb__Job *job)
{
    char rows[32], attempt[16];
    const char *cells[] = {
        job->id,
        session_name_value(&pb__job_role__descriptor, (int)job->role),
        session_name_value(&pb__job_state__descriptor, (int)job->state),
        attempt,
        rows,
        job->worker_id,
        job->message,
    };

    (void)snprintf(attempt, sizeof(attempt), "%d", job->attempt);
    (void)snprintf(rows, sizeof(rows), "%" PRId64, job->progress ? job->progress->rows_read : 0);
    table_add(table, cells);
}

static void print_times(const Pb__Task *task)
{
    char created[CLOCK_TEXT_BYTES], started[CLOCK_TEXT_BYTES], ended[CLOCK_TEXT_BYTES];

    write_time(task->create_time, created);
    write_time(task->start_time, started);
    write_time(task->end_time, ended);
    (void)printf("created    %s\nstarted    %s\nended      %s\n", created, started, ended);
    if (!task->delete_time)
        return;
    write_time(task->delete_time, ended);
    (void)printf("deleted    %s; it goes when its peer is removed from the source\n", ended);
}

static void print_progress(const Pb__Progress *progress)
{
    const Pb__Comparison *found = progress->comparison;

    (void)printf(
        "progress   %.0f %%, %" PRId64 " rows read, %" PRId64 " written, %" PRId64 " bad\n",
        progress->fraction * 100, progress->rows_read, progress->rows_written, progress->bad_rows);
    if (progress->regions_total > 0)
        (void)printf("regions    %" PRId64 " of %" PRId64 "\n", progress->regions_done,
                     progress->regions_total);
    if (progress->lag)
        (void)printf("behind     %.1f s, %" PRId64 " logs queued\n",
                     (double)progress->lag->seconds + progress->lag->nanos / 1e9,
                     progress->queued_logs);
    if (found)
        (void)printf("compared   %" PRId64 " cells: %" PRId64 " missing, %" PRId64
                     " extra, %" PRId64 " with another value, %" PRId64
                     " with another time; %" PRId64 " repaired\n",
                     found->cells, found->missing, found->extra, found->changed_values,
                     found->changed_timestamps, found->repaired);
}

/* A task with its jobs, as people read it. */
static void print_task(const struct session *session, const Pb__Task *task)
{
    static const char *const titles[] = {"JOB",  "ROLE",   "STATE",  "ATTEMPT",
                                         "ROWS", "WORKER", "MESSAGE"};
    const Pb__Progress *progress = task->progress;

    if (session_wants_json(session)) {
        session_print_json(&task->base);
        return;
    }
    (void)printf("task       %s\nkind       %s\nfrom, to   %s, %s\nstate      %s (%s)\n", task->id,
                 session_name_value(&pb__task_kind__descriptor, (int)task->kind), task->source,
                 task->destination,
                 session_name_value(&pb__task_state__descriptor, (int)task->state),
                 session_name_value(&pb__task_stage__descriptor, (int)task->stage));
    if (task->message[0] != '\0') {
        char *message = table_copy_plain(str_from(task->message));
        (void)printf("message    %s\n", message);
        mem_free(message);
    }
    if (progress)
        print_progress(progress);
    print_times(task);
    if (task->n_jobs == 0)
        return;
    struct table *table = table_create(titles, ARRAY_LEN(titles));
    for (size_t i = 0; i < task->n_jobs; i++)
        add_job(table, task->jobs[i]);
    (void)printf("\n");
    table_print(table);
}

/* Reads the enum options of "task create"; those not given stay 0, for the gateway to refuse. */
static struct status read_choices(const struct cli_settings *settings, Pb__BulkloadSpec *spec)
{
    int driver = 0, type = 0;
    struct status st = status_ok();

    if (settings->driver_spec)
        st = session_find_value(&pb__driver_spec__descriptor, "driver-spec", settings->driver_spec,
                                &driver);
    if (st.code == STATUS_OK && settings->file_type)
        st =
            session_find_value(&pb__file_type__descriptor, "file-type", settings->file_type, &type);
    spec->driver_spec = (Pb__DriverSpec)driver;
    spec->file_type = (Pb__FileType)type;
    return st;
}

/* The --label options as a map, whose entries and texts are the session's. */
static struct status read_labels(struct session *session, const struct cli_settings *settings,
                                 Pb__Task *task)
{
    struct arena *arena = session_get_arena(session);
    size_t nlabels = settings->labels.count;

    task->labels = arena_alloc(arena, (nlabels + 1) * sizeof(Pb__Task__LabelsEntry *));
    for (size_t i = 0; i < nlabels; i++) {
        struct str rest = str_from(settings->labels.items[i]);
        size_t sign = str_find_byte(rest, '=');
        Pb__Task__LabelsEntry *label = arena_alloc(arena, sizeof(*label));

        if (sign == 0 || sign == rest.len)
            return status_error(STATUS_INVALID_ARGUMENT, "--label: '%.60s' is not KEY=VALUE",
                                settings->labels.items[i]);
        pb__task__labels_entry__init(label);
        label->key = arena_copy_str(arena, (struct str){rest.data, sign});
        label->value = arena_copy_str(arena, str_skip(rest, sign + 1));
        task->labels[task->n_labels++] = label;
    }
    return status_ok();
}

static struct status call_create(struct session *session, const struct cli_settings *settings,
                                 const ProtobufCMessage **ret_reply)
{
    Pb__BulkloadSpec spec = PB__BULKLOAD_SPEC__INIT;
    Pb__Task task = PB__TASK__INIT;
    Pb__CreateTaskRequest request = PB__CREATE_TASK_REQUEST__INIT;
    struct status st = read_choices(settings, &spec);

    if (st.code == STATUS_OK)
        st = read_labels(session, settings, &task);
    if (st.code != STATUS_OK)
        return st;
    spec.reader_config_json = borrow(settings->reader_config);
    spec.writer_config_json = borrow(settings->writer_config);
    spec.spark_additional_params = borrow(settings->spark_params);
    spec.instances = (int32_t)settings->instances;
    task.source = borrow(settings->source);
    task.destination = borrow(settings->destination);
    task.display_name = borrow(settings->display_name);
    task.spec_case = PB__TASK__SPEC_BULKLOAD;
    task.bulkload = &spec;
    request.task = &task;
    request.request_id = borrow(settings->request_id);
    return session_call(session, SERVICE "CreateTask", &request.base, &pb__task__descriptor,
                        ret_reply);
}

static struct status task_create(const struct cli_settings *settings, const char *const *operands,
                                 int *ret_exit)
{
    struct session *session = NULL;
    const ProtobufCMessage *reply = NULL;
    struct status st = session_open(settings, &session);

    (void)operands;
    (void)ret_exit;
    if (st.code != STATUS_OK)
        return st;
    st = call_create(session, settings, &reply);
    if (st.code == STATUS_OK && session_wants_json(session))
        session_print_json(reply);
    else if (st.code == STATUS_OK)
        (void)printf("%s\n", ((const Pb__Task *)reply)->id);
    session_close(session);
    return st;
}

/* The calls that take an id and return a task. */
static struct status call_with_task(const struct cli_settings *settings, const char *method,
                                    const ProtobufCMessage *request)
{
    struct session *session = NULL;
    const ProtobufCMessage *reply = NULL;
    struct status st = session_open(settings, &session);

    if (st.code != STATUS_OK)
        return st;
    st = session_call(session, method, request, &pb__task__descriptor, &reply);
    if (st.code == STATUS_OK)
        print_task(session, (const Pb__Task *)reply);
    session_close(session);
    return st;
}

static struct status task_get(const struct cli_settings *settings, const char *const *operands,
                              int *ret_exit)
{
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;

    (void)ret_exit;
    request.id = borrow(operands[0]);
    return call_with_task(settings, SERVICE "GetTask", &request.base);
}

static struct status task_abort(const struct cli_settings *settings, const char *const *operands,
                                int *ret_exit)
{
    Pb__AbortTaskRequest request = PB__ABORT_TASK_REQUEST__INIT;

    (void)ret_exit;
    request.id = borrow(operands[0]);
    request.etag = borrow(settings->etag);
    return call_with_task(settings, SERVICE "AbortTask", &request.base);
}

static struct status task_retry(const struct cli_settings *settings, const char *const *operands,
                                int *ret_exit)
{
    Pb__RetryTaskRequest request = PB__RETRY_TASK_REQUEST__INIT;

    (void)ret_exit;
    request.id = borrow(operands[0]);
    request.etag = borrow(settings->etag);
    request.from_start = settings->from_start;
    return call_with_task(settings, SERVICE "RetryTask", &request.base);
}

static struct status task_delete(const struct cli_settings *settings, const char *const *operands,
                                 int *ret_exit)
{
    Pb__DeleteTaskRequest request = PB__DELETE_TASK_REQUEST__INIT;
    struct session *session = NULL;
    const ProtobufCMessage *reply = NULL;
    struct status st = session_open(settings, &session);

    (void)ret_exit;
    if (st.code != STATUS_OK)
        return st;
    request.id = borrow(operands[0]);
    request.etag = borrow(settings->etag);
    st = session_call(session, SERVICE "DeleteTask", &request.base,
                      &google__protobuf__empty__descriptor, &reply);
    session_close(session);
    return st;
}

static void add_task(struct table *table, const ProtobufCMessage *item)
{
    const Pb__Task *task = (const Pb__Task *)item;
    char created[CLOCK_TEXT_BYTES], done[16];
    const char *cells[] = {
        task->id,
        session_name_value(&pb__task_state__descriptor, (int)task->state),
        done,
        task->source,
        task->destination,
        created,
        task->message,
    };

    write_time(task->create_time, created);
    (void)snprintf(done, sizeof(done), "%.0f %%",
                   task->progress ? task->progress->fraction * 100 : 0.0);
    table_add(table, cells);
}

static struct status make_list_request(const struct cli_settings *settings,
                                       Pb__ListTasksRequest *ret)
{
    int kind = 0, state = 0;
    struct status st = status_ok();

    if (settings->kind)
        st = session_find_value(&pb__task_kind__descriptor, "kind", settings->kind, &kind);
    if (st.code == STATUS_OK && settings->state)
        st = session_find_value(&pb__task_state__descriptor, "state", settings->state, &state);
    ret->kind = (Pb__TaskKind)kind;
    ret->state = (Pb__TaskState)state;
    if (settings->filter)
        ret->filter = borrow(settings->filter);
    if (settings->wants_jobs)
        ret->view = PB__TASK_VIEW__TASK_VIEW_FULL;
    return st;
}

static struct status task_list(const struct cli_settings *settings, const char *const *operands,
                               int *ret_exit)
{
    static const char *const titles[] = {"TASK", "STATE",   "DONE",   "FROM",
                                         "TO",   "CREATED", "MESSAGE"};
    static const struct list list = {
        SERVICE "ListTasks",
        &pb__list_tasks_response__descriptor,
        "tasks",
        titles,
        ARRAY_LEN(titles),
        add_task,
    };
    Pb__ListTasksRequest request = PB__LIST_TASKS_REQUEST__INIT;
    struct status st = make_list_request(settings, &request);

    (void)operands;
    (void)ret_exit;
    if (st.code != STATUS_OK)
        return st;
    return list_print(settings, &list, &request.base, settings->limit);
}

static void add_bad_row(struct table *table, const ProtobufCMessage *item)
{
    const Pb__BadRow *row = (const Pb__BadRow *)item;
    char number[32];
    const char *cells[] = {row->file, number, row->column, row->reason};

    (void)snprintf(number, sizeof(number), "%" PRId64, row->row);
    table_add(table, cells);
}

static struct status task_bad_rows(const struct cli_settings *settings, const char *const *operands,
                                   int *ret_exit)
{
    static const char *const titles[] = {"FILE", "ROW", "COLUMN", "REASON"};
    static const struct list list = {
        SERVICE "ListBadRows",
        &pb__list_bad_rows_response__descriptor,
        "bad_rows",
        titles,
        ARRAY_LEN(titles),
        add_bad_row,
    };
    Pb__ListBadRowsRequest request = PB__LIST_BAD_ROWS_REQUEST__INIT;

    (void)ret_exit;
    request.id = borrow(operands[0]);
    return list_print(settings, &list, &request.base, INT64_MAX);
}

const struct command task_commands[] = {
    {"task", "create", "", 0,
     "start a bulk import: --source, --destination, --reader-config, ...; prints its id",
     task_create},
    {"task", "list", "", 0, "list tasks, newest first: --filter, --kind, --state, --limit",
     task_list},
    {"task", "get", "ID", 1, "show one task with its jobs", task_get},
    {"task", "watch", "ID", 1, "follow a task to its end; exit code 3 unless it succeeds",
     watch_task},
    {"task", "abort", "ID", 1, "stop a task; what is done stays", task_abort},
    {"task", "retry", "ID", 1, "take a failed or killed task up again: --from-start", task_retry},
    {"task", "delete", "ID", 1, "stop a task and remove it; imported rows stay", task_delete},
    {"task", "explain", "ID", 1, "tell why a task is where it is, and what it waits for",
     task_explain},
    {"task", "events", "ID", 1, "list what became of a task, oldest first", task_events},
    {"task", "bad-rows", "ID", 1, "list the rows that a task left out", task_bad_rows},
    {"task", "differences", "ID", 1, "list the cells that comparisons found to differ",
     task_differences},
    {0},
};
