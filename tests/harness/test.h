/*
 * tests/harness/test.h - a test is a sentence, a check is a claim.
 *
 *     test(page_token_rejects_trailing_bytes)
 *     {
 *         check_status(page_token_read(str_from("AAAA!"), &arena, &key), STATUS_INVALID_ARGUMENT);
 *     }
 *
 * A check that fails prints where, and both values; the test goes on and counts as failed. main
 * is in the library: it runs the tests in the order of the file, or those whose name contains
 * its first argument, and ends with the line "N passed, N failed". All of it belongs to one
 * thread: a test that starts threads checks what they did after they have ended.
 */
#ifndef TESTS_HARNESS_TEST_H
#define TESTS_HARNESS_TEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

struct test_case {
    const char *name;
    void (*run)(void);
    struct test_case *next;
};

struct test_place {
    const char *file;
    int line;
};

/* Adds a test; item is kept until the program ends. Runs before main, by the macro test. */
void test_register(struct test_case *item);

/* The functions behind the macros below. text and the like are what the test's author wrote. */
void test_check(struct test_place at, bool is_true, const char *text);
void test_check_int(struct test_place at, long long got, long long expected, const char *text);
void test_check_str(struct test_place at, const char *got, const char *expected, const char *text);
void test_check_status(struct test_place at, struct status got, enum status_code expected,
                       const char *expected_text, const char *text);

#define test(name) \
    static void name(void); \
    __attribute__((constructor)) static void register_##name(void) \
    { \
        static struct test_case item = {#name, name, NULL}; \
        test_register(&item); \
    } \
    static void name(void)

#define TEST_HERE ((struct test_place){__FILE__, __LINE__})

/* condition holds. */
#define check(condition) test_check(TEST_HERE, (condition), #condition)

/* Two whole numbers of up to 64 bits are equal. */
#define check_int(got, expected) \
    test_check_int(TEST_HERE, (long long)(got), (long long)(expected), #got)

/* Two C strings are equal; NULL equals NULL only. */
#define check_str(got, expected) test_check_str(TEST_HERE, (got), (expected), #got)

/* A struct status has this code, one of enum status_code. */
#define check_status(got, expected) test_check_status(TEST_HERE, (got), (expected), #expected, #got)

#endif
