/*
 * tests/unit/base/test_file_watch.c - files that are written to, replaced, gone and back.
 */
#include "base/file_watch.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "tests/harness/test.h"

static void write_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    if (!file)
        abort();
    (void)fputs(text, file);
    (void)fclose(file);
}

static bool changes_in_time(struct file_watch *watch)
{
    for (int i = 0; i < 3000; i++) {
        if (file_watch_has_changed(watch))
            return true;
        (void)poll(NULL, 0, 10);
    }
    return false;
}

/* Whether the next look, which is made at once, finds a change. */
static bool look_now(struct file_watch *watch)
{
    watch->next_look_ms = 0;
    return file_watch_has_changed(watch);
}

test(each_change_of_one_of_several_files_is_told_once)
{
    char folder[] = "/tmp/sluice-watch-XXXXXX";
    char paths[3][64];
    struct file_watch watch;

    check(mkdtemp(folder) != NULL);
    for (size_t i = 0; i < ARRAY_LEN(paths); i++)
        (void)snprintf(paths[i], sizeof(paths[i]), "%s/%zu", folder, i);
    write_text(paths[0], "a");
    file_watch_begin(&watch, (const char *const[]){paths[0], NULL, paths[1]}, 3);
    check(!look_now(&watch));

    write_text(paths[0], "ab");
    check(look_now(&watch));
    check(!look_now(&watch));
    write_text(paths[1], "it has come");
    check(look_now(&watch));
    write_text(paths[2], "ab");
    check_int(rename(paths[2], paths[0]), 0);
    check(look_now(&watch));
    check_int(unlink(paths[0]), 0);
    check(look_now(&watch));
    check(!look_now(&watch));
    write_text(paths[0], "ab");
    check(look_now(&watch));

    for (size_t i = 0; i < 2; i++)
        check_int(unlink(paths[i]), 0);
    check_int(rmdir(folder), 0);
}

test(files_are_looked_at_once_in_a_period)
{
    char path[] = "/tmp/sluice-watch-XXXXXX";
    const char *const paths[] = {path};
    int fd = mkstemp(path);
    struct file_watch watch;

    check(fd >= 0);
    int64_t begin_ms = clock_get_monotonic_ms();
    file_watch_begin(&watch, paths, 1);
    check(write(fd, "x", 1) == 1);
    check(changes_in_time(&watch));
    check(clock_get_monotonic_ms() - begin_ms >= FILE_WATCH_PERIOD_MS);
    (void)close(fd);
    check_int(unlink(path), 0);
}
