/*
 * tests/unit/http/test_framing.c - which heads mean the same to everyone.
 */
#include "http/framing.h"

#include "base/buf.h"
#include "base/compiler.h"
#include "tests/harness/test.h"

/* With a first line of HTTP/1.1 and a Host. */
static bool is_sound(const char *fields)
{
    struct buf head = {0};

    buf_printf(&head, "POST / HTTP/1.1\r\nHost: x\r\n%s\r\n", fields);
    bool is = http_framing_is_sound(buf_get(&head));
    buf_deinit(&head);
    return is;
}

test(fields_that_say_one_thing_are_sound)
{
    static const char *const cases[] = {
        "",
        "Content-Length: 5\r\n",
        "content-length:5\r\n",
        "Content-Length:  5 \t\r\n",
        "Transfer-Encoding: chunked\r\n",
        "TRANSFER-ENCODING: Chunked\r\n",
        "X: y\r\nContent-Length: 0\r\nX: y\r\n",
        "X:\r\n",
        "X-Content-Length: a\r\nX-Transfer-Encoding: b\r\nX-Host: c\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (!is_sound(cases[i]))
            check_str(cases[i], "sound");
    }
}

test(fields_that_others_may_read_otherwise_are_not)
{
    static const char *const cases[] = {
        "Content-Length: 5\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 6\r\n",
        "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: \vchunked\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Content-Length : 5\r\n",
        "Content-Length\r\n",
        "Content-Length: +5\r\n",
        "Content-Length: -5\r\n",
        "Content-Length: 0x5\r\n",
        "Content-Length: 5, 5\r\n",
        "Content-Length: 5 5\r\n",
        "Content-Length:\r\n",
        "X: y\n",
        "X: y\nContent-Length: 5\r\n",
        "X: y\rZ: z\r\n",
        "X: y\r\n Content-Length: 5\r\n",
        "X: y\r\n\tz\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        ": y\r\n",
        " X: y\r\n",
        "X\r\n",
        "Host: x\r\n",
        "Host: y\r\n",
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (is_sound(cases[i]))
            check_str(cases[i], "unsound");
    }
}

test(the_first_line_and_the_host_count)
{
    static const struct {
        const char *head;
        bool is_sound;
    } cases[] = {
        {"GET / HTTP/1.1\r\nHost: a.example:80\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", true},
        {"GET / HTTP/1.1\r\nHost:\r\n\r\n", true},
        {"GET / HTTP/1.1\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: a@b\r\n\r\n", false},
        {"GET / HTTP/1.1\nHost: x\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\n\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\n", false},
        {"GET / HTTP/1.1", false},
        {"", false},
        {"GET / HTTP/1.0\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nHost: x\r\n\r\n", true},
        {"GET / HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n", false},
        {"POST / HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello", true},
        {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", false},
        {"GET /?a= HTTP/1.0 HTTP/1.1\r\n\r\n", false},
        {"GET / HTTP/1.1\r\nHost: x\r\n\r\nX: y\nZ\r\n", true}, /* a body */
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        if (http_framing_is_sound(str_from(cases[i].head)) != cases[i].is_sound)
            check_str(cases[i].head, cases[i].is_sound ? "sound" : "unsound");
    }
}

test(a_nul_byte_in_the_host_is_unsound)
{
    static const char head[] = "GET / HTTP/1.1\r\nHost: a\0b\r\n\r\n";

    check(!http_framing_is_sound(str_from_bytes(head, sizeof(head) - 1)));
}

test(a_target_may_name_the_host)
{
    static const char *const cases[][2] = {
        {"/v1/tasks?a=http://x/y", "/v1/tasks?a=http://x/y"},
        {"http://x/v1/tasks?a=b", "/v1/tasks?a=b"},
        {"HTTPS://x:80/", "/"},
        {"http://x", "/"},
        {"http:///v1", "/v1"},
        {"http://", "/"},
        {"http:/x", "http:/x"},
        {"ftp://x/y", "ftp://x/y"},
        {"*", "*"},
        {"", ""},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct str got = http_framing_get_origin(str_from(cases[i][0]));
        if (!str_is(got, cases[i][1]))
            check_str(cases[i][0], cases[i][1]);
    }
}
