/*
 * tests/unit/store/test_token_scope.c - what scopes are called, and what they allow.
 */
#include "store/token_scope.h"

#include "tests/harness/test.h"

test(scopes_are_read_by_name)
{
    check_int(token_scopes_read(str_from("read,write")), TOKEN_READ | TOKEN_WRITE);
    check_int(token_scopes_read(str_from("worker")), TOKEN_WORKER);
    check_int(token_scopes_read(str_from("admin")), TOKEN_ALL);
    check_int(token_scopes_read(str_from("root,")), 0);
    check_str(token_scope_get_name(TOKEN_READ), "read");
    check_str(token_scope_get_name(TOKEN_WRITE), "write");
    check_str(token_scope_get_name(TOKEN_WORKER), "worker");
    check_str(token_scope_get_name(TOKEN_ADMIN), "admin");
}

test(what_is_no_scope_is_named)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"read,root", "scopes: 'root' is none of read, write, worker and admin"},
        {"", "scopes: '' is none of read, write, worker and admin"},
        {"admin,", "scopes: '' is none of read, write, worker and admin"},
        {"Read", "scopes: 'Read' is none of read, write, worker and admin"},
    };

    check_status(token_scopes_validate("scopes", "read,write,worker,admin"), STATUS_OK);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct status st = token_scopes_validate("scopes", cases[i].text);
        check_status(st, STATUS_INVALID_ARGUMENT);
        check_str(st.text, cases[i].error);
    }
}
