/*
 * connectors/file/file_root.h - a folder that a data source of type file opens up, and nothing outside it.
 *
 * Paths are relative to the root. "..", absolute paths and symbolic links that lead out are refused: by the kernel
 * (openat2(2) with RESOLVE_BENEATH) at each open, so that no exchange of a folder in between helps.
 */
#ifndef CONNECTORS_FILE_FILE_ROOT_H
#define CONNECTORS_FILE_FILE_ROOT_H

#include "base/status.h"
#include "connectors/reader.h"

enum {
    FILE_ROOT_MAX_FILES = 10000,
    FILE_ROOT_MAX_DEPTH = 32, /* of folders in the folder that is listed */
};

struct file_root;

/* path: an absolute path of a folder. NOT_FOUND, PERMISSION_DENIED; INVALID_ARGUMENT: it is no folder. */
struct status file_root_open(const char *path, struct file_root **ret) MUST_CHECK;

/* NULL is allowed. */
void file_root_close(struct file_root *root);

/*
 * Opens a regular file for reading; *ret_fd is owned by the caller. INVALID_ARGUMENT: the path leads outside, or to
 * something else than a file.
 */
struct status file_root_open_file(const struct file_root *root, const char *path, int *ret_fd)
    MUST_CHECK;

/*
 * Fills plan->files: the file itself, or the regular files of the folder and its folders, in byte order of their
 * paths. Names that begin with '_' or '.' are passed over, as Hadoop and Spark do, and so are links to folders and what
 * is neither file nor folder; a link to a file counts as a file. *plan is empty before. NOT_FOUND: no such file or folder;
 * INVALID_ARGUMENT: the path, or a link in the folder, leads outside; FAILED_PRECONDITION: no file in it, more than
 * FILE_ROOT_MAX_FILES, folders more than FILE_ROOT_MAX_DEPTH deep, or a name that is not UTF-8.
 */
struct status file_root_list(const struct file_root *root, const char *path, struct plan *plan)
    MUST_CHECK;

#endif
