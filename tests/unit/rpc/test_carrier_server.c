/*
 * tests/unit/rpc/test_carrier_server.c - streams of calls, by a client that does with them what ours does not.
 */
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "rpc/carrier.pb-c.h"
#include "rpc/message_wire.h"
#include "rpc/serving.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/carrier_fixture.h"
#include "tests/unit/rpc/raw_client.h"

struct raw_stream {
    struct carrier_fixture f;
    struct raw raw;
};

static void open_raw_with(struct raw_stream *stream, struct rpc_server_options limits)
{
    carrier_open_with(&stream->f, limits);
    raw_open(&stream->raw, stream->f.echo.target);
    raw_begin(&stream->raw, CARRY);
}

static void open_raw(struct raw_stream *stream)
{
    open_raw_with(stream, (struct rpc_server_options){.max_calls = 0});
}

/* Gives up a stream that has not ended. */
static void leave_raw(struct raw_stream *stream)
{
    raw_cancel(&stream->raw);
    check(raw_end(&stream->raw).code != STATUS_OK);
}

static void close_raw(struct raw_stream *stream)
{
    raw_close(&stream->raw);
    carrier_close(&stream->f);
}

/* Calls of a method with the same request. */
static void send_requests(struct raw_stream *stream, const char *method, struct str bytes,
                          size_t count)
{
    Carrier__CarryRequest request = CARRIER__CARRY_REQUEST__INIT;
    Carrier__Call *calls = mem_alloc_array(count, sizeof(*calls));
    Carrier__Call **places = mem_alloc_array(count, sizeof(*places));

    for (size_t i = 0; i < count; i++) {
        carrier__call__init(&calls[i]);
        calls[i].id = i + 1;
        calls[i].method = (char *)(uintptr_t)method;
        calls[i].request = (ProtobufCBinaryData){bytes.len, (uint8_t *)(uintptr_t)bytes.data};
        places[i] = &calls[i];
    }
    request.calls = places;
    request.n_calls = count;
    raw_send_message(&stream->raw, &request.base);
    mem_free(calls);
    mem_free(places);
}

static void send_calls(struct raw_stream *stream, const char *method, size_t count)
{
    send_requests(stream, method, (struct str){NULL, 0}, count);
}

/* Receives answers until there is none; returns how many had that code. */
static size_t count_answers(struct raw_stream *stream, enum status_code code, size_t most)
{
    struct buf bytes = {0};
    size_t nfound = 0, nanswers = 0;

    while (nanswers < most && raw_receive(&stream->raw, &bytes)) {
        struct arena *arena = arena_create(1 << 20);
        ProtobufCMessage *message = NULL;
        check_status(message_wire_read(buf_get(&bytes), &carrier__carry_response__descriptor, arena,
                                       NULL, &message),
                     STATUS_OK);
        const Carrier__CarryResponse *response = (const Carrier__CarryResponse *)message;
        for (size_t i = 0; i < response->n_replies; i++)
            nfound += response->replies[i]->code == code;
        nanswers += response->n_replies;
        arena_destroy(arena);
        buf_clear(&bytes);
    }
    buf_deinit(&bytes);
    return nfound;
}

test(all_calls_are_answered_after_the_clients_last_message)
{
    struct raw_stream stream;

    open_raw(&stream);
    send_calls(&stream, ECHO, 1024);
    raw_send_close(&stream.raw);
    check_int(count_answers(&stream, STATUS_OK, SIZE_MAX), 1024);
    check_status(raw_end(&stream.raw), STATUS_OK);
    close_raw(&stream);
}

test(a_message_with_too_many_calls_ends_the_stream)
{
    struct raw_stream stream;

    open_raw(&stream);
    send_calls(&stream, ECHO, 1025);
    check_int(count_answers(&stream, STATUS_OK, SIZE_MAX), 0);
    struct status st = raw_end(&stream.raw);
    check_status(st, STATUS_INVALID_ARGUMENT);
    check(strstr(st.text, "1025") != NULL);
    check_int(atomic_load(&stream.f.watching.ncarried), 0);
    close_raw(&stream);
}

