/*
 * tests/unit/worker/test_job_context.c - what a job tells its gateway, and what it hears: the gateway is played here.
 */
#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"
#include "tests/unit/worker/gateway_fixture.h"
#include "worker/gateway_link.h"
#include "worker/job_context.h"
#include "worker/job_state.h"

static const Pb__ReportJobRequest *report(struct gateway *gateway)
{
    job_context_report(gateway->context);
    return (const Pb__ReportJobRequest *)gateway_get_request(gateway);
}

test(a_report_tells_the_progress_of_a_sync)
{
    const struct job_progress progress = {
        .checkpoint_time_ms = 1700000000123,
        .sync_time_ms = 1700000001000,
        .lag_ms = 1500,
        .queued_logs = 3,
    };
    struct gateway gateway;

    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_INCR, "");
    check(report(&gateway)->progress->lag == NULL);
    job_context_set_progress(gateway.context, &progress);
    const Pb__ReportJobRequest *request = report(&gateway);
    check_str(request->id, "check-1");
    check_int(request->lease_token, 7);
    check_int(request->progress->checkpoint_time->seconds, 1700000000);
    check_int(request->progress->checkpoint_time->nanos, 123000000);
    check_int(request->progress->sync_time->seconds, 1700000001);
    check_int(request->progress->lag->seconds, 1);
    check_int(request->progress->lag->nanos, 500000000);
    check_int(request->progress->queued_logs, 3);
    check(request->progress->comparison == NULL);
    gateway_close(&gateway);
}

test(a_report_tells_what_a_comparison_found)
{
    const struct job_progress progress = {
        .has_comparison = true,
        .comparison = {.cells = 1,
                       .missing = 2,
                       .extra = 3,
                       .changed_values = 4,
                       .changed_timestamps = 5,
                       .repaired = 6},
    };
    struct gateway gateway;

    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_CHECK, "");
    job_context_set_progress(gateway.context, &progress);
    const Pb__Progress *told = report(&gateway)->progress;
    check_int(told->comparison->cells, 1);
    check_int(told->comparison->missing, 2);
    check_int(told->comparison->extra, 3);
    check_int(told->comparison->changed_values, 4);
    check_int(told->comparison->changed_timestamps, 5);
    check_int(told->comparison->repaired, 6);
    check(told->lag == NULL);
    check(told->checkpoint_time == NULL);
    check(told->sync_time == NULL);
    gateway_close(&gateway);
}

test(the_fraction_is_of_bytes_else_of_regions)
{
    static const struct {
        struct job_progress progress;
        int percent;
    } cases[] = {
        {{.bytes_read = 3}, 0},
        {{.bytes_read = 1, .bytes_total = 4}, 25},
        {{.bytes_read = 5, .bytes_total = 4}, 100},
        {{.regions_done = 1, .regions_total = 2}, 50},
        {{.regions_done = 3, .regions_total = 2}, 100},
        {{.bytes_read = 1, .bytes_total = 4, .regions_done = 1, .regions_total = 2}, 25},
    };
    struct gateway gateway;

    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_FULL, "");
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        job_context_set_progress(gateway.context, &cases[i].progress);
        const Pb__Progress *told = report(&gateway)->progress;
        check_int((int)(told->fraction * 100), cases[i].percent);
        check_int(told->regions_done, cases[i].progress.regions_done);
        check_int(told->regions_total, cases[i].progress.regions_total);
    }
    gateway_close(&gateway);
}

test(what_stands_in_the_way_is_told_with_reports_and_checkpoints)
{
    static char long_text[1100];
    struct gateway gateway;

    memset(long_text, 'x', sizeof(long_text) - 1);
    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_INCR, "");
    check_str(report(&gateway)->message, "");
    job_context_set_message(gateway.context, "family 'g' is missing at the destination");
    check_str(report(&gateway)->message, "family 'g' is missing at the destination");
    check_status(job_context_save_checkpoint(gateway.context, str_from("here")), STATUS_OK);
    const Pb__ReportJobRequest *request =
        (const Pb__ReportJobRequest *)gateway_get_request(&gateway);
    check_str(request->message, "family 'g' is missing at the destination");
    check(str_is(str_from_bytes(request->checkpoint->data.data, request->checkpoint->data.len),
                 "here"));
    job_context_set_message(gateway.context, long_text);
    check_int(strlen(report(&gateway)->message), 1024);
    job_context_set_message(gateway.context, "");
    check_str(report(&gateway)->message, "");
    gateway_close(&gateway);
}

test(the_bandwidth_is_the_tasks_at_first_and_then_as_the_gateway_says)
{
    struct gateway gateway;

    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_FULL, "{\"bandWidth\":1000}");
    check_int(job_context_get_bytes_per_second(gateway.context), 1000);
    gateway.bytes_per_second = 2000;
    (void)report(&gateway);
    check_int(job_context_get_bytes_per_second(gateway.context), 2000);
    gateway.bytes_per_second = 0;
    check_status(job_context_save_checkpoint(gateway.context, str_from("")), STATUS_OK);
    check_int(job_context_get_bytes_per_second(gateway.context), 0);
    gateway_close(&gateway);
}

