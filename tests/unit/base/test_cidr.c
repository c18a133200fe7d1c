/*
 * tests/unit/base/test_cidr.c - base/cidr, base/exposure.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/cidr.h"
#include "base/exposure.h"
#include "tests/harness/test.h"

test(an_address_is_in_its_networks_and_in_no_others)
{
    static const struct {
        const char *networks;
        const char *address;
        bool is_in;
    } cases[] = {
        {"10.0.0.0/8", "10.255.0.1", true},
        {"10.0.0.0/8", "11.0.0.0", false},
        {"10.0.0.0/8", "9.255.255.255", false},
        {"192.168.1.128/25", "192.168.1.128", true},
        {"192.168.1.128/25", "192.168.1.127", false},
        {"192.168.1.7", "192.168.1.7", true},
        {"192.168.1.7", "192.168.1.6", false},
        {"192.168.1.7/32", "192.168.1.7", true},
        {"0.0.0.0/0", "203.0.113.9", true},
        {"0.0.0.0/0", "2001:db8::1", false},
        {"::/0", "2001:db8::1", true},
        {"::/0", "203.0.113.9", false},
        {"::/0", "::ffff:203.0.113.9", false},
        {"2001:db8::/33", "2001:db8:7fff::1", true},
        {"2001:db8::/33", "2001:db8:8000::1", false},
        {"::1", "::1", true},
        {"::1", "::2", false},
        {"fe80::/10", "fe80::1%eth0", true},
        /* Mapped ones are those that they stand for, on both sides. */
        {"10.0.0.0/8", "::ffff:10.1.2.3", true},
        {"10.0.0.0/8", "::ffff:0a01:0203", true},
        {"10.0.0.0/8", "::ffff:11.1.2.3", false},
        {"::ffff:10.0.0.0/104", "10.1.2.3", true},
        {"::ffff:10.0.0.0/104", "11.1.2.3", false},
        {"::ffff:0:0/96", "203.0.113.9", true},
        {"::ffff:10.0.0.1", "10.0.0.1", true},
        /* Others that have one inside are not it. */
        {"10.0.0.0/8", "::10.1.2.3", false},
        {"10.0.0.0/8", "64:ff9b::10.1.2.3", false},
        {"10.0.0.0/8", "2002:0a01:0203::1", false},
        {"10.0.0.0/8, 127.0.0.1 ,fd00::/8", "127.0.0.1", true},
        {"10.0.0.0/8, 127.0.0.1 ,fd00::/8", "fdff::1", true},
        {"10.0.0.0/8, 127.0.0.1 ,fd00::/8", "127.0.0.2", false},
    };
    struct cidr_list list;
    struct cidr_address address;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        check_status(cidr_list_read("allow", cases[i].networks, &list), STATUS_OK);
        check(cidr_read_address(str_from(cases[i].address), &address));
        test_check(TEST_HERE, cidr_list_has(&list, &address) == cases[i].is_in, cases[i].address);
    }
}

test(a_list_that_is_wrong_is_refused_by_name)
{
    static const struct {
        const char *text;
        const char *error;
    } cases[] = {
        {"", "allow: '' is not an address or a network like 10.0.0.0/8"},
        {"10.0.0.0/8,", "allow: '' is not an address or a network like 10.0.0.0/8"},
        {"10.0.0", "allow: '10.0.0' is not an address or a network like 10.0.0.0/8"},
        {"010.0.0.0/8", "allow: '010.0.0.0/8' is not an address or a network like 10.0.0.0/8"},
        {"a.example", "allow: 'a.example' is not an address or a network like 10.0.0.0/8"},
        {"fe80::1%eth0", "allow: 'fe80::1%eth0' is not an address or a network like 10.0.0.0/8"},
        {"10.0.0.1/8", "allow: '10.0.0.1/8' has bits behind its prefix: a network's are 0"},
        {"2001:db8::1/64", "allow: '2001:db8::1/64' has bits behind its prefix: a network's are 0"},
        {"10.0.0.0/33", NULL},
        {"10.0.0.0/-1", NULL},
        {"10.0.0.0/", NULL},
        {"10.0.0.0/8/8", NULL},
        {"::/129", NULL},
    };
    struct cidr_list list = {.count = 7};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct status st = cidr_list_read("allow", cases[i].text, &list);
        check_status(st, STATUS_INVALID_ARGUMENT);
        if (cases[i].error)
            check_str(st.text, cases[i].error);
        check_int(list.count, 7);
    }
}

