/*
 * tests/unit/gateway/test_page.c - page sizes and page tokens.
 */
#include "gateway/page.h"

#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/mem.h"
#include "tests/harness/test.h"

test(page_size_is_coerced)
{
    static const struct {
        int32_t wanted;
        unsigned expected;
    } cases[] = {
        {0, 100}, {1, 1}, {999, 999}, {1000, 1000}, {1001, 1000}, {INT32_MAX, 1000},
    };
    struct violations violations = {0};

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        check_int(page_size_get(cases[i].wanted, &violations), cases[i].expected);
    check_int(violations.count, 0);
}

test(page_size_must_not_be_negative)
{
    struct violations violations = {0};

    (void)page_size_get(-1, &violations);
    check_int(violations.count, 1);
    check_str(violations.items[0].field, "page_size");
}

test(page_token_gives_back_its_keys)
{
    struct arena *arena = arena_create(1024 * 1024);
    struct str keys[] = {str_from("17"), str_from("a \"quoted\"\n\xc3\xa9 name"), str_from("")};
    struct str got[3];
    const char *token = page_token_write("tasks 1 2", keys, 3, arena);

    check(strspn(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") ==
          strlen(token));
    check_status(page_token_read(token, "tasks 1 2", arena, got, 3), STATUS_OK);
    for (size_t i = 0; i < 3; i++)
        check(str_is_equal(got[i], keys[i]));
    arena_destroy(arena);
}

test(page_token_is_bound_to_its_scope_and_number_of_keys)
{
    struct arena *arena = arena_create(1024 * 1024);
    struct str keys[] = {str_from("17"), str_from("x")};
    struct str got[3];
    const char *token = page_token_write("tasks 1 2", keys, 2, arena);

    check_status(page_token_read(token, "tasks 1 3", arena, got, 2), STATUS_INVALID_ARGUMENT);
    check_status(page_token_read(token, "tasks 1 2 ", arena, got, 2), STATUS_INVALID_ARGUMENT);
    check_status(page_token_read(token, "tasks 1 2", arena, got, 1), STATUS_INVALID_ARGUMENT);
    check_status(page_token_read(token, "tasks 1 2", arena, got, 3), STATUS_INVALID_ARGUMENT);
    arena_destroy(arena);
}

test(page_token_refuses_what_it_did_not_make)
{
    static const char *const texts[] = {
        "{}",        "[]",           "\"s\"",          "[\"s\",1]",
        "[1,\"x\"]", "[\"s\",null]", "[\"s\",\"x\"]]", "[\"s\",\"x\\u0000\"]",
        "",          "[\"s\""};
    struct arena *arena = arena_create(1024 * 1024);
    struct str got[1];

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct buf token = {0};

        base64_write(&token, BASE64_URL, str_from(texts[i]));
        check_status(page_token_read(buf_get_text(&token), "s", arena, got, 1),
                     STATUS_INVALID_ARGUMENT);
        buf_deinit(&token);
    }
    check_status(page_token_read("not base64!", "s", arena, got, 1), STATUS_INVALID_ARGUMENT);
    arena_destroy(arena);
}

test(page_token_has_a_limit)
{
    struct arena *arena = arena_create(1024 * 1024);
    struct str got[1];
    char *text = mem_alloc(PAGE_TOKEN_MAX_BYTES);

    /* Four letters stand for three bytes: ["s","aaa..."] just fits, and three bytes more do not. */
    size_t nbytes = PAGE_TOKEN_MAX_BYTES / 4 * 3 - strlen("[\"s\",\"\"]");
    memset(text, 'a', nbytes + 3);
    struct str key = str_from_bytes(text, nbytes);
    const char *token = page_token_write("s", &key, 1, arena);
    check_int(strlen(token), PAGE_TOKEN_MAX_BYTES);
    check_status(page_token_read(token, "s", arena, got, 1), STATUS_OK);

    key.len += 3;
    token = page_token_write("s", &key, 1, arena);
    check_status(page_token_read(token, "s", arena, got, 1), STATUS_INVALID_ARGUMENT);
    mem_free(text);
    arena_destroy(arena);
}
