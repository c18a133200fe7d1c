#include "base/process_metrics.h"

#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"

struct process_metrics {
    struct metrics_source source;
    struct metric *cpu;
    struct metric *memory;
    struct metric *open_fds;
    struct metric *max_fds;
};

static int64_t get_us(const struct timeval *time)
{
    return (int64_t)time->tv_sec * 1000000 + time->tv_usec;
}

/* Of proc(5), /proc/pid/statm: the second number, in pages. 0: it cannot be read. */
static int64_t get_resident_bytes(void)
{
    long long npages = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (!file)
        return 0;
    if (fscanf(file, "%*d %lld", &npages) != 1)
        npages = 0;
    (void)fclose(file);
    return npages * sysconf(_SC_PAGESIZE);
}

static int64_t count_descriptors(void)
{
    int64_t n = -3; /* itself, and the two entries of each folder */
    DIR *folder = opendir("/proc/self/fd");

    if (!folder)
        return 0;
    while (readdir(folder))
        n++;
    (void)closedir(folder);
    return n;
}

static void on_write(struct metrics_source *source)
{
    struct process_metrics *process = container_of(source, struct process_metrics, source);
    struct rusage usage;
    struct rlimit limit;

    if (getrusage(RUSAGE_SELF, &usage) == 0)
        metric_set(process->cpu, get_us(&usage.ru_utime) + get_us(&usage.ru_stime));
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        metric_set(process->max_fds, (int64_t)limit.rlim_cur);
    metric_set(process->memory, get_resident_bytes());
    metric_set(process->open_fds, count_descriptors());
}

struct process_metrics *process_metrics_create(struct metrics *metrics, const char *version)
{
    struct process_metrics *process = mem_alloc(sizeof(*process));

    process->source.on_write = on_write;
    process->cpu = metrics_get_only(metrics, &process_cpu_seconds_total);
    process->memory = metrics_get_only(metrics, &process_resident_memory_bytes);
    process->open_fds = metrics_get_only(metrics, &process_open_fds);
    process->max_fds = metrics_get_only(metrics, &process_max_fds);
    metric_set(metrics_get_only(metrics, &process_start_time_seconds), clock_get_time_us());
    metric_set(metrics_get(metrics, &sluice_build_info, &version), 1);
    metrics_add_source(metrics, &process->source);
    return process;
}

void process_metrics_destroy(struct process_metrics *process)
{
    mem_free(process);
}

const struct metric_family process_start_time_seconds = {
    .name = "process_start_time_seconds",
    .kind = METRIC_GAUGE,
    .parts = 1000000,
    .help = "When the program was started, in seconds since 1970.",
};

const struct metric_family process_cpu_seconds_total = {
    .name = "process_cpu_seconds_total",
    .kind = METRIC_COUNTER,
    .parts = 1000000,
    .help = "Processor time that the program has taken, user and system.",
};

const struct metric_family process_resident_memory_bytes = {
    .name = "process_resident_memory_bytes",
    .kind = METRIC_GAUGE,
    .help = "Memory that the program holds.",
};

const struct metric_family process_open_fds = {
    .name = "process_open_fds",
    .kind = METRIC_GAUGE,
    .help = "Descriptors that are open.",
};

const struct metric_family process_max_fds = {
    .name = "process_max_fds",
    .kind = METRIC_GAUGE,
    .help = "Descriptors that may be open.",
};

const struct metric_family sluice_build_info = {
    .name = "sluice_build_info",
    .kind = METRIC_GAUGE,
    .help = "Always 1; the program's version is its label.",
    .labels = {"version"},
};
