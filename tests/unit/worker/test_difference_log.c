/*
 * tests/unit/worker/test_difference_log.c - which differences are kept, by which numbers, and in how many calls they go.
 */
#include "worker/difference_log.h"

#include "base/compiler.h"
#include "base/mem.h"
#include "tests/harness/test.h"
#include "tests/unit/worker/gateway_fixture.h"

/* Adds count differences in rows of nbytes bytes. */
static void add(struct difference_log *log, size_t count, size_t nbytes, int64_t ncounted)
{
    Pb__Difference difference = PB__DIFFERENCE__INIT;
    Pb__Difference **differences = mem_alloc_array(count, sizeof(*differences));

    difference.row = (ProtobufCBinaryData){nbytes, mem_alloc(nbytes)};
    for (size_t i = 0; i < count; i++)
        differences[i] = &difference;
    difference_log_add(log, differences, count, ncounted);
    mem_free(difference.row.data);
    mem_free(differences);
}

test(differences_are_numbered_behind_those_that_were_counted)
{
    struct difference_log log = {0};

    add(&log, 2, 1, 0);
    add(&log, 2, 1, 7);
    check_int(log.nitems, 4);
    check_int(log.items[0]->number, 1);
    check_int(log.items[1]->number, 2);
    check_int(log.items[2]->number, 8);
    check_int(log.items[3]->number, 9);
    check_int(log.items[3]->row.len, 1);
    difference_log_deinit(&log);
    check_int(log.nitems, 0);
}

test(differences_beyond_those_that_are_kept_are_left_out)
{
    struct difference_log log = {0};

    add(&log, 10, 1, DIFFERENCE_LOG_MAX_NUMBER - 3);
    check_int(log.nitems, 3);
    check_int(log.items[2]->number, DIFFERENCE_LOG_MAX_NUMBER);
    add(&log, 10, 1, DIFFERENCE_LOG_MAX_NUMBER + 7);
    check_int(log.nitems, 3);
    difference_log_deinit(&log);
}

test(differences_go_in_calls_that_the_gateway_takes)
{
    static const struct {
        size_t count, nbytes;
        unsigned ncalls, nlast;
    } cases[] = {{0, 1, 0, 0}, {1, 1, 1, 1}, {256, 1, 1, 256}, {257, 1, 2, 1}, {20, 32767, 2, 5}};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct difference_log log = {0};
        struct gateway gateway;

        gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_CHECK, "");
        add(&log, cases[i].count, cases[i].nbytes, 0);
        check_status(difference_log_store(&log, gateway.context), STATUS_OK);
        check_int((int)gateway.nrequests, cases[i].ncalls);
        if (gateway_get_request(&gateway))
            check_int(
                ((Pb__ReportDifferencesRequest *)gateway_get_request(&gateway))->n_differences,
                cases[i].nlast);
        difference_log_deinit(&log);
        gateway_close(&gateway);
    }
}

test(differences_of_a_lost_lease_are_not_stored)
{
    struct difference_log log = {0};
    struct gateway gateway;

    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_CHECK, "");
    gateway.answers_with = "the lease is lost";
    add(&log, 300, 1, 0);
    check_status(difference_log_store(&log, gateway.context), STATUS_ABORTED);
    check_int((int)gateway.nrequests, 1);
    difference_log_deinit(&log);
    gateway_close(&gateway);
}
