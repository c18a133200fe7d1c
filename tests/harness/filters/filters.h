/*
 * tests/harness/filters/filters.h - filters and tasks by chance, out of so few values that they often meet.
 */
#ifndef TESTS_HARNESS_FILTERS_FILTERS_H
#define TESTS_HARNESS_FILTERS_FILTERS_H

#include <stdbool.h>
#include <stdint.h>

#include "sluice/v1/task.pb-c.h"
#include "spec/filter.h"

struct arena;

/* The same seed makes the same things in the same order. */
struct filter_maker {
    uint64_t seed;
};

/* 0 .. n - 1 */
unsigned filters_choose(struct filter_maker *maker, unsigned n);

/* A filter of at least one comparison; all of it lives in arena. */
void filters_make(struct filter_maker *maker, struct arena *arena, struct filter *ret);

/* The fields that a filter may ask for; all of it lives in arena. */
Pb__Task *filters_make_task(struct filter_maker *maker, struct arena *arena);

bool filters_are_equal(const struct filter_node *a, const struct filter_node *b);

#endif
