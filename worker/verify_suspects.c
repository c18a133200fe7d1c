#include "worker/verify_suspects.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/mem.h"

struct finding {
    struct verify_mark mark;
    Pb__DifferenceType type;
    Pb__Difference *detail; /* NULL: it is not kept */
};

/* Differences of one row, those of the types beyond VERIFY_MAX_TRACKED by their number. */
struct findings {
    struct finding *items; /* items[0 .. nitems) */
    size_t nitems;
    size_t max_items;
    bool is_sorted;
    int64_t nuntracked[VERIFY_NTYPES];
};

struct suspect {
    struct str row; /* in the arena */
    int64_t ordinal;
    struct findings found;  /* before the first repair, and after each one: what differed */
    struct findings before; /* by the look before this one */
    struct findings now;    /* by this look, or the last one */
    bool takes_all;         /* this look is the first one since a repair */
};

struct verify_suspects {
    struct arena *arena; /* rows and details */
    size_t arena_bytes;
    size_t nfindings;
    struct suspect *items; /* items[0 .. nitems), in the order of rows */
    size_t nitems;
    size_t max_items;
    size_t *active; /* active[0 .. nactive): indexes of those that are to be looked at */
    size_t nactive;
    size_t cursor; /* active[0 .. cursor) are before the row that was asked for last */
    bool has_details;
    Pb__Difference *details[VERIFY_MAX_DETAILS]; /* details[0 .. ndetails) */
    size_t ndetails;
};

/* Findings. */

static int compare_marks(const void *a, const void *b)
{
    const struct finding *x = a, *y = b;

    return memcmp(x->mark.bytes, y->mark.bytes, sizeof(x->mark.bytes));
}

static struct finding *find(struct findings *findings, struct verify_mark mark)
{
    const struct finding key = {.mark = mark};

    if (findings->nitems == 0)
        return NULL;
    if (!findings->is_sorted)
        qsort(findings->items, findings->nitems, sizeof(key), compare_marks);
    findings->is_sorted = true;
    return bsearch(&key, findings->items, findings->nitems, sizeof(key), compare_marks);
}

static bool add(struct findings *findings, const struct finding *finding)
{
    if (findings->nitems == VERIFY_MAX_TRACKED) {
        findings->nuntracked[finding->type]++;
        return false;
    }
    if (findings->nitems == findings->max_items) {
        findings->max_items = findings->max_items * 2 + 4;
        findings->items =
            mem_realloc_array(findings->items, findings->max_items, sizeof(*findings->items));
    }
    findings->items[findings->nitems++] = *finding;
    findings->is_sorted = false;
    return true;
}

static int64_t count_untracked(const struct findings *findings)
{
    int64_t count = 0;

    for (int type = 0; type < VERIFY_NTYPES; type++)
        count += findings->nuntracked[type];
    return count;
}

static bool is_any(const struct findings *findings)
{
    return findings->nitems > 0 || count_untracked(findings) > 0;
}

static void empty(struct findings *findings)
{
    mem_free(findings->items);
    *findings = (struct findings){0};
}

/* Details. */

static ProtobufCBinaryData copy_bytes(struct verify_suspects *suspects, struct str bytes,
                                      size_t max_bytes)
{
    struct str kept = {bytes.data, bytes.len < max_bytes ? bytes.len : max_bytes};

    suspects->arena_bytes += kept.len;
    return (ProtobufCBinaryData){kept.len, (uint8_t *)arena_copy_str(suspects->arena, kept)};
}

/* HBase takes times before 1970, too; nobody has cells of them. */
static int64_t tell_time(int64_t timestamp_ms)
{
    return timestamp_ms > 0 ? timestamp_ms : 0;
}

