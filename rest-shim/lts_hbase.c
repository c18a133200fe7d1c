/*
 * rest-shim/lts_hbase.c - tasks of HBase as LTS shows them: full migrations and incremental syncs, its "tunnels".
 */
#include "rest-shim/lts.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "base/number.h"
#include "rest-shim/lts_task.h"
#include "sluice/v1/task_service.pb-c.h"

/* A list has jobs in short, and what a single task is shown with has all. */
enum depth { IN_SHORT, IN_FULL };

/* The jobs of one role in a tunnel. */
struct job_list {
    const char *key;
    Pb__JobRole role;
    const char *id_key; /* LTS calls some jobs and others tasks */
    bool has_table;     /* in short; in full all have it */
};

static const struct job_list full_jobs = {"fullJobs", PB__JOB_ROLE__JOB_ROLE_FULL, "jobName", true};
static const struct job_list bulkload_jobs = {"bulkloadJobs", PB__JOB_ROLE__JOB_ROLE_BULKLOAD,
                                              "TaskName", false};
static const struct job_list merge_tasks = {"mergeTasks", PB__JOB_ROLE__JOB_ROLE_MERGE, "TaskName",
                                            false};
static const struct job_list incr_jobs = {"inrcJobs", PB__JOB_ROLE__JOB_ROLE_INCR, "jobName", true};
static const struct job_list schema_tasks = {"schemeTasks", PB__JOB_ROLE__JOB_ROLE_SCHEMA,
                                             "TaskName", true};
static const struct job_list plan_jobs = {"planJobs", PB__JOB_ROLE__JOB_ROLE_PLAN, "jobName", true};
static const struct job_list check_jobs = {"checkJobs", PB__JOB_ROLE__JOB_ROLE_CHECK, "jobName",
                                           true};

static const struct job_list peer_jobs = {"peerJobs", PB__JOB_ROLE__JOB_ROLE_PEER, "jobName", true};
static const struct job_list release_jobs = {"releaseJobs", PB__JOB_ROLE__JOB_ROLE_RELEASE,
                                             "jobName", true};

static const Pb__Progress no_progress = PB__PROGRESS__INIT;

static const Pb__Progress *get_progress(const Pb__Progress *progress)
{
    return progress ? progress : &no_progress;
}

static void write_regions(const Pb__Progress *progress, struct json_out *out)
{
    lts_write_int("regionsDone", progress->regions_done, out);
    lts_write_int("regionsTotal", progress->regions_total, out);
}

/* null when nothing was compared. */
static void write_comparison(const Pb__Comparison *comparison, struct json_out *out)
{
    json_out_key(out, "comparison");
    if (!comparison) {
        json_out_null(out);
        return;
    }
    json_out_begin_object(out);
    lts_write_int("cells", comparison->cells, out);
    lts_write_int("missing", comparison->missing, out);
    lts_write_int("extra", comparison->extra, out);
    lts_write_int("changedValues", comparison->changed_values, out);
    lts_write_int("changedTimestamps", comparison->changed_timestamps, out);
    lts_write_int("repaired", comparison->repaired, out);
    json_out_end_object(out);
}

/* Milliseconds; null when it is not known. */
static void write_lag(const Google__Protobuf__Duration *lag, struct json_out *out)
{
    json_out_key(out, "lag");
    if (lag)
        json_out_int(out, lag->seconds * 1000 + lag->nanos / 1000000);
    else
        json_out_null(out);
}

static void write_job(const struct job_list *list, const Pb__Job *job, enum depth depth,
                      struct json_out *out)
{
    json_out_begin_object(out);
    lts_write_text(list->id_key, job->id, out);
    lts_write_text("state", lts_get_job_state(job), out);
    if (list->has_table || depth == IN_FULL)
        lts_write_text("table", job->table, out);
    if (depth == IN_FULL) {
        lts_write_job_progress(job, out);
        write_regions(get_progress(job->progress), out);
    }
    if (depth == IN_FULL && list->role == PB__JOB_ROLE__JOB_ROLE_CHECK)
        write_comparison(get_progress(job->progress)->comparison, out);
    json_out_end_object(out);
}

static void write_jobs(const struct job_list *list, const Pb__Task *task, enum depth depth,
                       struct json_out *out)
{
    json_out_key(out, list->key);
    json_out_begin_array(out);
    for (size_t i = 0; i < task->n_jobs; i++) {
        if (task->jobs[i]->role == list->role)
            write_job(list, task->jobs[i], depth, out);
    }
    json_out_end_array(out);
}

/* Where a data source is, or its name where that means nothing. */
static void write_address(const char *key, const char *address, const char *name,
                          struct json_out *out)
{
    lts_write_text(key, *address ? address : name, out);
}

/* The names of the data sources, which LTS does not tell. */
static void write_names(const Pb__Task *task, struct json_out *out)
{
    lts_write_text("srcName", task->source, out);
    lts_write_text("dstName", task->destination, out);
}

