/*
 * What is saved: a byte that tells the format, the counts, and the ranges in order; numbers as protobuf's varints, keys
 * with their length in front. Counts and ranges are of one moment: rows that are counted are in no range.
 */
#include "worker/copy_plan.h"

#include <assert.h>

#include "base/arena.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "hbase/cell.h"

enum {
    FORMAT = 1,
    MAX_VARINT_BYTES = 10,
    MAX_KEY_BYTES = HBASE_MAX_ROW_BYTES + 1, /* the key behind the longest one has one byte more */
};

static const int64_t max_count = INT64_C(1) << 53; /* as progress has it */

enum range_state { RANGE_WAITS, RANGE_IS_TAKEN, RANGE_IS_DONE };

struct range {
    struct str start; /* in the plan's arena */
    struct str end;
    struct buf next; /* while it is taken: where it goes on; empty: at start */
    size_t region;
    enum range_state state;
};

struct copy_plan {
    struct arena *arena;
    struct range *ranges; /* ranges[0 .. nranges), in order, without overlaps */
    size_t nranges;
    size_t max_ranges;
    size_t first_waiting; /* no range before it waits */
    unsigned *nleft;      /* by region: ranges that are not done */
    size_t nregions;      /* that have rows of the whole */
    size_t nregions_done;
    struct copy_counts counts;
};

/* The counts, in the order in which they are saved. */
static const size_t counts[] = {
    offsetof(struct copy_counts, rows_read),
    offsetof(struct copy_counts, rows_written),
    offsetof(struct copy_counts, bad_rows),
    offsetof(struct copy_counts, bytes_read),
    offsetof(struct copy_counts, comparison.cells),
    offsetof(struct copy_counts, comparison.missing),
    offsetof(struct copy_counts, comparison.extra),
    offsetof(struct copy_counts, comparison.changed_values),
    offsetof(struct copy_counts, comparison.changed_timestamps),
    offsetof(struct copy_counts, comparison.repaired),
};
static_assert(sizeof(struct copy_counts) == ARRAY_LEN(counts) * sizeof(int64_t), "one is left out");

static int64_t get_count(const struct copy_counts *of, size_t i)
{
    int64_t count;

    memcpy(&count, (const char *)of + counts[i], sizeof(count));
    return count;
}

static void set_count(struct copy_counts *of, size_t i, int64_t count)
{
    memcpy((char *)of + counts[i], &count, sizeof(count));
}

void copy_counts_add(struct copy_counts *sum, const struct copy_counts *more)
{
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        set_count(sum, i, get_count(sum, i) + get_count(more, i));
}

/* Ends of ranges: an empty one is behind all keys. */
static bool end_is_behind(struct str end, struct str key)
{
    return end.len == 0 || hbase_bytes_compare(end, key) > 0;
}

static struct str min_end(struct str a, struct str b)
{
    return b.len > 0 && end_is_behind(a, b) ? b : a;
}

static struct str max_start(struct str a, struct str b)
{
    return hbase_bytes_compare(a, b) > 0 ? a : b;
}

static struct key_range intersect(struct key_range a, struct key_range b)
{
    return (struct key_range){max_start(a.start, b.start), min_end(a.end, b.end)};
}

static bool is_empty(struct key_range range)
{
    return !end_is_behind(range.end, range.start);
}

static struct str copy_key(struct copy_plan *plan, struct str key)
{
    return str_from_bytes(arena_copy_str(plan->arena, key), key.len);
}

static void add_range(struct copy_plan *plan, struct key_range range, size_t region)
{
    if (plan->nranges == plan->max_ranges) {
        plan->max_ranges = plan->max_ranges * 2 + 64;
        plan->ranges = mem_realloc_array(plan->ranges, plan->max_ranges, sizeof(*plan->ranges));
    }
    plan->ranges[plan->nranges++] = (struct range){
        .start = copy_key(plan, range.start),
        .end = copy_key(plan, range.end),
        .region = region,
    };
    plan->nleft[region]++;
}

static struct key_range get_region(const struct copy_plan_options *options, size_t i)
{
    return (struct key_range){options->starts[i],
                              i + 1 < options->nstarts ? options->starts[i + 1] : (struct str){0}};
}

