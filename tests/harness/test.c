#include "tests/harness/test.h"

#include <stdio.h>
#include <string.h>

static struct test_case *first;
static struct test_case **last = &first;
static unsigned nfailed_checks; /* of the test that runs */

void test_register(struct test_case *item)
{
    *last = item;
    last = &item->next;
}

static void fail(struct test_place at, const char *text)
{
    nfailed_checks++;
    printf("%s:%d: %s", at.file, at.line, text);
}

/* Prints a string so that it stays on one line. */
static void print_quoted(const char *text)
{
    if (!text) {
        printf("NULL");
        return;
    }
    putchar('"');
    for (; *text; text++) {
        unsigned char c = (unsigned char)*text;

        if (c < ' ' || c == 0x7f)
            printf("\\x%02x", c);
        else
            putchar(c);
    }
    putchar('"');
}

void test_check(struct test_place at, bool is_true, const char *text)
{
    if (is_true)
        return;
    fail(at, text);
    printf(" is false\n");
}

void test_check_int(struct test_place at, long long got, long long expected, const char *text)
{
    if (got == expected)
        return;
    fail(at, text);
    printf(" is %lld, expected %lld\n", got, expected);
}

void test_check_str(struct test_place at, const char *got, const char *expected, const char *text)
{
    if (got == expected || (got && expected && strcmp(got, expected) == 0))
        return;
    fail(at, text);
    printf(" is ");
    print_quoted(got);
    printf(",\n    expected ");
    print_quoted(expected);
    printf("\n");
}

void test_check_status(struct test_place at, struct status got, enum status_code expected,
                       const char *expected_text, const char *text)
{
    if (got.code == expected)
        return;
    fail(at, text);
    printf(" is code %d, ", (int)got.code);
    print_quoted(got.text);
    printf(", expected %s\n", expected_text);
}

int main(int argc, char **argv)
{
    const char *filter = argc > 1 ? argv[1] : "";
    unsigned npassed = 0;
    unsigned nfailed = 0;

    setvbuf(stdout, NULL, _IOLBF, 0); /* a crash must not swallow what was printed before it */
    for (struct test_case *item = first; item; item = item->next) {
        if (!strstr(item->name, filter))
            continue;
        nfailed_checks = 0;
        item->run();
        printf("%s %s\n", nfailed_checks ? "FAIL" : "ok  ", item->name);
        if (nfailed_checks)
            nfailed++;
        else
            npassed++;
    }
    printf("%u passed, %u failed\n", npassed, nfailed);
    return nfailed || npassed == 0;
}