/* What LTS does not tell of a single task either. */
static void write_rest(const Pb__Task *task, struct json_out *out)
{
    write_jobs(&plan_jobs, task, IN_FULL, out);
    write_jobs(&check_jobs, task, IN_FULL, out);
    lts_write_text("stage",
                   lts_get_name(&pb__task_stage__descriptor, (int)task->stage, "TASK_STAGE_"), out);
    lts_write_text("message", task->message, out);
}

/* Full migrations. */

static void write_full_tables(const Pb__Task *task, struct json_out *out)
{
    json_out_key(out, "tableNames");
    json_out_begin_array(out);
    if (task->spec_case == PB__TASK__SPEC_FULL_MIGRATION) {
        for (size_t i = 0; i < task->full_migration->n_table_names; i++)
            json_out_text(out, task->full_migration->table_names[i]);
    }
    json_out_end_array(out);
}

static void write_full_members(const Pb__Task *task, enum depth depth, struct json_out *out)
{
    lts_write_text("jobName", task->id, out);
    write_full_tables(task, out);
    write_address("dst", task->destination_address, task->destination, out);
    write_jobs(&full_jobs, task, depth, out);
    write_jobs(&bulkload_jobs, task, depth, out);
    write_address("src", task->source_address, task->source, out);
    write_jobs(&merge_tasks, task, depth, out);
    lts_write_text("state", lts_get_task_state(task), out);
    write_jobs(&incr_jobs, task, depth, out);
    write_jobs(&schema_tasks, task, depth, out);
    write_names(task, out);
}

static void write_full_item(const Pb__Task *task, const struct lts_settings *settings,
                            struct json_out *out)
{
    (void)settings;
    json_out_begin_object(out);
    write_full_members(task, IN_SHORT, out);
    json_out_end_object(out);
}

int lts_write_full_detail(const ProtobufCMessage *reply, const struct lts_settings *settings,
                          struct json_out *out)
{
    const Pb__Task *task = (const Pb__Task *)reply;

    (void)settings;
    json_out_begin_object(out);
    json_out_key(out, "data");
    json_out_begin_object(out);
    write_full_members(task, IN_FULL, out);
    write_rest(task, out);
    write_regions(get_progress(task->progress), out);
    write_comparison(get_progress(task->progress)->comparison, out);
    json_out_end_object(out);
    lts_write_success("ok", out);
    json_out_end_object(out);
    return 200;
}

/* Incremental syncs. */

/* A table's name with its namespace. A pattern of all tables has none. */
static void append_qualified(struct str name, struct buf *ret)
{
    if (str_find_byte(name, ':') == name.len && !str_is(name, "*"))
        buf_append_text(ret, "default:");
    buf_append_str(ret, name);
}

static void write_qualified(const char *name, struct json_out *out)
{
    struct buf shown = {0};
    struct str renamed = str_from(name);
    struct str table = str_cut(&renamed, '/');

    append_qualified(table, &shown);
    if (renamed.data) {
        buf_append_char(&shown, '/');
        append_qualified(renamed, &shown);
    }
    json_out_string(out, buf_get(&shown));
    buf_deinit(&shown);
}

static void write_incr_tables(const Pb__Task *task, struct json_out *out)
{
    json_out_key(out, "tableNames");
    json_out_begin_array(out);
    if (task->spec_case == PB__TASK__SPEC_INCREMENTAL_SYNC) {
        for (size_t i = 0; i < task->incremental_sync->n_table_names; i++)
            write_qualified(task->incremental_sync->table_names[i], out);
    }
    json_out_end_array(out);
}

/* Milliseconds since 1970; 0 when there is no such time. */
static int64_t get_ms(const Google__Protobuf__Timestamp *time)
{
    return time ? time->seconds * 1000 + time->nanos / 1000000 : 0;
}

struct status lts_read_zone(struct str text, int *ret_offset_s)
{
    enum { MAX_HOURS = 14 };
    struct status bad = status_error(
        STATUS_INVALID_ARGUMENT, "'%.*s' is not an offset from UTC like +08:00, at most 14 hours",
        (int)(text.len > 40 ? 40 : text.len), text.data);
    struct str minutes = text;
    struct str hours = str_cut(&minutes, ':');
    int64_t h = 0, m = 0;

    if (hours.len != 3 || minutes.len != 2 || (hours.data[0] != '+' && hours.data[0] != '-') ||
        number_read("hours", str_skip(hours, 1), 0, MAX_HOURS, &h).code != STATUS_OK ||
        number_read("minutes", minutes, 0, 59, &m).code != STATUS_OK || (h == MAX_HOURS && m > 0))
        return bad;
    *ret_offset_s = (int)(h * 3600 + m * 60) * (hours.data[0] == '-' ? -1 : 1);
    return status_ok();
}