static Pb__Difference *make_detail(struct verify_suspects *suspects, struct str row,
                                   const struct verify_difference *difference)
{
    if (!suspects->has_details || suspects->ndetails == VERIFY_MAX_DETAILS)
        return NULL;

    Pb__Difference *detail = arena_alloc(suspects->arena, sizeof(*detail));
    pb__difference__init(detail);
    detail->type = difference->type;
    detail->row = (ProtobufCBinaryData){row.len, (uint8_t *)(uintptr_t)row.data};
    detail->family = copy_bytes(suspects, difference->family, difference->family.len);
    detail->qualifier = copy_bytes(suspects, difference->qualifier, VERIFY_MAX_QUALIFIER_BYTES);
    detail->source_timestamp = tell_time(difference->timestamps_ms[VERIFY_SOURCE]);
    detail->destination_timestamp = tell_time(difference->timestamps_ms[VERIFY_DESTINATION]);
    detail->source_value =
        copy_bytes(suspects, difference->values[VERIFY_SOURCE], VERIFY_VALUE_BYTES);
    detail->destination_value =
        copy_bytes(suspects, difference->values[VERIFY_DESTINATION], VERIFY_VALUE_BYTES);
    suspects->details[suspects->ndetails++] = detail;
    return detail;
}

/* Suspects. */

struct verify_suspects *verify_suspects_create(void)
{
    struct verify_suspects *suspects = mem_alloc(sizeof(*suspects));

    suspects->arena = arena_create(0);
    return suspects;
}

static void free_items(struct verify_suspects *suspects)
{
    for (size_t i = 0; i < suspects->nitems; i++) {
        empty(&suspects->items[i].found);
        empty(&suspects->items[i].before);
        empty(&suspects->items[i].now);
    }
    mem_free(suspects->items);
    mem_free(suspects->active);
    arena_destroy(suspects->arena);
}

void verify_suspects_destroy(struct verify_suspects *suspects)
{
    if (!suspects)
        return;
    free_items(suspects);
    mem_free(suspects);
}

void verify_suspects_clear(struct verify_suspects *suspects)
{
    free_items(suspects);
    *suspects = (struct verify_suspects){.arena = arena_create(0)};
}

static struct suspect *add_suspect(struct verify_suspects *suspects, struct str row,
                                   int64_t ordinal)
{
    if (suspects->nitems == suspects->max_items) {
        suspects->max_items = suspects->max_items * 2 + 16;
        suspects->items =
            mem_realloc_array(suspects->items, suspects->max_items, sizeof(*suspects->items));
        suspects->active =
            mem_realloc_array(suspects->active, suspects->max_items, sizeof(*suspects->active));
    }
    struct suspect *added = &suspects->items[suspects->nitems];
    *added = (struct suspect){
        .row = str_from_bytes(arena_copy_str(suspects->arena, row), row.len),
        .ordinal = ordinal,
    };
    suspects->arena_bytes += row.len;
    suspects->active[suspects->nactive++] = suspects->nitems++;
    return added;
}

void verify_suspects_note(struct verify_suspects *suspects, struct str row, int64_t ordinal,
                          const struct verify_difference *difference)
{
    struct suspect *last = suspects->nitems > 0 ? &suspects->items[suspects->nitems - 1] : NULL;
    const struct finding finding = {difference->mark, difference->type, NULL};

    if (!last || !str_is_equal(last->row, row))
        last = add_suspect(suspects, row, ordinal);
    suspects->nfindings += add(&last->now, &finding);
}

size_t verify_suspects_get_size_bytes(const struct verify_suspects *suspects)
{
    /* A look has those of the one before, too. */
    return suspects->arena_bytes + suspects->nitems * sizeof(struct suspect) +
           suspects->nfindings * 2 * sizeof(struct finding);
}

size_t verify_suspects_count(const struct verify_suspects *suspects)
{
    return suspects->nactive;
}

struct str verify_suspects_get_row(const struct verify_suspects *suspects, size_t i)
{
    return suspects->items[suspects->active[i]].row;
}

int64_t verify_suspects_get_ordinal(const struct verify_suspects *suspects, size_t i)
{
    return suspects->items[suspects->active[i]].ordinal;
}

/* The suspect that has row, among those that are to be looked at; NULL: none has. */
static struct suspect *find_row(struct verify_suspects *suspects, struct str row)
{
    for (; suspects->cursor < suspects->nactive; suspects->cursor++) {
        struct suspect *suspect = &suspects->items[suspects->active[suspects->cursor]];
        int order = hbase_bytes_compare(suspect->row, row);

        if (order >= 0)
            return order == 0 ? suspect : NULL;
    }
    return NULL;
}

/* Looks. */

