#include "worker/job_counts.h"

#include <string.h>

/* The name of a value without what all values of its type begin with; of an unknown one: "". */
static const char *get_name(const ProtobufCEnumDescriptor *type, int value, const char *prefix)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);

    return found ? found->name + strlen(prefix) : "";
}

static const char *get_connector(const Pb__DataSource *source)
{
    return get_name(&pb__data_source_type__descriptor, source ? (int)source->type : 0,
                    "DATA_SOURCE_TYPE_");
}

void job_counts_init(struct job_counts *counts, struct metrics *metrics, const Pb__LeasedJob *job)
{
    const char *const from[] = {get_connector(job->source)};
    const char *const into[] = {get_connector(job->destination)};

    *counts = (struct job_counts){
        .metrics = metrics,
        .job = job,
        .rows_read = metrics_get(metrics, &worker_rows_read_total, from),
        .rows_written = metrics_get(metrics, &worker_rows_written_total, into),
        .bytes_read = metrics_get(metrics, &worker_bytes_read_total, from),
        .bytes_written = metrics_get(metrics, &worker_bytes_written_total, into),
        .bad_rows = metrics_get(metrics, &worker_bad_rows_total, from),
        .checkpoint_duration = metrics_get_only(metrics, &worker_checkpoint_duration_seconds),
        .reports_failed = metrics_get_only(metrics, &worker_reports_failed_total),
        .is_behind = job->attempt > 1,
    };
}

static void add_growth(struct metric *metric, int64_t now, int64_t before)
{
    if (now > before)
        metric_add(metric, now - before);
}

void job_counts_note_progress(struct job_counts *counts, const struct job_progress *progress)
{
    const struct job_progress *last = counts->is_behind ? progress : &counts->last;

    add_growth(counts->rows_read, progress->rows_read, last->rows_read);
    add_growth(counts->rows_written, progress->rows_written, last->rows_written);
    add_growth(counts->bytes_read, progress->bytes_read, last->bytes_read);
    add_growth(counts->bad_rows, progress->bad_rows, last->bad_rows);
    counts->last = *progress;
    counts->is_behind = false;
}

void job_counts_note_end(const struct job_counts *counts, Pb__JobOutcome outcome)
{
    const Pb__Task *task = counts->job->task;
    const char *const labels[] = {
        get_name(&pb__task_kind__descriptor, task ? (int)task->kind : 0, "TASK_KIND_"),
        get_name(&pb__job_role__descriptor, (int)counts->job->role, "JOB_ROLE_"),
        get_name(&pb__job_outcome__descriptor, (int)outcome, "JOB_OUTCOME_"),
    };

    metric_add(metrics_get(counts->metrics, &worker_jobs_total, labels), 1);
}

void job_counts_note_drop(const struct job_counts *counts, const char *why)
{
    metric_add(metrics_get(counts->metrics, &worker_jobs_dropped_total, &why), 1);
}

const struct metric_family worker_jobs_total = {
    .name = "sluice_worker_jobs_total",
    .kind = METRIC_COUNTER,
    .help =
        "Jobs that the worker ended; one that is FAILED fails its task, one of RETRY or RELEASED is done again.",
    .labels = {"kind", "role", "outcome"},
};

const struct metric_family worker_jobs_dropped_total = {
    .name = "sluice_worker_jobs_dropped_total",
    .kind = METRIC_COUNTER,
    .help = "Jobs that the worker let go of because they were not its own any more.",
    .labels = {"reason"},
};

const struct metric_family worker_rows_read_total = {
    .name = "sluice_worker_rows_read_total",
    .kind = METRIC_COUNTER,
    .help = "Rows read, by the type of the source.",
    .labels = {"connector"},
};

const struct metric_family worker_rows_written_total = {
    .name = "sluice_worker_rows_written_total",
    .kind = METRIC_COUNTER,
    .help = "Rows written, by the type of the destination.",
    .labels = {"connector"},
};

const struct metric_family worker_bytes_read_total = {
    .name = "sluice_worker_read_bytes_total",
    .kind = METRIC_COUNTER,
    .help = "Bytes read, by the type of the source.",
    .labels = {"connector"},
};

const struct metric_family worker_bytes_written_total = {
    .name = "sluice_worker_written_bytes_total",
    .kind = METRIC_COUNTER,
    .help = "Bytes of rows sent, by the type of the destination, also in tries that were undone.",
    .labels = {"connector"},
};

const struct metric_family worker_bad_rows_total = {
    .name = "sluice_worker_bad_rows_total",
    .kind = METRIC_COUNTER,
    .help = "Rows that could not be written and were left out, by the type of the source.",
    .labels = {"connector"},
};

const struct metric_family worker_checkpoint_duration_seconds = {
    .name = "sluice_worker_checkpoint_duration_seconds",
    .kind = METRIC_HISTOGRAM,
    .help = "How long it took until the gateway had stored a checkpoint.",
};

const struct metric_family worker_reports_failed_total = {
    .name = "sluice_worker_reports_failed_total",
    .kind = METRIC_COUNTER,
    .help =
        "Reports of progress that the gateway did not take; they are told again a second later.",
};