static struct copy_plan *create_empty(const struct copy_plan_options *options)
{
    struct copy_plan *plan = mem_alloc(sizeof(*plan));

    plan->arena = arena_create(0);
    plan->nleft = mem_alloc_array(options->nstarts, sizeof(*plan->nleft));
    return plan;
}

/* Cuts todo[0 .. ntodo), which are in order, at the borders of regions. */
static void add_ranges(struct copy_plan *plan, const struct copy_plan_options *options,
                       const struct key_range *todo, size_t ntodo)
{
    size_t first = 0; /* no range from it on ends before the region */

    for (size_t i = 0; i < options->nstarts; i++) {
        struct key_range region = intersect(get_region(options, i), options->whole);

        if (is_empty(region))
            continue;

        while (first < ntodo && todo[first].end.len > 0 &&
               hbase_bytes_compare(todo[first].end, region.start) <= 0)
            first++;
        for (size_t j = first; j < ntodo && end_is_behind(region.end, todo[j].start); j++) {
            struct key_range range = intersect(region, todo[j]);

            if (!is_empty(range))
                add_range(plan, range, i);
        }
        plan->nregions++;
        plan->nregions_done += plan->nleft[i] == 0;
    }
}

struct copy_plan *copy_plan_create(const struct copy_plan_options *options)
{
    struct copy_plan *plan = create_empty(options);

    add_ranges(plan, options, &options->whole, 1);
    return plan;
}

void copy_plan_destroy(struct copy_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->nranges; i++)
        buf_deinit(&plan->ranges[i].next);
    mem_free(plan->ranges);
    mem_free(plan->nleft);
    arena_destroy(plan->arena);
    mem_free(plan);
}

int64_t copy_plan_take(struct copy_plan *plan)
{
    while (plan->first_waiting < plan->nranges &&
           plan->ranges[plan->first_waiting].state != RANGE_WAITS)
        plan->first_waiting++;
    if (plan->first_waiting == plan->nranges)
        return COPY_PLAN_NONE;
    plan->ranges[plan->first_waiting].state = RANGE_IS_TAKEN;
    return (int64_t)plan->first_waiting;
}

static struct key_range get_left(const struct range *range)
{
    return (struct key_range){range->next.len > 0 ? buf_get(&range->next) : range->start,
                              range->end};
}

static struct range *get_taken(const struct copy_plan *plan, int64_t number)
{
    assert(number >= 0 && (size_t)number < plan->nranges);
    assert(plan->ranges[number].state == RANGE_IS_TAKEN);
    return &plan->ranges[number];
}

struct key_range copy_plan_get_range(const struct copy_plan *plan, int64_t number)
{
    return get_left(get_taken(plan, number));
}

void copy_plan_advance(struct copy_plan *plan, int64_t number, struct str next_row,
                       const struct copy_counts *more)
{
    struct range *range = get_taken(plan, number);

    buf_clear(&range->next);
    buf_append_str(&range->next, next_row);
    copy_counts_add(&plan->counts, more);
}

void copy_plan_finish(struct copy_plan *plan, int64_t number, const struct copy_counts *more)
{
    struct range *range = get_taken(plan, number);

    copy_counts_add(&plan->counts, more);
    range->state = RANGE_IS_DONE;
    buf_deinit(&range->next);
    plan->nleft[range->region]--;
    plan->nregions_done += plan->nleft[range->region] == 0;
}

struct copy_progress copy_plan_get_progress(const struct copy_plan *plan)
{
    return (struct copy_progress){plan->counts, plan->nregions, plan->nregions_done};
}

/* What is saved. */

static void put_number(struct buf *buf, uint64_t value)
{
    while (value >= 0x80) {
        buf_append_char(buf, (char)(value | 0x80));
        value >>= 7;
    }
    buf_append_char(buf, (char)value);
}

static void put_key(struct buf *buf, struct str key)
{
    put_number(buf, key.len);
    buf_append_str(buf, key);
}

/* The last row of a range may be copied before it is known to be the last. */
static bool has_rows_left(const struct range *range)
{
    return range->state != RANGE_IS_DONE && !is_empty(get_left(range));
}

