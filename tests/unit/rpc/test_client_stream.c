/*
 * tests/unit/rpc/test_client_stream.c - streams of replies, from both ends of a real connection.
 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "rpc/client_stream.h"
#include "rpc/stream_reader.h"
#include "tests/harness/test.h"
#include "tests/unit/rpc/echo_fixture.h"

/* A stream that notes what comes. */
struct noting {
    struct rpc_client_stream stream;
    struct event answers; /* of both kinds */
    struct event end;
    unsigned nmessages;
    unsigned nwanted;   /* asks by itself until it has had so many answers */
    char last[64];      /* the text of the last message; cut to fit */
    size_t details_len; /* at the end */
    struct status st;
};

/* The first string field of a Task or a ListTasksResponse. */
static const char *get_text(const ProtobufCMessage *message)
{
    if (message->descriptor == &pb__task__descriptor)
        return ((const Pb__Task *)message)->id;
    return ((const Pb__ListTasksResponse *)message)->next_page_token;
}

static void note_message(struct rpc_client_stream *stream, const ProtobufCMessage *message)
{
    struct noting *noting = container_of(stream, struct noting, stream);

    (void)snprintf(noting->last, sizeof(noting->last), "%s", get_text(message));
    noting->nmessages++;
    event_add(&noting->answers);
    if (noting->nmessages < noting->nwanted)
        rpc_client_stream_next(stream);
}

static void note_end(struct rpc_client_stream *stream, struct status st)
{
    struct noting *noting = container_of(stream, struct noting, stream);

    noting->st = st;
    noting->details_len = rpc_client_stream_get_details(stream).len;
    event_add(&noting->answers);
    event_add(&noting->end);
}

/* Opens a stream of a method that takes an id; or of LIST, of n messages. */
static void noting_open(struct noting *noting, struct echo *echo, const char *method, int32_t n,
                        unsigned timeout_ms)
{
    Pb__GetTaskRequest get = PB__GET_TASK_REQUEST__INIT;
    Pb__ListTasksRequest list = PB__LIST_TASKS_REQUEST__INIT;
    bool is_list = strcmp(method, LIST) == 0;

    *noting = (struct noting){.nmessages = 0};
    event_init(&noting->answers);
    event_init(&noting->end);
    noting->stream = (struct rpc_client_stream){
        .channel = echo->channel,
        .method = method,
        .message_type = is_list ? &pb__list_tasks_response__descriptor : &pb__task__descriptor,
        .timeout_ms = timeout_ms,
        .on_message = note_message,
        .on_end = note_end,
    };
    get.id = (char *)(uintptr_t)"proc-1"; /* is only read */
    list.page_size = n;
    rpc_client_stream_open(&noting->stream, is_list ? &list.base : &get.base);
}

/* Ends a stream that nobody is asking. */
static void end_it(struct noting *noting)
{
    noting->nwanted = UINT_MAX;
    rpc_client_stream_cancel(&noting->stream);
    rpc_client_stream_next(&noting->stream);
    check(event_wait(&noting->end, 1));
}

/* What a round trip on the same connection lets through has come when it is done. */
static void let_things_come(struct echo *echo)
{
    for (int i = 0; i < 20; i++)
        check_status(echo_call(echo, ECHO, "proc-1", NULL), STATUS_OK);
}

test(each_message_is_asked_for)
{
    struct echo echo;
    struct noting noting;

    echo_open(&echo, NULL);
    noting_open(&noting, &echo, LIST, 3, 0);
    let_things_come(&echo);
    check_int(noting.answers.count, 0);
    for (unsigned i = 1; i <= 3; i++) {
        char expected[8];
        (void)snprintf(expected, sizeof(expected), "%u", i);
        rpc_client_stream_next(&noting.stream);
        check(event_wait(&noting.answers, i));
        let_things_come(&echo);
        check_int(noting.answers.count, i);
        check_str(noting.last, expected);
    }
    rpc_client_stream_next(&noting.stream);
    check(event_wait(&noting.end, 1));
    check_status(noting.st, STATUS_OK);
    check_int(noting.nmessages, 3);
    echo_close(&echo);
}

test(a_message_may_be_asked_for_as_one_comes)
{
    struct echo echo;
    struct noting noting;

    echo_open(&echo, NULL);
    noting_open(&noting, &echo, LIST, 2000, 0);
    noting.nwanted = 2001;
    rpc_client_stream_next(&noting.stream);
    check(event_wait(&noting.end, 1));
    check_status(noting.st, STATUS_OK);
    check_int(noting.nmessages, 2000);
    check_str(noting.last, "2000");
    echo_close(&echo);
}

