/*
 * tests/bench/bench_postgres.c - how fast rows go into a table of PostgreSQL, without any
 * reading of files.
 *
 *     bench_postgres csv FILE ROWS
 *     bench_postgres write URL ROWS WRITERS ROWS_A_SPLIT
 *
 * The first writes rows as CSV, for a comparison; the second writes them into default.bench,
 * as it is, or made if it is missing.
 *
 * The rows have the six columns of the documented example: a key, an int, a double, two
 * texts, of which one is null in every tenth row, and a decimal of two places.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "connectors/writer.h"

enum { NCOLUMNS = 6, MAX_WRITERS = 8, KEY_BYTES = 13, TEXT_BYTES = 27, HASH_BYTES = 32 };

static const struct destination_type *const type = &postgres_destination;

static const struct import_column columns[NCOLUMNS] = {
    {"id", "ROW", true, COLUMN_STRING},
    {"intcol", "f:intcol", false, COLUMN_INT},
    {"doublecol", "f:doublecol", false, COLUMN_DOUBLE},
    {"stringcol", "f:stringcol", false, COLUMN_STRING},
    {"string1col", "f:string1col", false, COLUMN_STRING},
    {"decimalcol", "f:decimalcol", false, COLUMN_DECIMAL},
};

/* A batch and where its texts are. */
struct rows {
    struct batch *batch;
    char keys[BATCH_MAX_ROWS][KEY_BYTES];
    char texts[BATCH_MAX_ROWS][TEXT_BYTES];
    char hashes[BATCH_MAX_ROWS][HASH_BYTES];
};

struct work {
    struct destination *destination;
    int64_t nrows;
    int64_t split_rows;
    int64_t first_split; /* of this writer; then every nwriters-th */
    int64_t nwriters;
    unsigned nagain;
    struct status status;
};

static void put_digits(char *end, uint64_t number)
{
    do
        *--end = (char)('0' + number % 10);
    while ((number /= 10) != 0);
}

