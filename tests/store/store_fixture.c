#include "tests/store/store_fixture.h"

#include <stdio.h>
#include <stdlib.h>

enum { READY_MS = 10000 };

const struct statement store_fixture_add = {
    .name = "thing_add",
    .lane = LANE_WRITE,
    .sql = "WITH q AS (SELECT id, ord FROM unnest($1::bigint[]) WITH ORDINALITY AS q(id, ord)),"
           " added AS (INSERT INTO thing (id) SELECT id FROM q RETURNING id)"
           " SELECT q.ord, added.id FROM q JOIN added ON added.id = q.id",
    .nparams = 1,
    .types = {PARAM_INT8},
};

struct store *store_fixture_open(const struct store_options *options)
{
    struct store *store = NULL;
    struct status st = store_create(options, &store);

    if (st.code == STATUS_OK)
        st = store_wait_ready(store, READY_MS);
    if (st.code != STATUS_OK) {
        printf("the store does not get ready: %s\n", st.text);
        exit(1);
    }
    return store;
}