/* "2019-11-13 21:31:46" in the zone of the settings, seconds cut; "" when there is no such time. */
static void write_date(const char *key, const Google__Protobuf__Timestamp *time,
                       const struct lts_settings *settings, struct json_out *out)
{
    enum { DATE_BYTES = sizeof("2019-11-13T21:31:46") - 1, DATE_PLACE = sizeof("2019-11-13") - 1 };
    char text[CLOCK_TEXT_BYTES] = "";
    struct str shown = {.data = text, .len = 0};

    if (time) {
        clock_write_text((time->seconds + settings->sync_date_offset_s) * 1000000, text);
        text[DATE_PLACE] = ' ';
        shown.len = DATE_BYTES;
    }
    json_out_key(out, key);
    json_out_string(out, shown);
}

static void write_incr_members(const Pb__Task *task, const struct lts_settings *settings,
                               struct json_out *out)
{
    const Pb__Progress *progress = get_progress(task->progress);

    lts_write_text("jobId", task->id, out);
    write_incr_tables(task, out);
    write_address("dst", task->destination_address, task->destination, out);
    lts_write_int("offset", get_ms(progress->checkpoint_time), out);
    write_address("src", task->source_address, task->source, out);
    lts_write_text("name", *task->display_name ? task->display_name : task->id, out);
    write_date("syncDate", progress->sync_time, settings, out);
    lts_write_text("state", lts_get_task_state(task), out);
    lts_write_int("synctime", get_ms(progress->sync_time), out);
    write_names(task, out);
}

static void write_incr_item(const Pb__Task *task, const struct lts_settings *settings,
                            struct json_out *out)
{
    json_out_begin_object(out);
    write_incr_members(task, settings, out);
    json_out_end_object(out);
}

int lts_write_incr_detail(const ProtobufCMessage *reply, const struct lts_settings *settings,
                          struct json_out *out)
{
    const Pb__Task *task = (const Pb__Task *)reply;
    const Pb__Progress *progress = get_progress(task->progress);

    json_out_begin_object(out);
    json_out_key(out, "data");
    json_out_begin_object(out);
    write_incr_members(task, settings, out);
    write_jobs(&full_jobs, task, IN_FULL, out);
    write_jobs(&incr_jobs, task, IN_FULL, out);
    write_jobs(&schema_tasks, task, IN_FULL, out);
    write_rest(task, out);
    write_jobs(&peer_jobs, task, IN_FULL, out);
    write_jobs(&release_jobs, task, IN_FULL, out);
    write_regions(progress, out);
    write_lag(progress->lag, out);
    lts_write_int("queuedLogs", progress->queued_logs, out);
    json_out_key(out, "isDeleting");
    json_out_bool(out, task->delete_time != NULL);
    json_out_end_object(out);
    lts_write_success("ok", out);
    json_out_end_object(out);
    return 200;
}

/* Lists. */

void lts_begin_list(struct json_out *out)
{
    json_out_begin_object(out);
    json_out_key(out, "tunnels");
    json_out_begin_array(out);
}

void lts_end_list(const char *next_page_token, struct json_out *out)
{
    json_out_end_array(out);
    lts_write_success("ok", out);
    if (next_page_token)
        lts_write_text("nextPageToken", next_page_token, out);
    json_out_end_object(out);
}

int lts_write_page(const struct lts_list *list, const ProtobufCMessage *reply,
                   const struct lts_settings *settings, struct json_out *out)
{
    const Pb__ListTasksResponse *page = (const Pb__ListTasksResponse *)reply;

    lts_begin_list(out);
    for (size_t i = 0; i < page->n_tasks; i++)
        list->write_item(page->tasks[i], settings, out);
    lts_end_list(page->next_page_token, out);
    return 200;
}

static const struct lts_field full_create_fields[] = {
    {"src", "task.source", true, NULL},
    {"dst", "task.destination", true, NULL},
    {"tableNames", "task.full_migration.table_names", true, NULL},
    {"bulkload", "task.full_migration.bulkload", false, "true or false"},
    {"createTable", "task.full_migration.create_table", false, "true or false"},
    {"extraAttrs", "task.full_migration.extra_attrs_json", false, NULL},
};

static const struct lts_field incr_create_fields[] = {
    {"name", "task.display_name", false, NULL},
    {"src", "task.source", true, NULL},
    {"dst", "task.destination", true, NULL},
    {"tableNames", "task.incremental_sync.table_names", true, NULL},
    {"createTable", "task.incremental_sync.create_table", false, "true or false"},
    {"extraAttrs", "task.incremental_sync.extra_attrs_json", false, NULL},
};

static const struct lts_field incr_update_fields[] = {
    {"jobId", "task.id", true, NULL},
    {"tableNames", "task.incremental_sync.table_names", true, NULL},
};

const struct lts_form lts_full_create_form = {full_create_fields, ARRAY_LEN(full_create_fields)};
const struct lts_form lts_incr_create_form = {incr_create_fields, ARRAY_LEN(incr_create_fields)};
const struct lts_form lts_incr_update_form = {incr_update_fields, ARRAY_LEN(incr_update_fields)};

const struct lts_list lts_full_list = {write_full_item};
const struct lts_list lts_incr_list = {write_incr_item};