test(a_stream_that_is_not_read_holds_up_its_server)
{
    struct echo echo;
    struct noting noting;
    int64_t deadline_ms = clock_get_monotonic_ms() + 20000;
    unsigned nsent = 0;

    echo_open(&echo, NULL);
    noting_open(&noting, &echo, LIST, 0, 0);
    rpc_client_stream_next(&noting.stream);
    check(event_wait(&noting.answers, 1));
    do {
        check(clock_get_monotonic_ms() < deadline_ms);
        nsent = echo.nsent;
        for (int i = 0; i < 10; i++)
            let_things_come(&echo);
    } while (echo.nsent != nsent);
    end_it(&noting);
    check(event_wait(&echo.cancelled, 1));
    echo_close(&echo);
}

test(an_error_is_told_when_it_is_asked_for)
{
    struct echo echo;
    struct noting noting;

    echo_open(&echo, NULL);
    noting_open(&noting, &echo, FAIL, 0, 0);
    let_things_come(&echo);
    check_int(noting.answers.count, 0);
    rpc_client_stream_next(&noting.stream);
    check(event_wait(&noting.end, 1));
    check_status(noting.st, STATUS_FAILED_PRECONDITION);
    check_str(noting.st.text, "task 'proc-1' is broken");
    check(noting.details_len > 0);
    echo_close(&echo);
}

test(a_stream_that_waits_is_cancelled)
{
    struct echo echo;
    struct noting noting;

    echo_open(&echo, NULL);
    noting_open(&noting, &echo, WAIT, 0, 0);
    rpc_client_stream_next(&noting.stream);
    check(event_wait(&echo.started, 1));
    rpc_client_stream_cancel(&noting.stream);
    rpc_client_stream_cancel(&noting.stream);
    check(event_wait(&noting.end, 1));
    check_status(noting.st, STATUS_CANCELLED);
    check(event_wait(&echo.cancelled, 1)); /* the server was told */
    rpc_client_stream_cancel(&noting.stream);
    check_int(noting.answers.count, 1);
    echo_close(&echo);
}

test(a_cancellation_is_told_to_who_asks)
{
    struct echo echo;
    struct noting noting;

    echo_open(&echo, NULL);
    noting_open(&noting, &echo, LIST, 0, 0);
    rpc_client_stream_next(&noting.stream);
    check(event_wait(&noting.answers, 1));
    rpc_client_stream_cancel(&noting.stream);
    let_things_come(&echo);
    check_int(noting.answers.count, 1);
    end_it(&noting);
    check_status(noting.st, STATUS_CANCELLED);
    check(event_wait(&echo.cancelled, 1));

    noting_open(&noting, &echo, FAIL, 0, 0);
    let_things_come(&echo); /* the error is there, unasked */
    end_it(&noting);
    check(noting.st.code == STATUS_FAILED_PRECONDITION || noting.st.code == STATUS_CANCELLED);
    echo_close(&echo);
}

test(a_deadline_ends_a_stream)
{
    struct echo echo;
    struct noting noting;

    echo_open(&echo, NULL);
    noting_open(&noting, &echo, WAIT, 0, 200);
    rpc_client_stream_next(&noting.stream);
    check(event_wait(&noting.end, 1));
    check_status(noting.st, STATUS_DEADLINE_EXCEEDED);
    check(strstr(noting.st.text, "did not answer within 200 ms") != NULL);
    echo_close(&echo);
}

test(a_server_that_goes_away_ends_a_stream)
{
    struct echo echo;
    struct noting noting;

    echo_open(&echo, NULL);
    noting_open(&noting, &echo, WAIT, 0, 0);
    rpc_client_stream_next(&noting.stream);
    check(event_wait(&echo.started, 1));
    rpc_server_stop(echo.server, 0);
    check(event_wait(&noting.end, 1));
    check_status(noting.st, STATUS_UNAVAILABLE);

    noting_open(&noting, &echo, WAIT, 0, 0); /* there is none any more */
    rpc_client_stream_next(&noting.stream);
    check(event_wait(&noting.end, 1));
    check_status(noting.st, STATUS_UNAVAILABLE);
    check(strstr(noting.st.text, echo.target) != NULL);
    echo_close(&echo);
}

test(a_message_of_another_type_ends_the_stream)
{
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;
    struct echo echo;
    struct noting noting;

    echo_open(&echo, NULL);
    noting_open(&noting, &echo, ECHO, 0, 0);
    noting.nwanted = 2;
    rpc_client_stream_next(&noting.stream);
    check(event_wait(&noting.end, 1));
    check_status(noting.st, STATUS_OK);
    check_str(noting.last, "proc-1");

    noting.stream.message_type = &pb__list_tasks_request__descriptor; /* begins with a number */
    request.id = (char *)(uintptr_t)"proc-1";
    rpc_client_stream_open(&noting.stream, &request.base);
    rpc_client_stream_next(&noting.stream);
    check(event_wait(&noting.end, 2));
    check_status(noting.st, STATUS_INTERNAL);
    check(strstr(noting.st.text, "field 'page_size' has the wrong wire type") != NULL);
    echo_close(&echo);
}