test(differences_are_stored_under_the_lease)
{
    Pb__Difference one = PB__DIFFERENCE__INIT;
    Pb__Difference *differences[] = {&one};
    struct gateway gateway;

    one.number = 12;
    one.type = PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_EXTRA;
    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_CHECK, "");
    check_status(job_context_store_differences(gateway.context, differences, 1), STATUS_OK);
    const Pb__ReportDifferencesRequest *request =
        (const Pb__ReportDifferencesRequest *)gateway_get_request(&gateway);
    check_str(request->id, "check-1");
    check_int(request->lease_token, 7);
    check_int(request->n_differences, 1);
    check_int(request->differences[0]->number, 12);
    check_int(request->differences[0]->type, PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_EXTRA);
    gateway_close(&gateway);
}

test(differences_under_a_lost_lease_stop_the_job)
{
    struct gateway gateway;

    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_CHECK, "");
    gateway.answers_with = "the lease is lost";
    check_status(job_context_store_differences(gateway.context, NULL, 0), STATUS_ABORTED);
    check(job_context_is_dropped(gateway.context));
    check(stop_is_requested(job_context_get_stop(gateway.context)));
    gateway_close(&gateway);
}

test(a_job_that_was_stopped_gives_back_its_lease_and_one_that_was_lost_does_not)
{
    for (int is_lost = 0; is_lost < 2; is_lost++) {
        struct gateway gateway;

        gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_INCR, "");
        gateway.stops = !is_lost;
        gateway.answers_with = is_lost ? "the lease is lost" : NULL;
        if (is_lost)
            check_status(job_context_store_differences(gateway.context, NULL, 0), STATUS_ABORTED);
        else
            job_context_report(gateway.context);
        check(job_context_is_dropped(gateway.context));
        unsigned nrequests = gateway.nrequests;
        job_context_leave(gateway.context);
        check_int(gateway.nrequests, nrequests + !is_lost);
        if (!is_lost) {
            const Pb__FinishJobRequest *request =
                (const Pb__FinishJobRequest *)gateway_get_request(&gateway);
            check(request->base.descriptor == &pb__finish_job_request__descriptor);
            check_int(request->outcome, PB__JOB_OUTCOME__JOB_OUTCOME_RELEASED);
            check_int(request->lease_token, 7);
        }
        gateway_close(&gateway);
    }
}

test(the_end_of_a_plan_tells_its_tables)
{
    char *names[] = {(char *)(uintptr_t)"a", (char *)(uintptr_t)"ns:b/ns:c"};
    struct runner_result result = {.table_names = names, .ntable_names = 2};
    struct gateway gateway;

    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_PLAN, "");
    check(job_context_finish(gateway.context, &result, NULL, NULL));
    const Pb__FinishJobRequest *request =
        (const Pb__FinishJobRequest *)gateway_get_request(&gateway);
    check_int(request->outcome, PB__JOB_OUTCOME__JOB_OUTCOME_SUCCEEDED);
    check_int(request->n_table_names, 2);
    check_str(request->table_names[1], "ns:b/ns:c");

    result.status = status_error(STATUS_NOT_FOUND, "there is no namespace 'ns'");
    check(job_context_finish(gateway.context, &result, NULL, NULL));
    request = (const Pb__FinishJobRequest *)gateway_get_request(&gateway);
    check_int(request->outcome, PB__JOB_OUTCOME__JOB_OUTCOME_FAILED);
    check_int(request->n_table_names, 0);
    gateway_close(&gateway);
}

static const char *const capabilities[] = {"bulkload:file:postgres", "check:file"};
static const struct link_worker asker = {
    .worker_id = "w", .capabilities = capabilities, .ncapabilities = ARRAY_LEN(capabilities)};

test(an_end_is_exchanged_for_the_next_job)
{
    struct runner_result result = {.done = "all of it"};
    struct gateway gateway;
    Pb__LeaseJobResponse *next = NULL;

    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_FULL, "");
    gateway.exchanges_for = "next-1";
    check(job_context_finish(gateway.context, &result, &asker, &next));
    check(next && next->job);
    check_str(next->job->id, "next-1");
    pb__lease_job_response__free_unpacked(next, NULL);
    const Pb__ExchangeJobRequest *request =
        (const Pb__ExchangeJobRequest *)gateway_get_request(&gateway);
    check_str(request->id, "check-1");
    check_int(request->lease_token, 7);
    check_int(request->outcome, PB__JOB_OUTCOME__JOB_OUTCOME_SUCCEEDED);
    check_str(request->message, "all of it");
    check_str(request->worker_id, "w");
    check(!request->wait_duration);
    check_int(request->n_capabilities, 2);
    check_str(request->capabilities[1], "check:file");
    gateway_close(&gateway);
}

test(an_end_may_bring_no_other_job)
{
    struct runner_result result = {.done = ""};
    struct gateway gateway;
    Pb__LeaseJobResponse *next = NULL;

    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_FULL, "");
    gateway.exchanges_for = "";
    check(job_context_finish(gateway.context, &result, &asker, &next));
    check(!next);
    gateway_close(&gateway);
}

test(a_gateway_that_does_not_exchange_is_told_the_end)
{
    struct runner_result result = {.done = ""};
    struct gateway gateway;
    Pb__LeaseJobResponse *next = NULL;

    gateway_open(&gateway, PB__JOB_ROLE__JOB_ROLE_FULL, "");
    check(job_context_finish(gateway.context, &result, &asker, &next));
    check(!next);
    check(gateway_get_request(&gateway)->descriptor == &pb__finish_job_request__descriptor);
    gateway_close(&gateway);
}
