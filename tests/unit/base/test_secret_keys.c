/*
 * tests/unit/base/test_secret_keys.c - files of keys, and texts that are sealed under them.
 */
#include "base/secret_keys.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_B "ffeeddccbbaa99887766554433221100ffeeddccbbaa99887766554433221100"

/* Reads a file with that text. */
static struct status read_text(const char *text, struct secret_keys **ret)
{
    char path[] = "/tmp/sluice-keys.XXXXXX";
    int fd = mkstemp(path);

    check(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    (void)close(fd);
    struct status st = secret_keys_read_file(path, ret);
    (void)unlink(path);
    return st;
}

static struct secret_keys *make(const char *text)
{
    struct secret_keys *keys = NULL;

    check_status(read_text(text, &keys), STATUS_OK);
    return keys;
}

/* What a text that is sealed under the first key of `text` opens to, with the keys of `others`; NULL: it does not. */
static struct status seal_and_open(const char *text, const char *others, struct buf *ret)
{
    struct secret_keys *keys = make(text), *other_keys = make(others);
    struct buf sealed = {0};

    check_status(secret_seal(keys, str_from("here"), str_from("s3cret"), &sealed), STATUS_OK);
    check(str_find(buf_get(&sealed), "s3cret") == sealed.len);
    struct status st = secret_open(other_keys, str_from("here"), buf_get(&sealed), ret);
    buf_deinit(&sealed);
    secret_keys_unref(keys);
    secret_keys_unref(other_keys);
    return st;
}

test(the_first_key_seals_and_all_of_them_open)
{
    struct buf opened = {0};

    check_status(
        seal_and_open(KEY_A "\n", "# the old one is second\n\n" KEY_B "\r\n" KEY_A, &opened),
        STATUS_OK);
    check_str(buf_get_text(&opened), "s3cret");
    buf_clear(&opened);
    struct status st = seal_and_open(KEY_A "\n" KEY_B, KEY_B, &opened);
    check_status(st, STATUS_FAILED_PRECONDITION);
    check_str(st.text, "is sealed under key 65930dda, which is not among the keys here");
    check_int((int64_t)opened.len, 0);
    buf_deinit(&opened);
}

test(a_key_has_the_same_id_in_every_file)
{
    struct secret_keys *first = make(KEY_A), *second = make("\n# x\n" KEY_A "\n" KEY_B);
    struct secret_keys *upper = make("00112233445566778899AABBCCDDEEFF"
                                     "00112233445566778899AABBCCDDEEFF");

    check_str(secret_keys_get_id(first, 0), secret_keys_get_id(second, 0));
    check_str(secret_keys_get_id(first, 0), secret_keys_get_id(upper, 0));
    secret_keys_unref(first);
    secret_keys_unref(second);
    secret_keys_unref(upper);
}

test(files_that_are_wrong_are_refused_and_not_quoted)
{
    static const struct {
        const char *text, *error;
    } cases[] = {
        {"", "has no key; sluice secret create makes a file with one"},
        {"# none\n\n", "has no key; sluice secret create makes a file with one"},
        {"hunter2\n", "line 1 is no key of 64 hex digits; sluice secret create makes one"},
        {KEY_A "\n" KEY_B "0", "line 2 is no key of 64 hex digits; sluice secret create makes one"},
        {KEY_A KEY_B, "line 1 is no key of 64 hex digits; sluice secret create makes one"},
        {"g0112233445566778899aabbccddeeff00112233445566778899aabbccddeeff",
         "line 1 is no key of 64 hex digits; sluice secret create makes one"},
        {KEY_A "\n" KEY_B "\n" KEY_A, "line 3 has a key that is there already"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct secret_keys *keys = NULL;
        struct status st = read_text(cases[i].text, &keys);
        check_status(st, STATUS_INVALID_ARGUMENT);
        check(str_find(str_from(st.text), cases[i].error) < strlen(st.text));
        check(str_find(str_from(st.text), "aabbcc") == strlen(st.text));
        check(!keys);
    }
}

test(a_file_has_as_many_keys_as_the_limit_says)
{
    struct buf text = {0};
    struct secret_keys *keys = NULL;

    for (int i = 0; i < SECRET_MAX_KEYS; i++)
        buf_printf(&text, "%064x\n", i);
    check_status(read_text(buf_get_text(&text), &keys), STATUS_OK);
    secret_keys_unref(keys);
    buf_printf(&text, "%064x\n", SECRET_MAX_KEYS);
    check_status(read_text(buf_get_text(&text), &keys), STATUS_INVALID_ARGUMENT);
    buf_clear(&text);
    while (text.len <= SECRET_KEYS_MAX_FILE_BYTES)
        buf_append_text(&text, "#\n");
    check_status(read_text(buf_get_text(&text), &keys), STATUS_INVALID_ARGUMENT);
    buf_deinit(&text);
}

test(a_sealed_text_opens_only_as_it_was_and_where_it_belongs)
{
    struct secret_keys *keys = make(KEY_A);
    struct buf sealed = {0}, opened = {0};

    check_status(secret_seal(keys, str_from("here"), str_from("s3cret"), &sealed), STATUS_OK);
    check(secret_is_sealed(buf_get(&sealed)));
    check_status(secret_open(keys, str_from("there"), buf_get(&sealed), &opened), STATUS_DATA_LOSS);
    check_status(secret_open(NULL, str_from("here"), buf_get(&sealed), &opened),
                 STATUS_FAILED_PRECONDITION);
    for (size_t i = 0; i < sealed.len; i++) {
        char was = sealed.data[i];
        for (int c = 1; c < 256; c++) {
            sealed.data[i] = (char)c;
            if (sealed.data[i] != was)
                check(secret_open(keys, str_from("here"), buf_get(&sealed), &opened).code !=
                      STATUS_OK);
        }
        sealed.data[i] = was;
        check(secret_open(keys, str_from("here"), (struct str){.data = sealed.data, .len = i},
                          &opened)
                  .code != STATUS_OK);
    }
    check_int((int64_t)opened.len, 0);
    check_status(secret_open(keys, str_from("here"), buf_get(&sealed), &opened), STATUS_OK);
    check_str(buf_get_text(&opened), "s3cret");
    buf_deinit(&sealed);
    buf_deinit(&opened);
    secret_keys_unref(keys);
}

/* An observer of the database does not learn that two secrets are the same. */
test(the_same_text_is_sealed_differently_each_time)
{
    struct secret_keys *keys = make(KEY_A);
    struct buf first = {0}, second = {0};

    check_status(secret_seal(keys, str_from("here"), str_from("s3cret"), &first), STATUS_OK);
    check_status(secret_seal(keys, str_from("here"), str_from("s3cret"), &second), STATUS_OK);
    check(!str_is_equal(buf_get(&first), buf_get(&second)));
    buf_deinit(&first);
    buf_deinit(&second);
    secret_keys_unref(keys);
}
