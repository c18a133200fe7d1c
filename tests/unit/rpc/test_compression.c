/*
 * tests/unit/rpc/test_compression.c - compressed requests and replies of a server.
 */
#include <string.h>

#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"
#include "tests/unit/rpc/raw_client.h"

/* A packed Task of size bytes, all of them its id: 0x4000 bytes or more. */
static struct str make_task(char *bytes, size_t size)
{
    size_t len = size - 4;
    char head[] = {0x0a, (char)(0x80 | (len & 0x7f)), (char)(0x80 | (len >> 7 & 0x7f)),
                   (char)(len >> 14)};

    memset(bytes, 'x', size);
    memcpy(bytes, head, sizeof(head));
    return str_from_bytes(bytes, size);
}

test(a_compressed_request_is_served_and_its_reply_is_compressed)
{
    static const grpc_compression_algorithm algorithms[] = {GRPC_COMPRESS_GZIP,
                                                            GRPC_COMPRESS_DEFLATE};
    static char bytes[100000];
    struct str task = make_task(bytes, sizeof(bytes));
    struct echo echo;
    struct raw raw;

    echo_open(&echo, NULL);
    for (size_t i = 0; i < ARRAY_LEN(algorithms); i++) {
        struct buf reply = {0};
        raw_open_compressing(&raw, echo.target, algorithms[i]);
        raw_begin(&raw, ECHO);
        raw_send(&raw, task);
        raw_send_close(&raw);
        check(raw_receive(&raw, &reply));
        check(raw.was_compressed);
        check(reply.len == task.len && memcmp(reply.data, task.data, task.len) == 0);
        check_status(raw_end(&raw), STATUS_OK);
        buf_deinit(&reply);
        raw_close(&raw);
    }
    echo_close(&echo);
}

test(only_large_replies_are_compressed_and_only_if_the_client_takes_that)
{
    static const struct {
        size_t size_bytes; /* of the reply: 3 more than its id */
        grpc_compression_algorithm algorithm;
        bool is_compressed;
    } cases[] = {
        {4095, GRPC_COMPRESS_GZIP, false},
        {4096, GRPC_COMPRESS_GZIP, true},
        {4096, GRPC_COMPRESS_NONE, false},
    };
    char id[4096];
    struct echo echo;
    struct raw raw;

    echo_open(&echo, NULL);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        Pb__Task task = PB__TASK__INIT;
        struct buf reply = {0};
        memset(id, 'x', sizeof(id));
        id[cases[i].size_bytes - 3] = '\0';
        task.id = id;
        raw_open_compressing(&raw, echo.target, cases[i].algorithm);
        raw_begin(&raw, ECHO);
        raw_send_message(&raw, &task.base);
        raw_send_close(&raw);
        check(raw_receive(&raw, &reply));
        check_int(reply.len, (long long)cases[i].size_bytes);
        check_int(raw.was_compressed, cases[i].is_compressed);
        check_status(raw_end(&raw), STATUS_OK);
        buf_deinit(&reply);
        raw_close(&raw);
    }
    echo_close(&echo);
}

test(a_request_is_measured_when_it_is_inflated)
{
    enum { MAX_BYTES = 50000 };
    struct rpc_server_options limits = {.max_message_bytes = MAX_BYTES};
    static char bytes[MAX_BYTES + 1];
    struct echo echo;
    struct raw raw;

    echo_open(&echo, &limits);
    raw_open_compressing(&raw, echo.target, GRPC_COMPRESS_GZIP);
    check_status(raw_call(&raw, ECHO, make_task(bytes, MAX_BYTES)), STATUS_OK);
    struct status st = raw_call(&raw, ECHO, make_task(bytes, MAX_BYTES + 1));
    check_status(st, STATUS_RESOURCE_EXHAUSTED);
    check_str(st.text, "the message is larger than 50000 bytes when it is inflated");
    check_status(raw_call(&raw, ECHO, make_task(bytes, MAX_BYTES)), STATUS_OK);
    raw_close(&raw);
    echo_close(&echo);
}

test(a_request_is_charged_for_what_it_is_inflated_to)
{
    enum { TASK_BYTES = 20000, COST_BYTES = 16 * TASK_BYTES };
    struct rpc_server_options limits = {
        .max_arena_bytes = 2 * COST_BYTES, /* the charge until it is inflated */
        .max_total_bytes = 2 * COST_BYTES + COST_BYTES / 2,
    };
    static char bytes[TASK_BYTES + 1];
    struct str task = make_task(bytes, TASK_BYTES);
    struct pending wait;
    struct echo echo;
    struct raw raw;

    echo_open(&echo, &limits);
    raw_open_compressing(&raw, echo.target, GRPC_COMPRESS_GZIP);
    raw_begin(&raw, WAIT);
    raw_send(&raw, task);
    raw_send_close(&raw);
    check(event_wait(&echo.started, 1));
    pending_start(&wait, &echo, WAIT, bytes + 4, 10000);
    check(event_wait(&echo.started, 2)); /* two have room, a third one has not */
    check_status(echo_call(&echo, ECHO, bytes + 4, NULL), STATUS_RESOURCE_EXHAUSTED);
    raw_cancel(&raw);
    check_status(raw_end(&raw), STATUS_CANCELLED);
    rpc_client_call_cancel(&wait.call);
    check_status(pending_wait(&wait), STATUS_CANCELLED);
    raw_close(&raw);
    echo_close(&echo);
}
