#include <stdio.h>

#include "connectors/hbase/hbase_split_keys.h"
#include "tests/harness/test.h"

enum { MAX_KEYS = 1000 };

/* Keys "0007" and so on, n of them, the last one first. */
struct sample {
    char texts[MAX_KEYS][24];
    struct str keys[MAX_KEYS];
    size_t n;
    struct arena *arena;
    struct str *chosen;
    size_t nchosen;
};

static void choose(struct sample *sample, size_t n, uint64_t size_bytes)
{
    sample->n = n;
    sample->arena = arena_create(0);
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(sample->texts[i], sizeof(sample->texts[i]), "%04zu", n - 1 - i);
        sample->keys[i] = str_from(sample->texts[i]);
    }
    hbase_split_keys_choose(sample->keys, n, size_bytes, sample->arena, &sample->chosen,
                            &sample->nchosen);
}

test(small_files_make_one_region)
{
    static struct sample sample;

    choose(&sample, 1000, HBASE_SPLIT_REGION_BYTES - 1);
    check_int(sample.nchosen, 0);
    arena_destroy(sample.arena);
}

test(each_region_gets_its_part_of_the_keys)
{
    static struct sample sample;

    choose(&sample, 1000, 3 * (uint64_t)HBASE_SPLIT_REGION_BYTES);
    check_int(sample.nchosen, 3);
    check(str_is(sample.chosen[0], "0250"));
    check(str_is(sample.chosen[1], "0500"));
    check(str_is(sample.chosen[2], "0750"));
    arena_destroy(sample.arena);
}

test(large_files_make_no_more_regions_than_the_limit)
{
    static struct sample sample;

    choose(&sample, 1000, UINT64_MAX);
    check_int(sample.nchosen, HBASE_SPLIT_MAX_REGIONS - 1);
    arena_destroy(sample.arena);
}

test(few_keys_make_few_regions)
{
    static struct sample sample;

    choose(&sample, 3, UINT64_MAX);
    check_int(sample.nchosen, 2);
    check(str_is(sample.chosen[0], "0001"));
    check(str_is(sample.chosen[1], "0002"));
    arena_destroy(sample.arena);
    choose(&sample, 1, UINT64_MAX);
    check_int(sample.nchosen, 0);
    arena_destroy(sample.arena);
    choose(&sample, 0, UINT64_MAX);
    check_int(sample.nchosen, 0);
    arena_destroy(sample.arena);
}

test(equal_keys_cut_nothing)
{
    struct arena *arena = arena_create(0);
    struct str keys[] = {{"b", 1}, {"b", 1}, {"b", 1}, {"b", 1}}, *chosen;
    size_t nchosen;

    hbase_split_keys_choose(keys, ARRAY_LEN(keys), UINT64_MAX, arena, &chosen, &nchosen);
    check_int(nchosen, 0);
    arena_destroy(arena);
}
