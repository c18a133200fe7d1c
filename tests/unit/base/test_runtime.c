/*
 * tests/unit/base/test_runtime.c - arena, list, timers, ids.
 */
#include <pthread.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/id.h"
#include "base/list.h"
#include "base/timers.h"
#include "tests/harness/test.h"

test(arena_serves_aligned_zeroed_memory)
{
    struct arena *arena = arena_create(0);

    for (size_t size = 1; size < 20000; size = size * 3 + 1) {
        char *memory = arena_alloc(arena, size);
        bool is_zero = true;
        for (size_t i = 0; i < size; i++)
            is_zero = is_zero && memory[i] == 0;
        check(is_zero);
        check_int((uintptr_t)memory % 16, 0);
        memset(memory, 0xaa, size);
    }
    check_str(arena_printf(arena, "%s-%d", "a", 7), "a-7");
    for (int len = 254; len <= 257; len++) /* on both sides of what is printed at once */
        check_int(strlen(arena_printf(arena, "%0*d", len, 0)), len);
    arena_destroy(arena);
}

test(arena_refuses_a_peer_beyond_the_cap_but_not_us)
{
    struct arena *arena = arena_create(1000);

    check(arena_try_alloc(arena, 900) != NULL);
    check(!arena_is_full(arena));
    check(arena_try_alloc(arena, 900) == NULL);
    check(arena_is_full(arena));
    check(arena_try_alloc(arena, SIZE_MAX) == NULL);
    check(arena_alloc(arena, 5000) != NULL);
    arena_destroy(arena);
}

test(list_keeps_order_and_forgets_what_is_removed)
{
    struct list head, links[3] = {{0}};
    size_t count = 0;
    struct list *link;

    list_init(&head);
    for (size_t i = 0; i < 3; i++)
        list_add_last(&head, &links[i]);
    list_remove(&links[1]);
    list_remove(&links[1]);
    list_for_each (link, &head)
        count++;
    check_int(count, 2);
    check(list_take_first(&head) == &links[0]);
    check(list_take_first(&head) == &links[2]);
    check(list_take_first(&head) == NULL);
}

/* A timer that notes in which order it fired. */
struct noting_timer {
    struct timer timer;
    struct notes *notes;
};

struct notes {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct noting_timer *fired[8];
    size_t nfired;
};

static void note(struct timer *timer)
{
    struct noting_timer *noting = container_of(timer, struct noting_timer, timer);

    (void)pthread_mutex_lock(&noting->notes->mutex);
    noting->notes->fired[noting->notes->nfired++] = noting;
    (void)pthread_cond_signal(&noting->notes->changed);
    (void)pthread_mutex_unlock(&noting->notes->mutex);
}

static void wait_for(struct notes *notes, size_t nfired)
{
    (void)pthread_mutex_lock(&notes->mutex);
    while (notes->nfired < nfired)
        (void)pthread_cond_wait(&notes->changed, &notes->mutex);
    (void)pthread_mutex_unlock(&notes->mutex);
}

/* By their deadlines: how long it took to set them nobody knows. */
static void check_in_order(const struct notes *notes)
{
    for (size_t i = 1; i < notes->nfired; i++)
        check(notes->fired[i - 1]->timer.deadline_ms <= notes->fired[i]->timer.deadline_ms);
}

test(timers_fire_in_the_order_of_their_deadlines)
{
    struct notes notes = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct noting_timer a = {{.on_fire = note}, &notes}, b = a, c = a, never = a;
    struct timers *timers = NULL;

    check_status(timers_create(&timers), STATUS_OK);
    timers_set(timers, &never.timer, 3600 * 1000);
    timers_set(timers, &c.timer, 60);
    timers_set(timers, &b.timer, 3600 * 1000);
    timers_set(timers, &a.timer, 1);
    timers_set(timers, &b.timer, 30);
    wait_for(&notes, 3);
    check_in_order(&notes);
    check(timers_cancel(timers, &never.timer));
    check(!timers_cancel(timers, &never.timer));
    check(!timers_cancel(timers, &a.timer));
    timers_destroy(timers);
    check_int(notes.nfired, 3);
}

test(timers_cancel_leaves_the_others_in_order)
{
    struct notes notes = {.mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct noting_timer many[8];
    struct timers *timers = NULL;

    check_status(timers_create(&timers), STATUS_OK);
    for (size_t i = 0; i < ARRAY_LEN(many); i++) {
        many[i] = (struct noting_timer){{.on_fire = note}, &notes};
        timers_set(timers, &many[i].timer, 1500 + (int64_t)((i * 5) % 8) * 5);
    }
    for (size_t i = 0; i < ARRAY_LEN(many); i += 2)
        check(timers_cancel(timers, &many[i].timer));
    wait_for(&notes, 4);
    check_in_order(&notes);
    timers_destroy(timers);
}

test(ids_are_uuids_of_version_4)
{
    char hex[ID_HEX_BYTES], uuid[ID_UUID_BYTES], other[ID_HEX_BYTES];

    id_make_hex(hex);
    id_make_hex(other);
    id_make_uuid(uuid);
    check_int(strlen(hex), 32);
    check(hex[12] == '4' && strchr("89ab", hex[16]) != NULL);
    check(strcmp(hex, other) != 0);
    check_int(strlen(uuid), 36);
    check(uuid[8] == '-' && uuid[13] == '-' && uuid[14] == '4' && uuid[18] == '-' &&
          uuid[23] == '-');
}
