/*
 * tests/unit/rpc/test_peer.c - peers that break the rules, and streams.
 */
#include <string.h>

#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"
#include "tests/unit/rpc/raw_client.h"

/* A server and a raw client of it. */
struct pair {
    struct echo echo;
    struct raw raw;
};

static void pair_open(struct pair *pair, size_t max_message_bytes, size_t max_arena_bytes)
{
    struct rpc_server_options limits = {
        .max_message_bytes = max_message_bytes,
        .max_arena_bytes = max_arena_bytes,
    };

    echo_open(&pair->echo, &limits);
    raw_open(&pair->raw, pair->echo.target);
}

/* The server must be well after all. */
static void pair_close(struct pair *pair)
{
    check_status(echo_call(&pair->echo, ECHO, "proc-1", NULL), STATUS_OK);
    raw_close(&pair->raw);
    echo_close(&pair->echo);
}

test(bytes_that_are_no_message_are_an_invalid_argument)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *text;
    } cases[] = {
        {"\xff\xff\xff", 3, "the message is malformed"},
        {"\x0a\x05"
         "ab",
         4, "field 'id' is malformed"},
        {"\x0a\x03"
         "a\0b",
         5, "field 'id' holds a NUL byte"},
        {"\x0a\x02\xc3\x28", 4, "field 'id' is not valid UTF-8"},
        {"\x08\x01", 2, "field 'id' has the wrong wire type"},
        {"\x0b\x0c", 2, "field 'id' has the wrong wire type"},
    };
    struct pair pair;

    pair_open(&pair, 0, 0);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct status st = raw_call(&pair.raw, ECHO, str_from_bytes(cases[i].bytes, cases[i].len));
        check_status(st, STATUS_INVALID_ARGUMENT);
        check_str(st.text, cases[i].text);
    }
    pair_close(&pair);
}

test(a_request_of_the_greatest_size_is_taken_and_one_more_byte_is_not)
{
    enum { MAX_BYTES = 4096 };
    static char bytes[MAX_BYTES + 1];
    struct pair pair;

    memcpy(bytes, "\x0a\xfd\x1f", 3); /* id, with 4096 - 3 bytes */
    memset(bytes + 3, 'x', MAX_BYTES - 3);
    pair_open(&pair, MAX_BYTES, 0);
    check_status(raw_call(&pair.raw, ECHO, str_from_bytes(bytes, MAX_BYTES)), STATUS_OK);
    memcpy(bytes, "\x0a\xfe\x1f", 3);
    bytes[MAX_BYTES] = 'x';
    check_status(raw_call(&pair.raw, ECHO, str_from_bytes(bytes, MAX_BYTES + 1)),
                 STATUS_RESOURCE_EXHAUSTED);
    pair_close(&pair);
}

test(a_message_that_fills_the_arena_is_refused)
{
    static char bytes[2000];
    struct pair pair;

    for (size_t i = 0; i < sizeof(bytes); i += 2)
        memcpy(bytes + i, "\x50\x01", 2); /* an unknown number, which is kept */
    pair_open(&pair, 0, 4096);
    check_status(raw_call(&pair.raw, ECHO, str_from_bytes(bytes, sizeof(bytes))),
                 STATUS_RESOURCE_EXHAUSTED);
    pair_close(&pair);
}

test(calls_beyond_the_limit_are_refused)
{
    enum { MAX_CALLS = 3 };
    struct rpc_server_options limits = {.max_calls = MAX_CALLS};
    struct pending waits[MAX_CALLS];
    struct echo echo;

    echo_open(&echo, &limits);
    for (size_t i = 0; i < MAX_CALLS; i++)
        pending_start(&waits[i], &echo, WAIT, "x", 10000);
    check(event_wait(&echo.started, MAX_CALLS));
    struct status st = echo_call(&echo, ECHO, "proc-1", NULL);
    check_status(st, STATUS_RESOURCE_EXHAUSTED);
    check_str(st.text, "there are more than 3 calls at a time");
    rpc_server_stop(echo.server, 60000);
    for (size_t i = 0; i < MAX_CALLS; i++)
        check_status(pending_wait(&waits[i]), STATUS_UNAVAILABLE);
    echo_close(&echo);
}