static void put_hash(char *at, uint64_t number)
{
    for (int i = 0; i < HASH_BYTES; i++) {
        if (i % 16 == 0)
            number = (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
        at[i] = "0123456789abcdef"[number >> (i % 16 * 4) & 15];
    }
}

static void fill_row(struct rows *rows, size_t at, int64_t i)
{
    struct batch_column *c = rows->batch->columns;

    memcpy(rows->keys[at], "row0000000000", KEY_BYTES);
    put_digits(rows->keys[at] + KEY_BYTES, (uint64_t)i);
    memcpy(rows->texts[at], "string value number 0000000", TEXT_BYTES);
    put_digits(rows->texts[at] + TEXT_BYTES, (uint64_t)i % 100000);
    put_hash(rows->hashes[at], (uint64_t)i);
    c[0].texts[at] = str_from_bytes(rows->keys[at], KEY_BYTES);
    c[1].ints[at] = i * INT64_C(2654435761) % 2000000000;
    c[2].reals[at] = (double)i * 1.0000001 / 7;
    c[3].texts[at] = str_from_bytes(rows->texts[at], TEXT_BYTES);
    c[4].texts[at] = str_from_bytes(rows->hashes[at], HASH_BYTES);
    c[4].is_null[at] = i % 10 == 0;
    c[5].decimals[at] = (struct decimal){.unscaled = i * 7919 % INT64_C(10000000000), .scale = 2};
    rows->batch->row_numbers[at] = i + 1;
}

static void fill(struct rows *rows, int64_t first, int64_t end)
{
    int64_t n = end - first < BATCH_MAX_ROWS ? end - first : BATCH_MAX_ROWS;

    rows->batch->nrows = (size_t)n;
    for (int64_t i = 0; i < n; i++)
        fill_row(rows, (size_t)i, first + i);
}

static struct rows *create_rows(void)
{
    struct target_column targets[NCOLUMNS] = {0};
    struct rows *rows = mem_alloc(sizeof(*rows));

    for (size_t i = 0; i < NCOLUMNS; i++)
        targets[i].type = columns[i].type;
    rows->batch = batch_create(targets, NCOLUMNS);
    return rows;
}

static void destroy_rows(struct rows *rows)
{
    batch_destroy(rows->batch);
    mem_free(rows);
}

static struct status write_once(const struct work *work, struct writer *writer, struct rows *rows,
                                int64_t split, bool *ret_again)
{
    int64_t first = split * work->split_rows;
    int64_t end = first + work->split_rows < work->nrows ? first + work->split_rows : work->nrows;
    struct unit unit = {.number = (uint32_t)split, .rows_read = end - first};
    struct status st = status_ok();

    while (first < end) {
        fill(rows, first, end);
        st = type->write(writer, "bench", rows->batch, NULL, ret_again);
        if (st.code != STATUS_OK || *ret_again)
            return st;
        first += (int64_t)rows->batch->nrows;
    }
    return type->commit(writer, &unit, ret_again);
}

static void *run(void *arg)
{
    struct work *work = arg;
    struct rows *rows = create_rows();
    struct writer *writer = NULL;
    struct status st = type->open_writer(work->destination, &writer);

    for (int64_t split = work->first_split;
         st.code == STATUS_OK && split * work->split_rows < work->nrows; split += work->nwriters) {
        bool is_again = true;
        while (st.code == STATUS_OK && is_again) {
            is_again = false;
            st = write_once(work, writer, rows, split, &is_again);
            work->nagain += is_again;
        }
    }
    type->close_writer(writer);
    destroy_rows(rows);
    work->status = st;
    return NULL;
}

static struct status write_all(struct destination *destination, int64_t nrows, int64_t nwriters,
                               int64_t split_rows)
{
    struct work works[MAX_WRITERS];
    pthread_t threads[MAX_WRITERS];
    struct status st = status_ok();
    int64_t start_ms = clock_get_monotonic_ms();
    unsigned nagain = 0;

    for (int64_t i = 0; i < nwriters; i++) {
        works[i] = (struct work){.destination = destination,
                                 .nrows = nrows,
                                 .split_rows = split_rows,
                                 .first_split = i,
                                 .nwriters = nwriters};
        if (pthread_create(&threads[i], NULL, run, &works[i]) != 0)
            abort();
    }
    for (int64_t i = 0; i < nwriters; i++) {
        (void)pthread_join(threads[i], NULL);
        nagain += works[i].nagain;
        if (works[i].status.code != STATUS_OK)
            st = works[i].status;
    }
    int64_t ms = clock_get_monotonic_ms() - start_ms;
    printf("%" PRId64 " rows, %" PRId64 " writers: %.2f s, %.0f k rows/s, %u splits again\n", nrows,
           nwriters, (double)ms / 1000, (double)nrows / (double)(ms > 0 ? ms : 1), nagain);
    return st;
}

static struct status write_table(char **argv)
{
    static const struct stop stop;
    struct import_spec spec = {.columns = (struct import_column *)columns,
                               .ncolumns = NCOLUMNS,
                               .namespace = "default",
                               .table = "bench",
                               .timestamp_ms = INT64_MIN};
    struct buf json = {0};
    struct destination *destination = NULL;
    const struct unit *units;
    size_t nunits;
    bool is_made;

    buf_printf(&json, "{\"url\":\"%s\"}", argv[2]);
    struct destination_options options = {.parameters_json = buf_get_text(&json),
                                          .spec = &spec,
                                          .task_id = "proc-1-bench",
                                          .lease_token = clock_get_time_us() / 1000,
                                          .stop = &stop};
    struct status st = type->open(&options, &destination);
    if (st.code == STATUS_OK)
        st = type->make_table(destination, NULL, &is_made);
    if (st.code == STATUS_OK)
        st = type->begin(destination, true, &units, &nunits);
    int64_t nwriters = strtoll(argv[4], NULL, 10);
    if (st.code == STATUS_OK && nwriters >= 1 && nwriters <= MAX_WRITERS)
        st = write_all(destination, strtoll(argv[3], NULL, 10), nwriters,
                       strtoll(argv[5], NULL, 10));
    type->close(destination);
    buf_deinit(&json);
    return st;
}

static struct status write_csv(const char *path, int64_t nrows)
{
    FILE *file = fopen(path, "w");
    struct rows *rows = create_rows();
    const struct batch_column *c = rows->batch->columns;

    if (!file)
        return status_error(STATUS_NOT_FOUND, "'%s' cannot be written", path);
    for (int64_t i = 0; i < nrows; i++) {
        fill_row(rows, 0, i);
        int64_t cents = (int64_t)c[5].decimals[0].unscaled;
        fprintf(file, "%.*s,%" PRId64 ",%.17g,%.*s,%.*s,%" PRId64 ".%02" PRId64 "\n", KEY_BYTES,
                rows->keys[0], c[1].ints[0], c[2].reals[0], TEXT_BYTES, rows->texts[0],
                c[4].is_null[0] ? 0 : HASH_BYTES, rows->hashes[0], cents / 100, cents % 100);
    }
    (void)fclose(file);
    destroy_rows(rows);
    return status_ok();
}

int main(int argc, char **argv)
{
    struct status st =
        status_error(STATUS_INVALID_ARGUMENT, "arguments: csv FILE ROWS | write URL ROWS WRITERS "
                                              "ROWS_A_SPLIT");

    if (argc == 4 && strcmp(argv[1], "csv") == 0)
        st = write_csv(argv[2], strtoll(argv[3], NULL, 10));
    else if (argc == 6 && strcmp(argv[1], "write") == 0)
        st = write_table(argv);
    if (st.code == STATUS_OK)
        return 0;
    printf("%s: %s\n", status_code_get_name(st.code), st.text);
    return 1;
}
