/*
 * tests/unit/gateway/test_watch_ring.c - what the ring keeps, and whom a change is for.
 */
#include "gateway/watch_ring.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/hash.h"
#include "rpc/packed.h"
#include "spec/filter_read.h"
#include "spec/violations.h"
#include "tests/harness/test.h"

/* A change of a task with that id, whose message takes at least size_bytes. */
static struct watch_change make_change(struct arena *arena, const char *id, size_t size_bytes)
{
    struct watch_change change = {.key = hash_make(str_from(id))};
    Pb__TaskChange message = PB__TASK_CHANGE__INIT;
    char *padding = arena_alloc(arena, size_bytes + 1);

    memset(padding, 'x', size_bytes);
    message.cursor = padding;
    change.packed = rpc_packed_create(&message.base);
    pb__task__init(&change.task);
    change.task.id = arena_copy_str(arena, str_from(id));
    return change;
}

static void add(struct watch_ring *ring, unsigned number, size_t size_bytes)
{
    struct arena *arena = arena_create(0);
    char id[32];

    (void)snprintf(id, sizeof(id), "task-%u", number);
    struct watch_change change = make_change(arena, id, size_bytes);
    watch_ring_add(ring, &change, 1, arena);
}

test(the_ring_keeps_so_many_changes_and_no_more)
{
    struct watch_ring ring;

    watch_ring_init(&ring);
    for (unsigned i = 0; i < WATCH_RING_CHANGES; i++)
        add(&ring, i, 10);
    check_int(ring.first, 0);
    check_str(watch_ring_get(&ring, 0)->task.id, "task-0");
    for (unsigned i = 0; i < 3; i++)
        add(&ring, WATCH_RING_CHANGES + i, 10);
    check_int(ring.first, 3);
    check_int(ring.end, WATCH_RING_CHANGES + 3);
    check_str(watch_ring_get(&ring, 3)->task.id, "task-3");
    watch_ring_deinit(&ring);
}

test(the_ring_keeps_so_many_bytes_and_the_last_change_in_any_case)
{
    struct watch_ring ring;

    watch_ring_init(&ring);
    for (unsigned i = 0; i < 4; i++)
        add(&ring, i, WATCH_RING_BYTES / 3);
    check_int(ring.first, 2);
    check(ring.nbytes <= WATCH_RING_BYTES);
    add(&ring, 4, WATCH_RING_BYTES + 1);
    check_int(ring.first, 4);
    check_str(watch_ring_get(&ring, 4)->task.id, "task-4");
    watch_ring_deinit(&ring);
}

test(what_is_dropped_is_gone_and_the_rest_stays)
{
    struct watch_ring ring;

    watch_ring_init(&ring);
    for (unsigned i = 0; i < 5; i++)
        add(&ring, i, 10);
    watch_ring_drop_before(&ring, 3);
    watch_ring_drop_before(&ring, 2);
    check_int(ring.first, 3);
    check_str(watch_ring_get(&ring, 3)->task.id, "task-3");
    watch_ring_drop_before(&ring, 5);
    check_int(ring.nbytes, 0);
    watch_ring_deinit(&ring);
}

test(changes_that_came_together_go_one_by_one)
{
    struct watch_ring ring;
    struct arena *arena = arena_create(0);
    struct watch_change changes[] = {make_change(arena, "a", 1), make_change(arena, "b", 1)};

    watch_ring_init(&ring);
    watch_ring_add(&ring, changes, 2, arena);
    watch_ring_add(&ring, NULL, 0, arena_create(0));
    for (unsigned i = 0; i < WATCH_RING_CHANGES - 1; i++)
        add(&ring, i, 1);
    check_int(ring.first, 1);
    check_str(watch_ring_get(&ring, 1)->task.id, "b");
    watch_ring_clear(&ring);
    check_int(ring.first, ring.end);
    check_int(ring.nbytes, 0);
    watch_ring_deinit(&ring);
}

test(a_change_is_for_those_who_watch_the_task)
{
    struct arena *arena = arena_create(0);
    struct watch_change change = make_change(arena, "a", 1);
    struct watch_scope mine = {.task_id = "a", .key = hash_make(str_from("a"))};
    struct watch_scope other = {.task_id = "b", .key = hash_make(str_from("b"))};
    struct watch_scope same_key = {.task_id = "b", .key = mine.key};
    struct watch_scope all = {.task_id = NULL};

    check(watch_scope_takes(&mine, &change));
    check(!watch_scope_takes(&other, &change));
    check(!watch_scope_takes(&same_key, &change));
    check(watch_scope_takes(&all, &change));
    rpc_packed_unref(change.packed);
    arena_destroy(arena);
}

test(a_filter_takes_what_comes_to_it_and_what_leaves_it)
{
    struct arena *arena = arena_create(1 << 20);
    struct watch_change change = make_change(arena, "a", 1);
    struct violations violations = {0};
    struct filter filter;
    struct watch_scope scope = {.filter = &filter};

    filter_read(str_from("state = RUNNING"), arena, &violations, &filter);
    check_int(violations.count, 0);
    change.task.state = PB__TASK_STATE__TASK_STATE_RUNNING;
    check(watch_scope_takes(&scope, &change));
    change.task.state = PB__TASK_STATE__TASK_STATE_SUCCEEDED;
    check(!watch_scope_takes(&scope, &change));
    change.state_before = PB__TASK_STATE__TASK_STATE_RUNNING;
    check(watch_scope_takes(&scope, &change));
    rpc_packed_unref(change.packed);
    arena_destroy(arena);
}
