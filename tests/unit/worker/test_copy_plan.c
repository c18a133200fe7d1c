#include "worker/copy_plan.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "hbase/cell.h"
#include "tests/harness/test.h"

enum { MAX_STARTS = 8, TEXT_BYTES = 200 };

/* Regions that begin at "", "c", "f", "k". */
static const char four[] = "cfk";

/* What is copied of regions that begin at "" and at each letter of keys. */
static struct copy_plan_options make_options(const char *keys, const char *start, const char *end,
                                             struct str starts[MAX_STARTS])
{
    struct copy_plan_options options = {
        .whole = {str_from(start), str_from(end)}, .starts = starts, .nstarts = 1};

    starts[0] = (struct str){0};
    for (size_t i = 0; keys[i]; i++)
        starts[options.nstarts++] = str_from_bytes(&keys[i], 1);
    return options;
}

static struct copy_plan *create(const char *keys, const char *start, const char *end)
{
    struct str starts[MAX_STARTS];
    struct copy_plan_options options = make_options(keys, start, end, starts);

    return copy_plan_create(&options);
}

/* What a plan saves, read for a table whose regions are others by now. */
static struct copy_plan *move_on(struct copy_plan *plan, const char *keys)
{
    struct str starts[MAX_STARTS];
    struct copy_plan_options options = make_options(keys, "", "", starts);
    struct buf saved = {0};
    struct copy_plan *next = NULL;

    check(copy_plan_write(plan, &saved));
    check_status(copy_plan_resume(&options, buf_get(&saved), &next), STATUS_OK);
    buf_deinit(&saved);
    copy_plan_destroy(plan);
    return next;
}

static void append_range(char *text, struct key_range range)
{
    size_t len = strlen(text);

    (void)snprintf(text + len, TEXT_BYTES - len, "[%.*s,%.*s)", (int)range.start.len,
                   range.start.data, (int)range.end.len, range.end.data);
}

/* Takes all that is left: "[,c)[c,f)". */
static const char *take_all(struct copy_plan *plan, char ret[TEXT_BYTES])
{
    int64_t number = copy_plan_take(plan);

    ret[0] = '\0';
    for (; number != COPY_PLAN_NONE; number = copy_plan_take(plan))
        append_range(ret, copy_plan_get_range(plan, number));
    return ret;
}

static void advance(struct copy_plan *plan, int64_t number, const char *next_row, int64_t nrows)
{
    struct copy_counts counts = {.rows_read = nrows, .rows_written = nrows, .bytes_read = nrows};

    copy_plan_advance(plan, number, str_from(next_row), &counts);
}

static void finish(struct copy_plan *plan, int64_t number, int64_t nrows)
{
    struct copy_counts counts = {.rows_read = nrows, .rows_written = nrows, .bytes_read = nrows};

    copy_plan_finish(plan, number, &counts);
}

static const char *write_progress(const struct copy_plan *plan, char ret[TEXT_BYTES])
{
    struct copy_progress progress = copy_plan_get_progress(plan);

    (void)snprintf(ret, TEXT_BYTES, "%" PRId64 " rows, %zu of %zu regions",
                   progress.counts.rows_read, progress.nregions_done, progress.nregions);
    return ret;
}

test(copy_plan_has_a_range_for_each_region)
{
    static const struct {
        const char *keys, *start, *end, *expected, *progress;
    } cases[] = {
        {"", "", "", "[,)", "0 rows, 0 of 1 regions"},
        {four, "", "", "[,c)[c,f)[f,k)[k,)", "0 rows, 0 of 4 regions"},
        {four, "d", "", "[d,f)[f,k)[k,)", "0 rows, 0 of 3 regions"},
        {four, "", "c", "[,c)", "0 rows, 0 of 1 regions"},
        {four, "c", "g", "[c,f)[f,g)", "0 rows, 0 of 2 regions"},
        {four, "dd", "de", "[dd,de)", "0 rows, 0 of 1 regions"},
        {four, "z", "", "[z,)", "0 rows, 0 of 1 regions"},
    };
    char text[TEXT_BYTES];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct copy_plan *plan = create(cases[i].keys, cases[i].start, cases[i].end);

        check_str(write_progress(plan, text), cases[i].progress);
        check_str(take_all(plan, text), cases[i].expected);
        copy_plan_destroy(plan);
    }
}

test(copy_plan_goes_on_behind_the_rows_that_are_copied)
{
    char text[TEXT_BYTES];
    struct copy_plan *plan = create(four, "", "");
    int64_t first = copy_plan_take(plan), second = copy_plan_take(plan);

    advance(plan, second, "d", 5);
    advance(plan, second, "dd", 2);
    finish(plan, first, 10);
    plan = move_on(plan, four);
    check_str(write_progress(plan, text), "17 rows, 1 of 4 regions");
    check_str(take_all(plan, text), "[dd,f)[f,k)[k,)");
    copy_plan_destroy(plan);
}

