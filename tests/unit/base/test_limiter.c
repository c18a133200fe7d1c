/*
 * tests/unit/base/test_limiter.c - base/limiter. The time is the test's.
 */
#include "base/cidr.h"
#include "base/limiter.h"
#include "tests/harness/test.h"

enum { NOW_MS = 1000000 };

static unsigned enter(struct limiter *limiter, const char *name, int64_t now_ms)
{
    struct limiter_client *client;
    unsigned retry_ms = limiter_enter(limiter, limiter_make_key(str_from(name)), now_ms, &client);

    if (retry_ms == 0)
        limiter_leave(limiter, client);
    return retry_ms;
}

test(a_client_has_the_calls_of_a_second_at_once_and_then_its_rate)
{
    struct limiter *limiter = limiter_create(&(struct limiter_settings){.calls_s = 4});

    for (int i = 0; i < 4; i++)
        check_int(enter(limiter, "a", NOW_MS), 0);
    check_int(enter(limiter, "a", NOW_MS), 250);
    check_int(enter(limiter, "a", NOW_MS + 100), 150);
    check_int(enter(limiter, "a", NOW_MS + 250), 0);
    check_int(enter(limiter, "a", NOW_MS + 250), 250);
    limiter_destroy(limiter);
}

test(a_client_that_was_away_has_no_more_than_a_second_of_calls)
{
    struct limiter *limiter = limiter_create(&(struct limiter_settings){.calls_s = 2});
    int64_t later_ms = NOW_MS + 1000ll * 60 * 60 * 24 * 365 * 100;

    check_int(enter(limiter, "a", NOW_MS), 0);
    check_int(enter(limiter, "a", later_ms), 0);
    check_int(enter(limiter, "a", later_ms), 0);
    check_int(enter(limiter, "a", later_ms), 500);
    limiter_destroy(limiter);
}

test(without_limits_there_is_no_limiter)
{
    check(limiter_create(&(struct limiter_settings){0}) == NULL);
}

test(clients_do_not_use_up_each_others_calls)
{
    struct limiter *limiter = limiter_create(&(struct limiter_settings){.calls_s = 1});

    check_int(enter(limiter, "a", NOW_MS), 0);
    check_int(enter(limiter, "a", NOW_MS), 1000);
    check_int(enter(limiter, "b", NOW_MS), 0);
    limiter_destroy(limiter);
}

test(a_client_has_so_many_calls_under_way)
{
    struct limiter *limiter = limiter_create(&(struct limiter_settings){.running = 2});
    struct limiter_client *first, *second, *third;
    uint64_t key = limiter_make_key(str_from("a"));

    check_int(limiter_enter(limiter, key, NOW_MS, &first), 0);
    check_int(limiter_enter(limiter, key, NOW_MS, &second), 0);
    check_int(limiter_enter(limiter, key, NOW_MS, &third), LIMITER_BUSY_RETRY_MS);
    limiter_leave(limiter, first);
    check_int(limiter_enter(limiter, key, NOW_MS, &third), 0);
    limiter_leave(limiter, second);
    limiter_leave(limiter, third);
    limiter_destroy(limiter);
}

test(a_crowd_of_clients_neither_grows_the_table_nor_drives_out_who_has_calls_under_way)
{
    enum { NCROWD = 20 * LIMITER_NCLIENTS };
    struct limiter *limiter = limiter_create(&(struct limiter_settings){.running = 1});
    struct limiter_client *held, *other;
    uint64_t key = limiter_make_key(str_from("held"));

    check_int(limiter_enter(limiter, key, NOW_MS, &held), 0);
    for (uint64_t i = 0; i < NCROWD; i++) {
        check_int(limiter_enter(limiter, i, NOW_MS + 1 + (int64_t)i, &other), 0);
        check(other != held);
        limiter_leave(limiter, other);
    }
    check_int(limiter_enter(limiter, key, NOW_MS + NCROWD, &other), LIMITER_BUSY_RETRY_MS);
    limiter_leave(limiter, held);
    limiter_destroy(limiter);
}

test(when_all_have_calls_under_way_no_more_begin_than_there_are_places)
{
    struct limiter *limiter = limiter_create(&(struct limiter_settings){.running = 1});
    struct limiter_client *client;
    unsigned nentered = 0;

    for (uint64_t i = 0; i < 20 * LIMITER_NCLIENTS; i++)
        nentered += limiter_enter(limiter, i, NOW_MS, &client) == 0;
    check_int(nentered, LIMITER_NCLIENTS);
    limiter_destroy(limiter);
}

static uint64_t key_of(const char *text)
{
    struct cidr_address address;

    check(cidr_read_address(str_from(text), &address));
    return limiter_make_address_key(&address);
}

test(a_host_is_one_client_by_whatever_address_it_comes)
{
    check(key_of("10.0.0.1") == key_of("::ffff:10.0.0.1"));
    check(key_of("10.0.0.1") != key_of("10.0.0.2"));
    check(key_of("2001:db8::1") == key_of("2001:db8::ffff:1"));
    check(key_of("2001:db8::1") != key_of("2001:db8:0:1::1"));
}
