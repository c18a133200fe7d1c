/*
 * tests/unit/worker/test_sync_mark.c - the checkpoint of a sync.
 */
#include "worker/sync_mark.h"

#include <stdio.h>
#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

static const char digest[] = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

test(sync_mark_is_read_as_it_was_written)
{
    struct sync_mark mark = {.is_set = true, .sync_ms = INT64_MAX, .checkpoint_ms = 7};
    struct sync_mark read = {0};
    char text[SYNC_MARK_BYTES];

    memcpy(mark.tables_digest, digest, sizeof(digest));
    sync_mark_write(&mark, text);
    check_status(sync_mark_read(str_from(text), &read), STATUS_OK);
    check(read.is_set);
    check_str(read.tables_digest, digest);
    check(read.sync_ms == INT64_MAX && read.checkpoint_ms == 7);
}

test(sync_mark_of_nothing_is_not_set)
{
    struct sync_mark mark = {.is_set = true};

    check_status(sync_mark_read((struct str){0}, &mark), STATUS_OK);
    check(!mark.is_set);
}

test(sync_mark_of_another_format_is_refused)
{
    static const char *const tails[] = {"", " 1", " 1 x", " -1 1", " 1 2 3"};
    struct sync_mark mark = {.is_set = false};
    char text[SYNC_MARK_BYTES];

    check_status(sync_mark_read(str_from("x"), &mark), STATUS_INVALID_ARGUMENT);
    check_status(sync_mark_read(str_from("sync1 short 1 2"), &mark), STATUS_INVALID_ARGUMENT);
    for (size_t i = 0; i < ARRAY_LEN(tails); i++) {
        (void)snprintf(text, sizeof(text), "sync1 %s%s", digest, tails[i]);
        check_status(sync_mark_read(str_from(text), &mark), STATUS_INVALID_ARGUMENT);
    }
    check(!mark.is_set);
}
