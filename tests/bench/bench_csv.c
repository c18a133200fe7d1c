/*
 * tests/bench/bench_csv.c - how fast CSV files are planned and read, on one thread.
 *
 *     bench_csv make FILE ROWS [quoted]   writes a file of six columns, every text in quotes if asked for
 *     bench_csv read FILE [BLOCK_BYTES]   plans it and reads it as typed values; prints rates and a sum
 */
#include <inttypes.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "connectors/csv/csv_reader.h"
#include "connectors/csv/csv_records.h"
#include "connectors/file/file_root.h"
#include "connectors/plan.h"

enum { NCOLUMNS = 6 };

static const struct target_column columns[NCOLUMNS] = {
    {.source = "id", .type = COLUMN_STRING},
    {.source = "intcol", .type = COLUMN_INT, .is_nullable = true},
    {.source = "doublecol", .type = COLUMN_DOUBLE, .is_nullable = true},
    {.source = "stringcol", .type = COLUMN_STRING, .is_nullable = true},
    {.source = "string1col", .type = COLUMN_STRING, .is_nullable = true},
    {.source = "decimalcol",
     .type = COLUMN_DECIMAL,
     .is_nullable = true,
     .precision = 18,
     .scale = 2},
};

static void die(struct status st)
{
    fprintf(stderr, "bench_csv: %s\n", st.text);
    exit(1);
}

static int make_file(const char *path, int64_t nrows, const char *quote)
{
    FILE *file = fopen(path, "w");
    uint64_t hash = 1;

    if (!file) {
        perror(path);
        return 1;
    }
    fprintf(file, "id,intcol,doublecol,stringcol,string1col,decimalcol\n");
    for (int64_t i = 0; i < nrows; i++) {
        char text[40] = ""; /* 32 hex digits or nothing */
        hash = hash * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        if (i % 10 != 0)
            snprintf(text, sizeof(text), "%s%016" PRIx64 "%016" PRIx64 "%s", quote, hash,
                     hash ^ (hash >> 7), quote);
        fprintf(file,
                "row%010" PRId64 ",%" PRId64 ",%.17g,%sstring value number %" PRId64
                "%s,%s,%" PRId64 ".%02" PRId64 "\n",
                i, i * 2654435761 % 2000000000, (double)i * 1.0000001 / 7, quote, i % 100000, quote,
                text, i * 7919 % 10000000000 / 100, i * 7919 % 100);
    }
    return fclose(file) == 0 ? 0 : 1;
}

static double get_cpu_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static struct status refuse_row(struct bad_row_sink *sink, const struct bad_row *row)
{
    (void)sink;
    return status_error(STATUS_INVALID_ARGUMENT, "row %" PRId64 ", column %s: %s", row->row,
                        row->column, row->reason);
}

/* What was read, in numbers that any other reader can be compared with. */
struct sums {
    int64_t nrows;
    int64_t ints;
    double reals;
    int64_t decimals;
    size_t text_bytes;
};

static void add_batch(struct sums *sums, const struct batch *batch)
{
    for (size_t i = 0; i < batch->nrows; i++) {
        sums->ints += batch->columns[1].ints[i];
        sums->reals += batch->columns[2].reals[i];
        sums->decimals += (int64_t)batch->columns[5].decimals[i].unscaled;
        sums->text_bytes += batch->columns[0].texts[i].len + batch->columns[3].texts[i].len;
        if (!batch->columns[4].is_null[i])
            sums->text_bytes += batch->columns[4].texts[i].len;
    }
    sums->nrows += (int64_t)batch->nrows;
}

static void read_split(const struct reader_options *options, size_t block_bytes,
                       struct batch *batch, struct sums *sums)
{
    struct reader *reader;
    struct status st = csv_reader_open(options, block_bytes, &reader);

    while (st.code == STATUS_OK) {
        st = csv_reader.next(reader, batch);
        if (st.code == STATUS_OK && batch->nrows == 0)
            break;
        add_batch(sums, batch);
    }
    if (st.code != STATUS_OK)
        die(st);
    csv_reader.close(reader);
}

static void print_rate(const char *what, double s, int64_t nrows, uint64_t nbytes)
{
    printf("%-5s %6.3f CPU s  %6.2f M rows/s  %7.0f MB/s\n", what, s, (double)nrows / s / 1e6,
           (double)nbytes / s / 1e6);
}

static void read_plan(const struct file_root *root, const struct import_spec *spec,
                      const char *name, size_t block_bytes)
{
    struct stop stop = {0};
    struct bad_row_sink sink = {refuse_row};
    struct plan plan = {0};
    struct sums sums = {0};
    struct status st = file_root_list(root, name, &plan);
    double start_s = get_cpu_s();

    if (st.code == STATUS_OK)
        st = csv_reader.plan(spec, root, &stop, &plan);
    if (st.code != STATUS_OK)
        die(st);
    double plan_s = get_cpu_s() - start_s;
    struct batch *batch = batch_create(columns, NCOLUMNS);
    struct reader_options options = {
        .spec = spec,
        .root = root,
        .columns = columns,
        .ncolumns = NCOLUMNS,
        .plan = &plan,
        .bad_rows = &sink,
        .stop = &stop,
    };
    start_s = get_cpu_s();
    for (size_t i = 0; i < plan.nsplits; i++) {
        options.split = &plan.splits[i];
        read_split(&options, block_bytes, batch, &sums);
    }
    double read_s = get_cpu_s() - start_s;
    batch_destroy(batch);
    print_rate("plan", plan_s, sums.nrows, plan.files[0].size_bytes);
    print_rate("read", read_s, sums.nrows, plan.files[0].size_bytes);
    printf("%zu splits, %" PRId64 " rows, int sum %" PRId64
           ", double sum %.6e, decimal sum %" PRId64 ", %zu bytes of text\n",
           plan.nsplits, sums.nrows, sums.ints, sums.reals, sums.decimals, sums.text_bytes);
    plan_deinit(&plan);
}

static int read_file(const char *path, size_t block_bytes)
{
    struct import_column sources[NCOLUMNS] = {{0}};
    struct import_spec spec = {
        .columns = sources,
        .ncolumns = NCOLUMNS,
        .has_header = true,
        .delimiter = ',',
    };
    char *folder = mem_copy_str(str_from(path));
    char *name = mem_copy_str(str_from(path));
    struct file_root *root;
    struct rusage usage;

    for (size_t i = 0; i < NCOLUMNS; i++)
        sources[i].source = columns[i].source;
    struct status st = file_root_open(dirname(folder), &root);
    if (st.code != STATUS_OK)
        die(st);
    read_plan(root, &spec, basename(name), block_bytes);
    file_root_close(root);
    mem_free(folder);
    mem_free(name);
    getrusage(RUSAGE_SELF, &usage);
    printf("%ld KiB of memory at most\n", usage.ru_maxrss);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc >= 4 && strcmp(argv[1], "make") == 0)
        return make_file(argv[2], strtoll(argv[3], NULL, 10), argc > 4 ? "\"" : "");
    if (argc >= 3 && strcmp(argv[1], "read") == 0)
        return read_file(argv[2], argc > 3 ? strtoul(argv[3], NULL, 10) : CSV_BLOCK_BYTES);
    fprintf(stderr, "usage: bench_csv make FILE ROWS [quoted] | read FILE [BLOCK_BYTES]\n");
    return 2;
}
