/*
 * base/file_watch.h - whether files are others than when they were looked at last.
 *
 * Nothing waits for them to change: who is about to use what he has read of them asks.
 */
#ifndef BASE_FILE_WATCH_H
#define BASE_FILE_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FILE_WATCH_MAX_FILES = 3, FILE_WATCH_PERIOD_MS = 1000 };

/* What tells one content of a file from another; all zero: the file is not there. */
struct file_stamp {
    uint64_t device, inode, size_bytes;
    int64_t written_s, written_ns, changed_s, changed_ns;
};

/* Embedded in what is made of the files. One thread at a time. */
struct file_watch {
    const char *paths[FILE_WATCH_MAX_FILES];
    struct file_stamp stamps[FILE_WATCH_MAX_FILES]; /* as they were at the last look */
    int64_t next_look_ms;
};

/*
 * Looks at the files for the first time, which comes before they are read: one that changes meanwhile is another one at the
 * next look. paths[0 .. npaths), 1 to FILE_WATCH_MAX_FILES, are borrowed for as long as the watch is used; NULL: no file.
 */
void file_watch_begin(struct file_watch *watch, const char *const *paths, size_t npaths);

/*
 * Looks at them, once in FILE_WATCH_PERIOD_MS at most, and returns whether one is another than at the look before: written
 * to, replaced, gone or come. Who is told so reads them again, whatever comes of that.
 */
bool file_watch_has_changed(struct file_watch *watch);

#endif