test(copy_plan_goes_on_when_regions_have_split)
{
    char text[TEXT_BYTES];
    struct copy_plan *plan = create("m", "", "");

    advance(plan, copy_plan_take(plan), "d", 4);
    plan = move_on(plan, "bgmt");
    check_str(write_progress(plan, text), "4 rows, 1 of 5 regions");
    check_str(take_all(plan, text), "[d,g)[g,m)[m,t)[t,)");
    copy_plan_destroy(plan);
}

test(copy_plan_goes_on_when_regions_have_merged)
{
    char text[TEXT_BYTES];
    struct copy_plan *plan = create(four, "", "");
    int64_t numbers[] = {copy_plan_take(plan), copy_plan_take(plan), copy_plan_take(plan)};

    advance(plan, numbers[0], "b", 1);
    finish(plan, numbers[1], 2);
    advance(plan, numbers[2], "h", 3);
    plan = move_on(plan, "k");
    check_str(write_progress(plan, text), "6 rows, 0 of 2 regions");

    /* The region is done when both of its ranges are. */
    numbers[0] = copy_plan_take(plan);
    numbers[1] = copy_plan_take(plan);
    finish(plan, numbers[0], 1);
    check_str(write_progress(plan, text), "7 rows, 0 of 2 regions");
    finish(plan, numbers[1], 1);
    check_str(write_progress(plan, text), "8 rows, 1 of 2 regions");
    check_str(take_all(plan, text), "[k,)");
    copy_plan_destroy(plan);
}

test(copy_plan_that_is_done_stays_done)
{
    char text[TEXT_BYTES];
    struct copy_plan *plan = create("c", "", "");

    finish(plan, copy_plan_take(plan), 1);
    finish(plan, copy_plan_take(plan), 1);
    plan = move_on(plan, four);
    check_str(write_progress(plan, text), "2 rows, 4 of 4 regions");
    check_str(take_all(plan, text), "");
    copy_plan_destroy(plan);
}

test(copy_plan_saves_no_range_whose_rows_are_all_copied)
{
    char text[TEXT_BYTES];
    struct copy_plan *plan = create(four, "", "");

    advance(plan, copy_plan_take(plan), "c", 1);
    plan = move_on(plan, four);
    check_str(take_all(plan, text), "[c,f)[f,k)[k,)");
    copy_plan_destroy(plan);
}

/* A plan of two regions with keys of len bytes, in the first of which rows were copied. */
static struct copy_plan *create_with_keys(size_t len)
{
    char *key = mem_alloc(len);
    struct str starts[] = {{0}, {key, len}};
    struct copy_plan_options options = {.starts = starts, .nstarts = ARRAY_LEN(starts)};

    memset(key, 'k', len);
    struct copy_plan *plan = copy_plan_create(&options);
    int64_t first = copy_plan_take(plan);
    key[len - 1] = 'a';
    copy_plan_advance(plan, first, str_from_bytes(key, len), &(struct copy_counts){0});
    mem_free(key);
    return plan;
}

test(copy_plan_takes_keys_as_long_as_those_of_hbase)
{
    struct copy_plan *plan = create_with_keys(HBASE_MAX_ROW_BYTES + 1);
    struct str starts[] = {{0}};
    struct copy_plan_options options = {.starts = starts, .nstarts = 1};
    struct copy_plan *next = NULL;
    struct buf saved = {0};

    check(copy_plan_write(plan, &saved));
    check_status(copy_plan_resume(&options, buf_get(&saved), &next), STATUS_OK);
    copy_plan_destroy(next);
    copy_plan_destroy(plan);

    plan = create_with_keys(HBASE_MAX_ROW_BYTES + 2);
    check(copy_plan_write(plan, &saved));
    check_status(copy_plan_resume(&options, buf_get(&saved), &next), STATUS_DATA_LOSS);
    copy_plan_destroy(plan);
    buf_deinit(&saved);
}

/* Whether a plan of n regions under way with keys of 4,000 bytes can be saved. */
static bool fits(size_t n)
{
    enum { KEY_BYTES = 4000 };
    char *keys = mem_alloc_array(n, KEY_BYTES);
    struct str *starts = mem_alloc_array(n, sizeof(*starts));
    struct buf saved = {0};

    for (size_t i = 1; i < n; i++) {
        keys[i * KEY_BYTES] = (char)(i / 100);
        keys[i * KEY_BYTES + 1] = (char)(i % 100);
        starts[i] = str_from_bytes(&keys[i * KEY_BYTES], KEY_BYTES);
    }
    struct copy_plan *plan =
        copy_plan_create(&(struct copy_plan_options){.starts = starts, .nstarts = n});
    for (size_t i = 0; i < n; i++) {
        char next[KEY_BYTES + 1] = {0}; /* behind the first row */
        int64_t number = copy_plan_take(plan);

        memcpy(next, copy_plan_get_range(plan, number).start.data,
               copy_plan_get_range(plan, number).start.len);
        copy_plan_advance(plan, number, str_from_bytes(next, sizeof(next)),
                          &(struct copy_counts){0});
    }
    bool is_fitting = copy_plan_write(plan, &saved);
    buf_deinit(&saved);
    copy_plan_destroy(plan);
    mem_free(starts);
    mem_free(keys);
    return is_fitting;
}

