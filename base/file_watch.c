#include "base/file_watch.h"

#include <assert.h>
#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"

static struct file_stamp make_stamp(const char *path)
{
    struct stat at;

    if (!path || stat(path, &at) != 0)
        return (struct file_stamp){0};
    return (struct file_stamp){
        .device = at.st_dev,
        .inode = at.st_ino,
        .size_bytes = (uint64_t)at.st_size,
        .written_s = at.st_mtim.tv_sec,
        .written_ns = at.st_mtim.tv_nsec,
        .changed_s = at.st_ctim.tv_sec,
        .changed_ns = at.st_ctim.tv_nsec,
    };
}

/* Returns whether one of them is another than before. */
static bool look(struct file_watch *watch)
{
    struct file_stamp now[FILE_WATCH_MAX_FILES];

    for (size_t i = 0; i < FILE_WATCH_MAX_FILES; i++)
        now[i] = make_stamp(watch->paths[i]);
    bool is_same = memcmp(now, watch->stamps, sizeof(now)) == 0; /* they have no padding */
    memcpy(watch->stamps, now, sizeof(now));
    watch->next_look_ms = clock_get_monotonic_ms() + FILE_WATCH_PERIOD_MS;
    return !is_same;
}

void file_watch_begin(struct file_watch *watch, const char *const *paths, size_t npaths)
{
    assert(npaths >= 1 && npaths <= FILE_WATCH_MAX_FILES);
    *watch = (struct file_watch){0};
    for (size_t i = 0; i < npaths; i++)
        watch->paths[i] = paths[i];
    (void)look(watch);
}

bool file_watch_has_changed(struct file_watch *watch)
{
    return clock_get_monotonic_ms() >= watch->next_look_ms && look(watch);
}
