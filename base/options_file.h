/*
 * base/options_file.h - settings in a file, one a line: NAME = VALUE.
 *
 * Blanks around both are left out, and lines that are empty or begin with '#'. A value goes to the end of its line as it
 * is: there are no quotes and no comments behind it.
 */
#ifndef BASE_OPTIONS_FILE_H
#define BASE_OPTIONS_FILE_H

#include "base/buf.h"
#include "base/status.h"

struct options_file_reader {
    /* NUL-terminated, borrowed from the buffer of options_file_read. Appends what is wrong with them, without the line. */
    void (*take)(struct options_file_reader *reader, const char *name, const char *value,
                 struct buf *errors);
};

/*
 * Reads a file of at most 64 KiB into *content, and gives all its settings to the reader. What is wrong with one is
 * appended to errors, a line each, with its place.
 */
void options_file_read(const char *path, struct buf *content, struct options_file_reader *reader,
                       struct buf *errors);

#endif