test(what_is_no_message_ends_the_stream_when_all_is_answered)
{
    struct raw_stream stream;

    open_raw(&stream);
    send_calls(&stream, ECHO, 3);
    raw_send(&stream.raw, str_from("\xff\xff"));
    check_int(count_answers(&stream, STATUS_OK, SIZE_MAX), 3);
    check_status(raw_end(&stream.raw), STATUS_INVALID_ARGUMENT);
    close_raw(&stream);
}

test(a_bad_request_is_the_fault_of_its_call_alone)
{
    Carrier__CarryRequest request = CARRIER__CARRY_REQUEST__INIT;
    Carrier__Call call = CARRIER__CALL__INIT;
    Carrier__Call *calls[] = {&call};
    struct raw_stream stream;

    open_raw(&stream);
    call.method = (char *)(uintptr_t)ECHO;
    call.request = (ProtobufCBinaryData){2, (uint8_t *)(uintptr_t)"\xff\xff"};
    request.calls = calls;
    request.n_calls = 1;
    raw_send_message(&stream.raw, &request.base);
    check_int(count_answers(&stream, STATUS_INVALID_ARGUMENT, 1), 1);
    send_calls(&stream, ECHO, 1);
    check_int(count_answers(&stream, STATUS_OK, 1), 1);
    leave_raw(&stream);
    close_raw(&stream);
}

test(an_unknown_method_is_named)
{
    struct raw_stream stream;

    open_raw(&stream);
    send_calls(&stream, "/no.Such/Method", 2);
    check_int(count_answers(&stream, STATUS_UNIMPLEMENTED, 2), 2);
    send_calls(&stream, CARRY, 1); /* a stream on a stream */
    check_int(count_answers(&stream, STATUS_UNIMPLEMENTED, 1), 1);
    check(!stream.f.watching.is_stream_on_stream);
    leave_raw(&stream);
    close_raw(&stream);
}

test(the_calls_of_a_client_that_is_gone_are_cancelled)
{
    struct raw_stream stream;

    open_raw(&stream);
    send_calls(&stream, WAIT, 5);
    check(event_wait(&stream.f.echo.started, 5));
    leave_raw(&stream);
    check(event_wait(&stream.f.echo.cancelled, 5));
    close_raw(&stream);
}

