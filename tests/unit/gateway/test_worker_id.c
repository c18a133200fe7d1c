/*
 * tests/unit/gateway/test_worker_id.c - what a worker may call itself.
 */
#include "gateway/worker_id.h"

#include <string.h>

#include "base/compiler.h"
#include "spec/violations.h"
#include "tests/harness/test.h"

static unsigned count_violations(const char *id)
{
    struct violations violations = {0};

    worker_id_validate(id, &violations);
    return violations.count;
}

test(a_worker_id_is_printable_ascii)
{
    static const struct {
        const char *id;
        unsigned nviolations;
    } cases[] = {
        {"w1", 0}, {" ~", 0}, {"", 1}, {"a\tb", 1}, {"a\x7f", 1}, {"caf\xc3\xa9", 1},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_int(count_violations(cases[i].id), cases[i].nviolations);
}

test(a_worker_id_has_a_limit)
{
    char id[WORKER_ID_MAX_BYTES + 2] = {0};

    memset(id, 'w', WORKER_ID_MAX_BYTES);
    check_int(count_violations(id), 0);
    id[WORKER_ID_MAX_BYTES] = 'w';
    check_int(count_violations(id), 1);
}
