/*
 * tests/store/store_fixture.h - stores over a table of a test's own, thing (id bigint PRIMARY KEY).
 */
#ifndef TESTS_STORE_STORE_FIXTURE_H
#define TESTS_STORE_STORE_FIXTURE_H

#include "store/store.h"

/* Adds thing $1; its row has the id. */
extern const struct statement store_fixture_add;

/* A store that is ready; ends the program if it does not get so. */
struct store *store_fixture_open(const struct store_options *options);

#endif