/* Waits until a count of the server is 0; it is written a little later than the client is answered. */
static bool falls_to_zero(struct rpc_server *server, const size_t *count)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (int i = 0; i < 60000; i++) {
        pthread_mutex_lock(&server->lock);
        bool is_zero = *count == 0;
        pthread_mutex_unlock(&server->lock);
        if (is_zero)
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

test(streams_beyond_a_limit_are_refused)
{
    struct raw_stream stream;
    struct carrier_fixture *f = &stream.f;

    open_raw_with(&stream, (struct rpc_server_options){.max_carriers = 1});
    send_calls(&stream, ECHO, 1);
    check_int(count_answers(&stream, STATUS_OK, 1), 1);
    check_status(echo_call(&f->echo, ECHO, "x", NULL), STATUS_OK);
    check_int(atomic_load(&f->watching.nstreams), 2);
    check_int(atomic_load(&f->watching.nalone), 1);
    raw_send_close(&stream.raw);
    check_status(raw_end(&stream.raw), STATUS_OK);
    check(falls_to_zero(f->echo.server, &f->echo.server->ncarriers));
    raw_begin(&stream.raw, CARRY); /* there is room again */
    send_calls(&stream, ECHO, 1);
    check_int(count_answers(&stream, STATUS_OK, 1), 1);
    leave_raw(&stream);
    close_raw(&stream);
}

test(a_stream_that_idles_takes_nothing_of_what_requests_may)
{
    enum { LARGE = 2 << 10, FACTOR = 16 };
    struct raw_stream stream;
    char id[LARGE + 1] = {0};

    memset(id, 'x', LARGE);
    open_raw_with(&stream,
                  (struct rpc_server_options){.max_total_bytes = (size_t)FACTOR * (LARGE + 100)});
    send_calls(&stream, ECHO, LARGE / (sizeof(ECHO) + 5));
    check_int(count_answers(&stream, STATUS_OK, LARGE / (sizeof(ECHO) + 5)),
              LARGE / (sizeof(ECHO) + 5));
    struct rpc_server *server = stream.f.echo.server;
    check(falls_to_zero(server, &server->charged_bytes));
    struct pending alone;
    pending_start_waiting(&alone, &stream.f.echo, ECHO, id, 10000);
    check_status(pending_wait(&alone), STATUS_OK);
    leave_raw(&stream);
    close_raw(&stream);
}

test(a_message_that_is_too_much_now_ends_the_stream_when_all_is_answered)
{
    struct raw_stream stream;

    open_raw_with(&stream, (struct rpc_server_options){.max_total_bytes = 4 << 10});
    send_calls(&stream, ECHO, 1);
    send_calls(&stream, ECHO, 1000);
    check_int(count_answers(&stream, STATUS_OK, SIZE_MAX), 1);
    check_status(raw_end(&stream.raw), STATUS_RESOURCE_EXHAUSTED);
    check_int(atomic_load(&stream.f.watching.ncarried), 1);
    close_raw(&stream);
}

test(calls_are_cancelled_by_any_number_of_ids_in_any_order)
{
    enum { IDS = 50000 };
    Carrier__CarryRequest request = CARRIER__CARRY_REQUEST__INIT;
    uint64_t *ids = mem_alloc_array(IDS, sizeof(*ids));
    struct raw_stream stream;

    open_raw(&stream);
    send_calls(&stream, WAIT, 5); /* 1 to 5 */
    check(event_wait(&stream.f.echo.started, 5));
    for (size_t i = 0; i < IDS; i++)
        ids[i] = IDS - i + 5; /* nobody's, but for those below */
    ids[0] = 4;
    ids[IDS / 2] = 2;
    ids[IDS - 1] = 4;
    request.cancelled_ids = ids;
    request.n_cancelled_ids = IDS;
    raw_send_message(&stream.raw, &request.base);
    check_int(count_answers(&stream, STATUS_UNAVAILABLE, 2), 2);
    send_calls(&stream, ECHO, 1);
    check_int(count_answers(&stream, STATUS_OK, 1), 1); /* so the others still run */
    leave_raw(&stream);
    check(event_wait(&stream.f.echo.cancelled, 5));
    close_raw(&stream);
    mem_free(ids);
}

test(a_message_with_too_many_ids_to_cancel_ends_the_stream)
{
    enum { IDS = (64 << 10) + 1 };
    Carrier__CarryRequest request = CARRIER__CARRY_REQUEST__INIT;
    uint64_t *ids = mem_alloc_array(IDS, sizeof(*ids));
    struct raw_stream stream;

    open_raw(&stream);
    request.cancelled_ids = ids;
    request.n_cancelled_ids = IDS;
    raw_send_message(&stream.raw, &request.base);
    struct status st = raw_end(&stream.raw);
    check_status(st, STATUS_INVALID_ARGUMENT);
    check(strstr(st.text, "65537") != NULL);
    close_raw(&stream);
    mem_free(ids);
}

static bool rises_to(const atomic_uint *count, unsigned value)
{
    const struct timespec pause = {.tv_nsec = 1000000};

    for (int i = 0; i < 60000 && atomic_load(count) < value; i++)
        (void)nanosleep(&pause, NULL);
    return atomic_load(count) == value;
}

test(answers_that_nobody_reads_are_refused_beyond_a_limit)
{
    enum { LARGE = 60 << 10, CALLS = 200 };
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;
    char *id = mem_alloc(LARGE + 1);
    struct raw_stream stream;
    uint8_t bytes[LARGE + 16];

    request.id = memset(id, 'x', LARGE);
    size_t len = protobuf_c_message_pack(&request.base, bytes);
    open_raw_with(&stream, (struct rpc_server_options){.max_message_bytes = 32 << 20,
                                                       .max_arena_bytes = 64 << 20,
                                                       .max_unread_bytes = 1 << 20});
    send_requests(&stream, ECHO, str_from_bytes(bytes, len), CALLS);
    check(rises_to(&stream.f.watching.ncarried, CALLS));
    struct rpc_server *server = stream.f.echo.server;
    check(falls_to_zero(server, &server->charged_bytes)); /* all are answered */
    size_t nrefused = count_answers(&stream, STATUS_RESOURCE_EXHAUSTED, CALLS);
    check(nrefused > 0 && nrefused < CALLS);
    send_calls(&stream, ECHO, 1);
    check_int(count_answers(&stream, STATUS_OK, 1), 1);
    leave_raw(&stream);
    close_raw(&stream);
    mem_free(id);
}
