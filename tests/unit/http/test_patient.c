/*
 * tests/unit/http/test_patient.c - replies whose pieces are long in coming, over real sockets.
 */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "tests/harness/test.h"
#include "tests/unit/http/stream_fixture.h"

enum { NEVER_MS = 600000 };

test(a_patient_stream_begins_with_its_first_piece)
{
    struct stream_fixture f = {.npieces = 2,
                               .piece = "abc",
                               .idle_piece = "idle",
                               .idle_ms = NEVER_MS,
                               .head_wait_ms = NEVER_MS};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    for (int i = 0; i < 2; i++) {
        check_int(stream_client_read_until(fd, "\r\n0\r\n\r\n", &reply), 0);
        check_str(stream_client_get_body(&reply), "3\r\nabc\r\n3\r\nabc\r\n0\r\n\r\n");
        buf_clear(&reply);
        if (i == 0)
            check(send(fd, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", 27, 0) == 27);
    }
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(a_patient_stream_that_fails_before_its_first_piece_is_a_reply)
{
    struct stream_fixture f = {.last = STREAM_LAST_FAIL,
                               .idle_piece = "idle",
                               .idle_ms = NEVER_MS,
                               .head_wait_ms = NEVER_MS};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    check_int(stream_client_read_until(fd, NULL, &reply), 0);
    check(strstr(buf_get_text(&reply), "HTTP/1.1 409 Conflict\r\n") != NULL);
    check(strstr(buf_get_text(&reply), "chunked") == NULL);
    check_str(stream_client_get_body(&reply), "failed");
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(a_patient_stream_that_fails_later_has_a_last_piece)
{
    struct stream_fixture f = {.npieces = 1,
                               .piece = "abc",
                               .last = STREAM_LAST_FAIL,
                               .idle_piece = "idle",
                               .idle_ms = NEVER_MS,
                               .head_wait_ms = NEVER_MS};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
    check_int(stream_client_read_until(fd, NULL, &reply), 0);
    check_str(stream_client_get_body(&reply), "3\r\nabc\r\n4\r\nlast\r\n0\r\n\r\n");
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(a_patient_stream_without_a_piece_begins_in_time)
{
    struct stream_fixture f = {.npieces = 1,
                               .piece = "abc",
                               .idle_piece = "idle",
                               .idle_ms = NEVER_MS,
                               .head_wait_ms = 50,
                               .stalls = true};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(stream_client_read_until(fd, "4\r\nidle\r\n", &reply), 0);
    check(strstr(buf_get_text(&reply), "HTTP/1.1 200 OK\r\n") != NULL);
    stream_fixture_go_on(&f);
    check_int(stream_client_read_until(fd, "0\r\n\r\n", &reply), 0);
    check_str(stream_client_get_body(&reply), "4\r\nidle\r\n3\r\nabc\r\n0\r\n\r\n");
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(a_silent_client_of_a_patient_stream_is_told_by_the_by_until_a_piece_comes)
{
    struct stream_fixture f = {.npieces = 2,
                               .piece = "abc",
                               .idle_piece = "i",
                               .idle_ms = 20,
                               .stalls = true,
                               .stalls_after = 1};
    struct buf reply = {0};

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(stream_client_read_until(fd, "3\r\nabc\r\n1\r\ni\r\n1\r\ni\r\n1\r\ni\r\n", &reply),
              0);
    stream_fixture_go_on(&f);
    check_int(stream_client_read_until(fd, "1\r\ni\r\n3\r\nabc\r\n0\r\n\r\n", &reply), 0);
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(a_client_that_is_gone_shows_by_the_by)
{
    struct stream_fixture f = {.npieces = STREAM_ENDLESS,
                               .piece = "abc",
                               .idle_piece = "i",
                               .idle_ms = 20,
                               .stalls = true,
                               .stalls_after = 1};
    struct buf reply = {0};
    int64_t deadline_ms = clock_get_monotonic_ms() + STREAM_WAIT_MS;

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    check_int(stream_client_read_until(fd, "1\r\ni\r\n", &reply), 0);
    (void)close(fd);
    while (!atomic_load(&f.is_gone) && clock_get_monotonic_ms() < deadline_ms)
        (void)usleep(1000);
    check(atomic_load(&f.is_gone));
    check_int(f.nended, 0); /* it waits for its source */
    stream_fixture_go_on(&f);
    stream_fixture_wait_for_ends(&f, 1);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(pieces_meet_what_is_sent_by_the_by)
{
    struct stream_fixture f = {
        .npieces = 20000, .piece = "abc", .idle_piece = "i", .idle_ms = 1, .head_wait_ms = 1};
    struct buf reply = {0};
    unsigned npieces = 0;

    stream_fixture_open(&f);
    int fd = stream_client_open(&f, "GET / HTTP/1.0\r\n\r\n");
    check_int(stream_client_read_until(fd, NULL, &reply), 0);
    for (const char *at = stream_client_get_body(&reply); *at; at += *at == 'i' ? 1 : 3) {
        check(*at == 'i' || strncmp(at, "abc", 3) == 0);
        npieces += *at != 'i';
    }
    check_int(npieces, 20000);
    (void)close(fd);
    stream_fixture_close(&f);
    buf_deinit(&reply);
}

test(head_of_a_patient_stream_has_no_body)
{
    struct stream_fixture f = {.npieces = STREAM_ENDLESS,
                               .piece = "abc",
                               .idle_piece = "i",
                               .idle_ms = 20,
                               .head_wait_ms = 20};
    struct buf reply = {0};

    stream_fixture_open(&f);
    for (int i = 0; i < 2; i++) { /* by a piece, then by time */
        int fd = stream_client_open(&f, "HEAD / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
        check_int(stream_client_read_until(fd, NULL, &reply), 0);
        check(strstr(buf_get_text(&reply), "HTTP/1.1 200 OK\r\n") != NULL);
        check_str(stream_client_get_body(&reply), "");
        buf_clear(&reply);
        (void)close(fd);
        stream_fixture_go_on(&f);
        stream_fixture_wait_for_ends(&f, i + 1);
        f.stalls = true;
        f.may_go_on = false;
    }
    stream_fixture_close(&f);
    buf_deinit(&reply);
}
