/*
 * tests/bench/bench_parquet.c - how fast Parquet files are planned and read, and in how much memory.
 *
 *     bench_parquet FILE [THREADS [COLUMNS]]   a file as bench_import.py makes it; the first 1 to 6 of its columns
 *
 * Prints splits, rates, processor time, the most memory that was in use, and a sum over the numbers that were read.
 */
#include <inttypes.h>
#include <libgen.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "base/number.h"
#include "connectors/file/file_root.h"
#include "connectors/reader.h"

enum { NCOLUMNS = 6, MAX_THREADS = 16 };

static const struct target_column columns[NCOLUMNS] = {
    {.source = "id", .type = COLUMN_STRING},
    {.source = "intcol", .type = COLUMN_INT, .is_nullable = true},
    {.source = "doublecol", .type = COLUMN_DOUBLE, .is_nullable = true},
    {.source = "stringcol", .type = COLUMN_STRING, .is_nullable = true},
    {.source = "string1col", .type = COLUMN_STRING, .is_nullable = true},
    {.source = "decimalcol", .type = COLUMN_DECIMAL, .is_nullable = true},
};

struct bench {
    struct file_root *root;
    struct import_column sources[NCOLUMNS];
    struct import_spec spec;
    struct plan plan;
    struct stop stop;
    atomic_size_t next_split;
    atomic_llong nrows;
    atomic_llong sum;
};

static void die(struct status st)
{
    fprintf(stderr, "bench_parquet: %s\n", st.text);
    exit(1);
}

static struct status refuse_bad_row(struct bad_row_sink *sink, const struct bad_row *row)
{
    (void)sink;
    return status_error(STATUS_INVALID_ARGUMENT, "%s: row %" PRId64 ", column '%s': %s", row->file,
                        row->row, row->column, row->reason);
}

static void add_batch(struct bench *bench, const struct batch *batch)
{
    long long sum = 0;

    for (size_t row = 0; batch->ncolumns > 1 && row < batch->nrows; row++)
        sum += batch->columns[1].is_null[row] ? 0 : batch->columns[1].ints[row];
    atomic_fetch_add(&bench->sum, sum);
    atomic_fetch_add(&bench->nrows, (long long)batch->nrows);
}

static void read_split(struct bench *bench, size_t split, struct batch *batch)
{
    struct bad_row_sink sink = {.on_bad_row = refuse_bad_row};
    const struct reader_options options = {
        .spec = &bench->spec,
        .root = bench->root,
        .columns = columns,
        .ncolumns = bench->spec.ncolumns,
        .plan = &bench->plan,
        .split = &bench->plan.splits[split],
        .bad_rows = &sink,
        .stop = &bench->stop,
    };
    struct reader *reader;
    struct status st = parquet_reader.open(&options, &reader);

    if (st.code != STATUS_OK)
        die(st);
    do {
        st = parquet_reader.next(reader, batch);
        if (st.code != STATUS_OK)
            die(st);
        add_batch(bench, batch);
    } while (batch->nrows > 0);
    parquet_reader.close(reader);
}

static void *run(void *arg)
{
    struct bench *bench = arg;
    struct batch *batch = batch_create(columns, bench->spec.ncolumns);
    size_t split;

    while ((split = atomic_fetch_add(&bench->next_split, 1)) < bench->plan.nsplits)
        read_split(bench, split, batch);
    batch_destroy(batch);
    return NULL;
}

/* Plans the file; the spec's columns are set. */
static void plan(struct bench *bench, const char *path)
{
    char *folder = mem_copy_str(str_from(path));
    char *name = mem_copy_str(str_from(path));
    int64_t start_ms = clock_get_monotonic_ms();
    struct status st = file_root_open(dirname(folder), &bench->root);

    if (st.code == STATUS_OK)
        st = file_root_list(bench->root, basename(name), &bench->plan);
    if (st.code == STATUS_OK)
        st = parquet_reader.plan(&bench->spec, bench->root, &bench->stop, &bench->plan);
    if (st.code != STATUS_OK)
        die(st);
    printf("planned in %" PRId64 " ms: %zu splits, at most %u readers at once\n",
           clock_get_monotonic_ms() - start_ms, bench->plan.nsplits, bench->plan.max_threads);
    mem_free(folder);
    mem_free(name);
}

static void print_result(const struct bench *bench, int64_t ms)
{
    struct rusage usage;
    double s = (double)(ms > 0 ? ms : 1) / 1000;

    (void)getrusage(RUSAGE_SELF, &usage);
    printf("%lld rows in %.2f s: %.2f million rows/s; processor %.2f s, memory %ld MB; sum %lld\n",
           (long long)bench->nrows, s, (double)bench->nrows / s / 1e6,
           (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
               (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6,
           usage.ru_maxrss / 1024, (long long)bench->sum);
}

/* Argument i as a number from 1 to max; if it is not there, otherwise. */
static unsigned read_argument(int argc, char **argv, int i, unsigned max, unsigned otherwise)
{
    int64_t number = otherwise;
    struct status st = status_ok();

    if (i < argc)
        st = number_read("argument", str_from(argv[i]), 1, max, &number);
    if (st.code != STATUS_OK)
        die(st);
    return (unsigned)number;
}

int main(int argc, char **argv)
{
    struct bench bench = {.spec = {.format = IMPORT_PARQUET}};
    pthread_t threads[MAX_THREADS];

    if (argc < 2 || argv[1][0] != '/') {
        fprintf(stderr, "Usage: bench_parquet /PATH/OF/FILE [THREADS [COLUMNS]]\n");
        return 2;
    }
    unsigned nthreads = read_argument(argc, argv, 2, MAX_THREADS, 1);
    bench.spec.ncolumns = read_argument(argc, argv, 3, NCOLUMNS, NCOLUMNS);
    bench.spec.columns = bench.sources;
    for (size_t i = 0; i < NCOLUMNS; i++)
        bench.sources[i].source = columns[i].source;
    plan(&bench, argv[1]);

    int64_t start_ms = clock_get_monotonic_ms();
    for (unsigned i = 0; i < nthreads; i++) {
        if (pthread_create(&threads[i], NULL, run, &bench) != 0)
            die(status_error(STATUS_RESOURCE_EXHAUSTED, "no thread"));
    }
    for (unsigned i = 0; i < nthreads; i++)
        (void)pthread_join(threads[i], NULL);
    print_result(&bench, clock_get_monotonic_ms() - start_ms);
    plan_deinit(&bench.plan);
    file_root_close(bench.root);
    return 0;
}