/* The next range to be saved, from ranges[*i] on, those that touch taken as one. False: there is none. */
static bool take_left(const struct copy_plan *plan, size_t *i, struct key_range *ret)
{
    bool is_found = false;

    for (; *i < plan->nranges; (*i)++) {
        const struct range *range = &plan->ranges[*i];

        if (!has_rows_left(range))
            continue;
        struct key_range left = get_left(range);
        if (!is_found)
            *ret = left;
        else if (str_is_equal(left.start, ret->end))
            ret->end = left.end;
        else
            break;
        is_found = true;
    }
    return is_found;
}

bool copy_plan_write(const struct copy_plan *plan, struct buf *ret)
{
    struct key_range range;
    uint64_t nranges = 0;

    buf_clear(ret);
    ret->max_bytes = COPY_PLAN_MAX_BYTES;
    buf_append_char(ret, FORMAT);
    for (size_t i = 0; i < ARRAY_LEN(counts); i++)
        put_number(ret, (uint64_t)get_count(&plan->counts, i));
    for (size_t i = 0; take_left(plan, &i, &range);)
        nranges++;
    put_number(ret, nranges);
    for (size_t i = 0; take_left(plan, &i, &range);) {
        put_key(ret, range.start);
        put_key(ret, range.end);
    }
    return !buf_is_full(ret);
}

static bool take_number(struct str *rest, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    for (size_t i = 0; i < rest->len && i < MAX_VARINT_BYTES; i++) {
        unsigned char byte = (unsigned char)rest->data[i];

        if (i == MAX_VARINT_BYTES - 1 && byte > 1)
            return false;
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80) {
            *rest = str_skip(*rest, i + 1);
            *ret = value;
            return value <= max;
        }
    }
    return false;
}

static bool take_count(struct str *rest, int64_t *ret)
{
    uint64_t value = 0;

    if (!take_number(rest, (uint64_t)max_count, &value))
        return false;
    *ret = (int64_t)value;
    return true;
}

static bool take_key(struct str *rest, struct str *ret)
{
    uint64_t len = 0;

    if (!take_number(rest, MAX_KEY_BYTES, &len) || len > rest->len)
        return false;
    *ret = str_from_bytes(rest->data, (size_t)len);
    *rest = str_skip(*rest, (size_t)len);
    return true;
}

/* Ranges have rows, are in order and do not overlap. */
static bool take_ranges(struct str *rest, struct key_range *ranges, size_t nranges)
{
    for (size_t i = 0; i < nranges; i++) {
        if (!take_key(rest, &ranges[i].start) || !take_key(rest, &ranges[i].end) ||
            is_empty(ranges[i]))
            return false;
        if (i > 0 && (ranges[i - 1].end.len == 0 ||
                      hbase_bytes_compare(ranges[i - 1].end, ranges[i].start) > 0))
            return false;
    }
    return rest->len == 0;
}

static bool take_counts(struct str *rest, struct copy_counts *ret)
{
    int64_t count = 0;

    for (size_t i = 0; i < ARRAY_LEN(counts); i++) {
        if (!take_count(rest, &count))
            return false;
        set_count(ret, i, count);
    }
    return true;
}

struct status copy_plan_resume(const struct copy_plan_options *options, struct str saved,
                               struct copy_plan **ret)
{
    struct copy_counts done;
    uint64_t nranges = 0;
    struct str rest = saved;
    uint64_t format = 0;

    /* A range has two bytes at least. */
    bool is_right = saved.len <= COPY_PLAN_MAX_BYTES && take_number(&rest, FORMAT, &format) &&
                    format == FORMAT && take_counts(&rest, &done) &&
                    take_number(&rest, rest.len / 2, &nranges);
    struct key_range *ranges =
        is_right ? mem_alloc_array((size_t)nranges + 1, sizeof(*ranges)) : NULL;
    is_right = is_right && take_ranges(&rest, ranges, (size_t)nranges);
    if (is_right) {
        struct copy_plan *plan = create_empty(options);

        plan->counts = done;
        add_ranges(plan, options, ranges, (size_t)nranges);
        *ret = plan;
    }
    mem_free(ranges);
    return is_right ? status_ok()
                    : status_error(STATUS_DATA_LOSS, "what was saved of the copy cannot be read");
}