test(requests_that_are_too_large_together_are_refused)
{
    static char id[1001];
    struct rpc_server_options limits = {.max_total_bytes = 40000};
    struct pending waits[2];
    struct echo echo;

    memset(id, 'x', sizeof(id) - 1);
    echo_open(&echo, &limits);
    for (size_t i = 0; i < ARRAY_LEN(waits); i++)
        pending_start(&waits[i], &echo, WAIT, id, 10000);
    check(event_wait(&echo.started, ARRAY_LEN(waits))); /* each counts for 16 times its size */
    check_status(echo_call(&echo, ECHO, id, NULL), STATUS_RESOURCE_EXHAUSTED);
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK); /* a small one still fits */
    rpc_client_call_cancel(&waits[0].call);
    check(event_wait(&echo.cancelled, 1));
    check_status(pending_wait(&waits[0]), STATUS_CANCELLED);
    rpc_client_call_cancel(&waits[1].call);
    check_status(pending_wait(&waits[1]), STATUS_CANCELLED);
    echo_close(&echo);
}

test(a_call_without_a_message_is_unimplemented)
{
    struct pair pair;

    pair_open(&pair, 0, 0);
    raw_begin(&pair.raw, ECHO);
    raw_send_close(&pair.raw);
    check_status(raw_end(&pair.raw), STATUS_UNIMPLEMENTED);
    pair_close(&pair);
}

test(a_call_with_two_messages_is_that_of_the_first)
{
    struct pair pair;
    struct buf reply = {0};

    pair_open(&pair, 0, 0);
    raw_begin(&pair.raw, ECHO);
    raw_send(&pair.raw, str_from_bytes("", 0));
    raw_send(&pair.raw, str_from_bytes("\xff", 1));
    check(raw_receive(&pair.raw, &reply));
    check_status(raw_end(&pair.raw), STATUS_OK);
    buf_deinit(&reply);
    pair_close(&pair);
}

test(a_call_that_is_cancelled_before_its_message_does_not_run)
{
    struct pair pair;

    pair_open(&pair, 0, 0);
    raw_begin(&pair.raw, HOLD);
    raw_cancel(&pair.raw);
    check_status(raw_end(&pair.raw), STATUS_CANCELLED);
    check_status(echo_call(&pair.echo, ECHO, "proc-1", NULL), STATUS_OK);
    check_int(pair.echo.started.count, 0);
    pair_close(&pair);
}

/* Streams. */

static bool receive_page(struct raw *raw, const char *token)
{
    struct buf bytes = {0};
    bool is_right = false;

    if (raw_receive(raw, &bytes)) {
        Pb__ListTasksResponse *page =
            pb__list_tasks_response__unpack(NULL, bytes.len, (const uint8_t *)bytes.data);
        is_right = page && strcmp(page->next_page_token, token) == 0;
        pb__list_tasks_response__free_unpacked(page, NULL);
    }
    buf_deinit(&bytes);
    return is_right;
}

static void begin_list(struct raw *raw, int32_t page_size)
{
    Pb__ListTasksRequest request = PB__LIST_TASKS_REQUEST__INIT;

    request.page_size = page_size;
    raw_begin(raw, LIST);
    raw_send_message(raw, &request.base);
    raw_send_close(raw);
}

test(a_stream_brings_its_messages_in_order_and_ends)
{
    struct pair pair;
    struct buf none = {0};

    pair_open(&pair, 0, 0);
    begin_list(&pair.raw, 3);
    check(receive_page(&pair.raw, "1"));
    check(receive_page(&pair.raw, "2"));
    check(receive_page(&pair.raw, "3"));
    check(!raw_receive(&pair.raw, &none));
    check_status(raw_end(&pair.raw), STATUS_OK);
    pair_close(&pair);
}

test(a_stream_waits_for_a_slow_reader_and_ends_when_it_is_gone)
{
    struct pair pair;

    pair_open(&pair, 0, 0);
    begin_list(&pair.raw, 0);
    check(receive_page(&pair.raw, "1"));
    raw_cancel(&pair.raw);
    check_status(raw_end(&pair.raw), STATUS_CANCELLED);
    check(event_wait(&pair.echo.cancelled, 1));
    check(pair.echo.nsent < 1000000); /* flow control held it back */
    pair_close(&pair);
}