test(a_message_over_the_limit_ends_the_stream)
{
    static char id[5000];
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;
    const ProtobufCMessage *message = NULL;
    struct echo echo;

    memset(id, 'x', sizeof(id) - 1);
    echo_open(&echo, NULL);
    rpc_channel_close(echo.channel);
    struct rpc_channel_options options = {
        .target = echo.target,
        .loop = echo.loop,
        .max_message_bytes = 4096,
    };
    echo.channel = rpc_channel_open(&options);
    request.id = id;
    struct rpc_request wanted = {
        .channel = echo.channel,
        .method = ECHO,
        .message = &request.base,
        .reply_type = &pb__task__descriptor,
    };
    struct rpc_stream_reader *reader = rpc_stream_reader_open(&wanted);
    check_status(rpc_stream_reader_next(reader, &message), STATUS_RESOURCE_EXHAUSTED);
    rpc_stream_reader_close(reader);
    id[4000] = '\0';
    reader = rpc_stream_reader_open(&wanted);
    check_status(rpc_stream_reader_next(reader, &message), STATUS_OK);
    check_int(strlen(get_text(message)), 4000);
    rpc_stream_reader_close(reader);
    echo_close(&echo);
}

/* Reading. */

static struct rpc_stream_reader *open_list(struct echo *echo, int32_t n)
{
    Pb__ListTasksRequest list = PB__LIST_TASKS_REQUEST__INIT;
    struct rpc_request wanted = {
        .channel = echo->channel,
        .method = LIST,
        .message = &list.base,
        .reply_type = &pb__list_tasks_response__descriptor,
    };

    list.page_size = n;
    return rpc_stream_reader_open(&wanted);
}

test(a_reader_gets_all_messages_then_none)
{
    struct echo echo;
    const ProtobufCMessage *message = NULL;

    echo_open(&echo, NULL);
    struct rpc_stream_reader *reader = open_list(&echo, 500);
    for (unsigned i = 1; i <= 500; i++) {
        char expected[8];
        (void)snprintf(expected, sizeof(expected), "%u", i);
        check_status(rpc_stream_reader_next(reader, &message), STATUS_OK);
        check_str(get_text(message), expected);
    }
    check_status(rpc_stream_reader_next(reader, &message), STATUS_OK);
    check(message == NULL);
    rpc_stream_reader_close(reader);
    echo_close(&echo);
}

test(a_message_stays_when_its_server_goes_away)
{
    struct echo echo;
    const ProtobufCMessage *message = NULL;

    echo_open(&echo, NULL);
    struct rpc_stream_reader *reader = open_list(&echo, 0);
    check_status(rpc_stream_reader_next(reader, &message), STATUS_OK);
    rpc_server_stop(echo.server, 0);
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_UNAVAILABLE);
    check_str(get_text(message), "1");
    struct status st = status_ok();
    while (st.code == STATUS_OK && message) /* what is on the way still comes */
        st = rpc_stream_reader_next(reader, &message);
    check_status(st, STATUS_UNAVAILABLE);
    rpc_stream_reader_close(reader);
    echo_close(&echo);
}

test(a_reader_may_be_closed_at_any_time)
{
    struct echo echo;
    const ProtobufCMessage *message = NULL;

    echo_open(&echo, NULL);
    for (int nread = 0; nread < 5; nread++) {
        struct rpc_stream_reader *reader = open_list(&echo, nread % 2 == 0 ? 0 : 10);
        for (int i = 0; i < nread; i++)
            check_status(rpc_stream_reader_next(reader, &message), STATUS_OK);
        rpc_stream_reader_close(reader);
    }
    rpc_stream_reader_close(NULL);
    echo_close(&echo);
}

test(streams_may_be_cancelled_at_any_time)
{
    enum { NSTREAMS = 300 };
    static struct noting streams[NSTREAMS];
    static const char *const methods[] = {WAIT, ECHO, LIST, FAIL};
    struct echo echo;
    unsigned nwrong = 0;

    echo_open(&echo, NULL);
    for (unsigned i = 0; i < NSTREAMS; i++) {
        noting_open(&streams[i], &echo, methods[i % ARRAY_LEN(methods)], 5, i % 7 == 0 ? 1 : 0);
        streams[i].nwanted = UINT_MAX;
        rpc_client_stream_next(&streams[i].stream);
        if (i >= 10)
            rpc_client_stream_cancel(&streams[i - i % 10].stream);
    }
    for (unsigned i = 0; i < NSTREAMS; i++)
        rpc_client_stream_cancel(&streams[i].stream);
    for (unsigned i = 0; i < NSTREAMS; i++) {
        check(event_wait(&streams[i].end, 1));
        enum status_code code = streams[i].st.code;
        nwrong += code != STATUS_OK && code != STATUS_CANCELLED &&
                  code != STATUS_DEADLINE_EXCEEDED && code != STATUS_FAILED_PRECONDITION;
    }
    check_int(nwrong, 0);
    check_status(echo_call(&echo, ECHO, "proc-1", NULL), STATUS_OK);
    echo_close(&echo);
}
