/*
 * base/file.h - small files of settings, read whole.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stddef.h>

#include "base/status.h"

/*
 * The file's content as a NUL-terminated text, which the caller frees by mem_free; name is what errors call it.
 * INVALID_ARGUMENT: it has more than max_bytes, or a byte 0. Else as the system refused. Blocks.
 */
struct status file_read_text(const char *name, const char *path, size_t max_bytes, char **ret)
    MUST_CHECK;

#endif
