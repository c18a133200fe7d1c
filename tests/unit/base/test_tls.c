/*
 * tests/unit/base/test_tls.c - what has to be given beside what; certificates are tried by tests/integration/test_tls.py.
 */
#include "base/tls.h"

#include "tests/harness/test.h"

static const struct {
    enum tls_side side;
    struct tls_paths paths;
    const char *errors;
} cases[] = {
    {TLS_SERVER, {0}, ""},
    {TLS_SERVER, {.cert = "c", .key = "k"}, ""},
    {TLS_SERVER, {.cert = "c", .key = "k", .ca = "a"}, ""},
    {TLS_SERVER, {.cert = "c"}, "tls-key: is missing beside --tls-cert\n"},
    {TLS_SERVER, {.key = "k"}, "tls-cert: is missing beside --tls-key\n"},
    {TLS_SERVER, {.ca = "a"}, "tls-cert: is missing beside --tls-client-ca\n"},
    {TLS_CLIENT, {.ca = "a"}, ""},
    {TLS_CLIENT, {.cert = "c", .key = "k", .ca = "a"}, ""},
    {TLS_CLIENT, {.cert = "c", .key = "k"}, "gateway-ca: is missing beside --gateway-cert\n"},
    {TLS_CLIENT, {.cert = "c", .ca = "a"}, "gateway-key: is missing beside --gateway-cert\n"},
    {TLS_CLIENT, {.key = "k", .ca = "a"}, "gateway-cert: is missing beside --gateway-key\n"},
};

test(a_part_of_the_files_is_refused)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf errors = {0};

        tls_validate(cases[i].side, &cases[i].paths, &errors);
        check_str(buf_get_text(&errors), cases[i].errors);
        buf_deinit(&errors);
    }
}

test(tls_is_on_by_a_servers_certificate_and_a_clients_ca)
{
    check(!tls_is_on(TLS_SERVER, &(struct tls_paths){0}));
    check(tls_is_on(TLS_SERVER, &(struct tls_paths){.cert = "c", .key = "k"}));
    check(!tls_is_on(TLS_CLIENT, &(struct tls_paths){0}));
    check(tls_is_on(TLS_CLIENT, &(struct tls_paths){.ca = "a"}));
}
