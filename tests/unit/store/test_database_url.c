/*
 * tests/unit/store/test_database_url.c - connection strings that would have libpq quote a password, and passwords in files.
 */
#include "store/database_url.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <libpq-fe.h>

#include "base/compiler.h"
#include "base/mem.h"
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

/* Makes a file with that content; the caller removes it. */
static const char *write_file(const char *content, size_t len)
{
    static char path[32];

    (void)snprintf(path, sizeof(path), "/tmp/sluice_test_XXXXXX");
    FILE *file = fdopen(mkstemp(path), "wb");
    check(file && fwrite(content, 1, len, file) == len);
    check(file && fclose(file) == 0);
    return path;
}

static const char *find_option(PQconninfoOption *options, const char *name)
{
    for (PQconninfoOption *option = options; option->keyword; option++) {
        if (strcmp(option->keyword, name) == 0)
            return option->val;
    }
    return NULL;
}

test(database_password_of_a_file_goes_into_the_url)
{
    static const struct {
        const char *url;
        const char *content;
        const char *password;
    } cases[] = {
        {"postgresql://u@h/d?sslmode=prefer", "s3cret", "s3cret"},
        {"postgresql://u@h/d?sslmode=prefer", "s3cret\n", "s3cret"},
        {"postgresql://u:other@h/d?sslmode=prefer", "s3cret\r\n", "s3cret"},
        {"host=h user=u dbname=d sslmode=prefer password=other", "s3cret", "s3cret"},
        {"postgresql://u@h/d?sslmode=prefer", "a b'c\\d@e/f%=", "a b'c\\d@e/f%="},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *path = write_file(cases[i].content, strlen(cases[i].content));
        char *url = NULL;
        check_status(database_url_make(cases[i].url, path, &url), STATUS_OK);
        PQconninfoOption *options = PQconninfoParse(url, NULL);
        check(options);
        check_str(find_option(options, "password"), cases[i].password);
        check_str(find_option(options, "user"), "u");
        check_str(find_option(options, "host"), "h");
        check_str(find_option(options, "dbname"), "d");
        check_str(find_option(options, "sslmode"), "prefer");
        PQconninfoFree(options);
        mem_free(url);
        (void)unlink(path);
    }
}

test(database_password_file_that_is_none_is_refused_and_not_quoted)
{
    char at_limit[DATABASE_URL_PASSWORD_MAX_BYTES + 1];
    static const struct {
        const char *content;
        size_t len;
        const char *says;
    } cases[] = {
        {"", 0, "begins with no password"},
        {"\ns3cret\n", 8, "begins with no password"},
        {"s3cret\nmore", 11, "more than one line"},
        {"s3\0cret", 7, "a byte 0"},
    };
    char *url = NULL;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *path = write_file(cases[i].content, cases[i].len);
        struct status st = database_url_make("postgresql://u@h/d", path, &url);
        check_status(st, STATUS_INVALID_ARGUMENT);
        check(strstr(st.text, cases[i].says) && strstr(st.text, path) && !strstr(st.text, "s3"));
        (void)unlink(path);
    }
    memset(at_limit, 'x', sizeof(at_limit));
    const char *path = write_file(at_limit, sizeof(at_limit) - 1);
    check_status(database_url_make("postgresql://u@h/d", path, &url), STATUS_OK);
    mem_free(url);
    (void)unlink(path);
    path = write_file(at_limit, sizeof(at_limit));
    check_status(database_url_make("postgresql://u@h/d", path, &url), STATUS_INVALID_ARGUMENT);
    (void)unlink(path);
    check_status(database_url_make("postgresql://u@h/d", "/nowhere/at/all", &url),
                 STATUS_NOT_FOUND);
    check_status(database_url_make("postgresql://u:s3@cret@h/d", path, &url),
                 STATUS_INVALID_ARGUMENT);
}
