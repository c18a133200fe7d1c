/*
 * tests/fuzz/fuzz_filter.c - any text as a filter.
 *
 * It is a filter or there is one violation. A filter that is written reads as one again, which is written alike, and
 * both say the same of a task.
 */
#include <assert.h>
#include <stdint.h>

#include "base/arena.h"
#include "spec/filter_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_ARENA_BYTES = 1 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct filter_node none = {.type = FILTER_NODE_COMPARISON};
    struct arena *arena = arena_create(MAX_ARENA_BYTES);
    struct violations violations = {0};
    struct filter filter = {.root = &none}, again = {.root = &none};
    struct buf first = {0}, second = {0};
    Pb__Task task = PB__TASK__INIT;

    filter_read(str_from_bytes(data, size), arena, &violations, &filter);
    assert(violations.count == (filter.root == &none));
    if (violations.count == 0) {
        filter_write(&filter, &first);
        if (first.len <= FILTER_MAX_BYTES) {
            filter_read(buf_get(&first), arena, &violations, &again);
            assert(violations.count == 0);
            filter_write(&again, &second);
            assert(str_is_equal(buf_get(&first), buf_get(&second)));
            assert(filter_matches(&filter, &task) == filter_matches(&again, &task));
        }
    }
    buf_deinit(&first);
    buf_deinit(&second);
    arena_destroy(arena);
    return 0;
}