void verify_suspects_begin_look(struct verify_suspects *suspects, bool is_last)
{
    suspects->cursor = 0;
    suspects->has_details = is_last;
    for (size_t i = 0; i < suspects->nactive; i++) {
        struct suspect *suspect = &suspects->items[suspects->active[i]];

        empty(&suspect->before);
        suspect->before = suspect->now;
        suspect->now = (struct findings){0};
    }
}

void verify_suspects_see(struct verify_suspects *suspects, struct str row,
                         const struct verify_difference *difference)
{
    struct suspect *suspect = find_row(suspects, row);
    struct finding finding = {difference->mark, difference->type, NULL};

    if (!suspect)
        return;
    if (!suspect->takes_all && !find(&suspect->before, difference->mark)) {
        /* It is new, or it was one too many to be told apart then. */
        suspect->now.nuntracked[difference->type] += count_untracked(&suspect->before) > 0;
        return;
    }
    if (!find(&suspect->found, difference->mark))
        finding.detail = make_detail(suspects, suspect->row, difference);
    (void)add(&suspect->now, &finding);
}

void verify_suspects_end_look(struct verify_suspects *suspects)
{
    size_t nleft = 0;

    for (size_t i = 0; i < suspects->nactive; i++) {
        struct suspect *suspect = &suspects->items[suspects->active[i]];

        empty(&suspect->before);
        suspect->takes_all = false;
        if (is_any(&suspect->now))
            suspects->active[nleft++] = suspects->active[i];
    }
    suspects->nactive = nleft;
}

/* Repairs. */

/* Adds what is in now to what was found. */
static void keep_found(struct suspect *suspect)
{
    struct findings *found = &suspect->found;

    (void)find(found, (struct verify_mark){{0}}); /* puts them in order */
    struct findings older = *found;               /* the first ones of found stay so */
    for (size_t i = 0; i < suspect->now.nitems; i++) {
        older.items = found->items;
        if (!find(&older, suspect->now.items[i].mark))
            (void)add(found, &suspect->now.items[i]);
    }
    for (int type = 0; type < VERIFY_NTYPES; type++) {
        if (found->nuntracked[type] < suspect->now.nuntracked[type])
            found->nuntracked[type] = suspect->now.nuntracked[type];
    }
    empty(&suspect->now);
}

void verify_suspects_begin_repair(struct verify_suspects *suspects)
{
    suspects->cursor = 0;
    for (size_t i = 0; i < suspects->nactive; i++) {
        struct suspect *suspect = &suspects->items[suspects->active[i]];

        keep_found(suspect);
        suspect->takes_all = true;
    }
}

bool verify_suspects_has_row(struct verify_suspects *suspects, struct str row)
{
    return find_row(suspects, row) != NULL;
}

bool verify_suspects_has(struct verify_suspects *suspects, struct str row,
                         const struct verify_difference *difference)
{
    struct suspect *suspect = find_row(suspects, row);

    return suspect && find(&suspect->found, difference->mark) != NULL;
}

/* What came of it. */

static void add_up(struct suspect *suspect, struct verify_tally *tally)
{
    for (size_t i = 0; i < suspect->found.nitems; i++) {
        const struct finding *finding = &suspect->found.items[i];
        bool is_repaired = !find(&suspect->now, finding->mark);

        tally->counts[finding->type]++;
        tally->nrepaired += is_repaired;
        if (finding->detail)
            finding->detail->is_repaired = is_repaired;
    }
    for (size_t i = 0; i < suspect->now.nitems; i++)
        tally->counts[suspect->now.items[i].type] +=
            !find(&suspect->found, suspect->now.items[i].mark);
    for (int type = 0; type < VERIFY_NTYPES; type++) {
        int64_t nfound = suspect->found.nuntracked[type], nnow = suspect->now.nuntracked[type];

        tally->counts[type] += nfound > nnow ? nfound : nnow;
        tally->nrepaired += nfound > nnow ? nfound - nnow : 0;
    }
}

void verify_suspects_add_up(struct verify_suspects *suspects, struct verify_tally *ret)
{
    *ret = (struct verify_tally){.nrepaired = 0};
    for (size_t i = 0; i < suspects->nitems; i++)
        add_up(&suspects->items[i], ret);
}

size_t verify_suspects_get_details(struct verify_suspects *suspects, Pb__Difference ***ret)
{
    *ret = suspects->details;
    return suspects->ndetails;
}
