/*
 * tests/unit/store/test_database_url.c - connection strings that would have libpq quote a password.
 */
#include "store/database_url.h"
#include "tests/harness/test.h"

test(database_url_is_refused_where_a_password_passes_for_a_host_or_a_port)
{
    static const struct {
        const char *url;
        bool is_right;
    } cases[] = {
        {"postgresql://u:p%40ss%2F@h:5432/d", true},
        {"postgresql:///d?host=/run/x&port=5433", true},
        {"postgresql://u:p@h1:1,h2:2/d", true},
        {"host=@abstract user=u password=a@b/c", true},
        {"", true},
        {"postgresql://u:s3@cret@h/d", false},
        {"postgresql://u:s3cr/et@h/d", false},
        {"host=h s3cret", false},
        {"postgresql://u:s3cret@h/d?nonsense=1", false},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct status st = database_url_validate(cases[i].url);
        check_status(st, cases[i].is_right ? STATUS_OK : STATUS_INVALID_ARGUMENT);
        check(!strstr(st.text, "s3"));
    }
}