test(a_list_has_as_many_networks_as_it_may)
{
    struct buf text = {0};
    struct cidr_list list;

    for (int i = 0; i < CIDR_MAX_NETWORKS; i++)
        buf_printf(&text, "%s10.0.0.%d", i ? "," : "", i);
    check_status(cidr_list_read("allow", buf_get_text(&text), &list), STATUS_OK);
    check_int(list.count, CIDR_MAX_NETWORKS);
    buf_append_text(&text, ",10.0.1.0");
    check_status(cidr_list_read("allow", buf_get_text(&text), &list), STATUS_INVALID_ARGUMENT);
    check_status(cidr_list_read("allow", NULL, &list), STATUS_OK);
    check_int(list.count, 0);
    buf_deinit(&text);
}

test(the_end_of_a_socket_is_the_address_that_its_text_is)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr other = {.sa_family = AF_UNIX};
    struct cidr_address text, end;

    check_int(inet_pton(AF_INET, "10.1.2.3", &v4.sin_addr), 1);
    check_int(inet_pton(AF_INET6, "::ffff:10.1.2.3", &v6.sin6_addr), 1);
    check(cidr_read_address(str_from("10.1.2.3"), &text));
    check(cidr_from_socket((const struct sockaddr *)&v4, &end));
    check(memcmp(&end, &text, sizeof(end)) == 0);
    check(cidr_from_socket((const struct sockaddr *)&v6, &end));
    check(memcmp(&end, &text, sizeof(end)) == 0);
    check(!cidr_from_socket(&other, &end));
}

test(a_listener_is_local_when_only_this_machine_gets_at_it)
{
    static const char *const local[] = {
        "127.0.0.1:50051", "127.9.9.9:1",          "[::1]:50051",   "localhost:50051",
        "LocalHost:1",     "[::ffff:127.0.0.1]:1", "unix:/run/s.s", "unix:relative",
    };
    static const char *const others[] = {
        "0.0.0.0:50051", "[::]:50051", "[::ffff:0.0.0.0]:1", "10.0.0.1:1",   "*:50051",
        ":50051",        "50051",      "localhost.evil:1",   "127.0.0.1x:1", "127.1:1",
        "::1:50051",
    };

    for (size_t i = 0; i < ARRAY_LEN(local); i++)
        test_check(TEST_HERE, exposure_is_local(local[i]), local[i]);
    for (size_t i = 0; i < ARRAY_LEN(others); i++)
        test_check(TEST_HERE, !exposure_is_local(others[i]), others[i]);
}

/* What is said of a listener with these settings. */
static void check_exposure(const char *listen, struct exposure_settings settings, bool is_guarded,
                           const char *expected)
{
    struct buf errors = {0};

    exposure_validate(&settings, &errors);
    exposure_check(&settings, "listen", listen, is_guarded, ", --require-token", &errors);
    check_str(buf_get_text(&errors), expected);
    buf_deinit(&errors);
}

test(an_open_listener_wants_a_guard)
{
    check_exposure("127.0.0.1:1", (struct exposure_settings){0}, false, "");
    check_exposure("0.0.0.0:1", (struct exposure_settings){0}, true, "");
    check_exposure(NULL, (struct exposure_settings){0}, false, "");
    check_exposure("0.0.0.0:1", (struct exposure_settings){.is_insecure = true}, false, "");
    check_exposure("0.0.0.0:1", (struct exposure_settings){.allow = "10.0.0.0/8"}, false, "");
    check_exposure("0.0.0.0:1", (struct exposure_settings){0}, false,
                   "listen: other machines could reach 0.0.0.0:1, and nothing is asked of them: "
                   "give --allow, --require-token, or --insecure if a firewall or a proxy sees to "
                   "it\n");
    check_exposure("127.0.0.1:1", (struct exposure_settings){.allow = "10.0.0.1/8"}, false,
                   "allow: '10.0.0.1/8' has bits behind its prefix: a network's are 0\n");
}
