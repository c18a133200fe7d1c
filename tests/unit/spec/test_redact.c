/*
 * tests/unit/spec/test_redact.c - connection strings that others quote lose their passwords.
 */
#include "spec/redact.h"
#include "tests/harness/test.h"

test(redact_takes_passwords_out)
{
    static const struct {
        const char *text, *redacted;
    } cases[] = {
        {"", ""},
        {"nothing: to@hide", "nothing: to@hide"},
        {"no postgresql://h:1/d", "no postgresql://h:1/d"},
        {"no postgresql://u@h:1/d", "no postgresql://u@h:1/d"},
        {"no postgresql://u:s3cret@h:1/d: down", "no postgresql://u:***@h:1/d: down"},
        {"'http://u:s3cret@h', \"http://u:s3cret@h\"", "'http://u:***@h', \"http://u:***@h\""},
        {"http://u:a@s3cret@h", "http://u:***@h"},
        {"http://u:s3/cret@h", "http://u:***@h"},
        {"http://u:s3cret@a,http://v:s3cret@b", "http://u:***@b"},
        {"host=h password=s3cret port=1", "host=h password=*** port=1"},
        {"http://h?password=s3cret&x=1 y", "http://h?password=*** y"},
        {"a://b://u:s3cret@h", "a://b:***@h"},
        {"ends in ://", "ends in ://"},
        {"ends in password=", "ends in password="},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf redacted = {0};
        redact_passwords(str_from(cases[i].text), &redacted);
        check_str(buf_get_text(&redacted), cases[i].redacted);
        buf_deinit(&redacted);
    }
}