test(copy_plan_says_when_it_is_too_large_to_be_saved)
{
    check(fits(60));
    check(!fits(70));
}

test(copy_plan_of_many_regions_is_saved_in_few_bytes)
{
    enum { NREGIONS = 100000, KEY_BYTES = 4 };
    unsigned char *keys = mem_alloc_array(NREGIONS, KEY_BYTES);
    struct str *starts = mem_alloc_array(NREGIONS, sizeof(*starts));
    struct buf saved = {0};

    for (size_t i = 1; i < NREGIONS; i++) {
        for (size_t j = 0; j < KEY_BYTES; j++)
            keys[i * KEY_BYTES + j] = (unsigned char)(i >> (8 * (KEY_BYTES - 1 - j)));
        starts[i] = str_from_bytes(&keys[i * KEY_BYTES], KEY_BYTES);
    }
    struct copy_plan *plan =
        copy_plan_create(&(struct copy_plan_options){.starts = starts, .nstarts = NREGIONS});
    for (int i = 0; i < NREGIONS / 2; i++)
        finish(plan, copy_plan_take(plan), 1);
    check(copy_plan_write(plan, &saved));
    check(saved.len < 32);
    buf_deinit(&saved);
    copy_plan_destroy(plan);
    mem_free(starts);
    mem_free(keys);
}

test(copy_plan_refuses_what_it_has_not_saved)
{
#define HEAD "\1\0\0\0\0"
    static const struct {
        const char *bytes;
        size_t len;
    } cases[] = {
#define CASE(text) {text, sizeof(text) - 1}
        CASE(""),
        CASE("\2\0\0\0\0\0"),          /* another format */
        CASE("\1\0\0\0"),              /* cut */
        CASE(HEAD "\0\0"),             /* bytes behind the end */
        CASE(HEAD "\1"),               /* a range is missing */
        CASE(HEAD "\1\1a"),            /* the end of a range is missing */
        CASE(HEAD "\1\1b\1b"),         /* a range without rows */
        CASE(HEAD "\1\1b\1a"),         /* ... and from back to front */
        CASE(HEAD "\2\1a\1c\1b\1d"),   /* an overlap */
        CASE(HEAD "\2\1a\0\1b\1d"),    /* the same, of one without an end */
        CASE(HEAD "\1\377\377\1a\1b"), /* a key beyond the end */
        CASE("\1\377\377\377\377\377\377\377\377\377\1\0\0\0\0"), /* a count beyond all */
        CASE("\1\377\377\377\377\377\377\377\377\377\377\1\0\0\0\0"),
        CASE(HEAD "\377\377\377\377\7"), /* ranges without end */
#undef CASE
#undef HEAD
    };
    struct str starts[] = {{0}};
    struct copy_plan_options options = {.starts = starts, .nstarts = 1};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct copy_plan *plan = NULL;

        check_status(
            copy_plan_resume(&options, str_from_bytes(cases[i].bytes, cases[i].len), &plan),
            STATUS_DATA_LOSS);
        check(plan == NULL);
    }
}

test(copy_plan_saves_all_its_counts)
{
    struct copy_counts counts = {
        .rows_read = 1,
        .rows_written = 2,
        .bad_rows = 3,
        .bytes_read = 4,
        .comparison = {.cells = 5,
                       .missing = 6,
                       .extra = 7,
                       .changed_values = 8,
                       .changed_timestamps = 9,
                       .repaired = 10},
    };
    struct copy_plan *plan = create("", "", "");
    int64_t number = copy_plan_take(plan);

    copy_plan_advance(plan, number, str_from("a"), &counts);
    plan = move_on(plan, "");
    number = copy_plan_take(plan);
    copy_plan_finish(plan, number, &counts);
    struct copy_counts sum = copy_plan_get_progress(plan).counts;
    check_int(sum.rows_read, 2);
    check_int(sum.rows_written, 4);
    check_int(sum.bad_rows, 6);
    check_int(sum.bytes_read, 8);
    check_int(sum.comparison.cells, 10);
    check_int(sum.comparison.missing, 12);
    check_int(sum.comparison.extra, 14);
    check_int(sum.comparison.changed_values, 16);
    check_int(sum.comparison.changed_timestamps, 18);
    check_int(sum.comparison.repaired, 20);
    copy_plan_destroy(plan);
}
