#include "connectors/file/file_root.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "connectors/plan.h"

enum { MAX_ATTEMPTS = 8 }; /* at a path that is being renamed */

struct file_root {
    int fd;
};

struct status file_root_open(const char *path, struct file_root **ret)
{
    if (path[0] != '/')
        return status_error(STATUS_INVALID_ARGUMENT, "'%s' is not an absolute path", path);

    int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 && errno == ENOTDIR)
        return status_error(STATUS_INVALID_ARGUMENT, "'%s' is not a folder", path);
    if (fd < 0)
        return status_from_errno(errno, "cannot open folder '%s'", path);
    *ret = mem_alloc(sizeof(**ret));
    (*ret)->fd = fd;
    return status_ok();
}

void file_root_close(struct file_root *root)
{
    if (!root)
        return;
    (void)close(root->fd);
    mem_free(root);
}

/* openat2(2), which the C library has no function for. EAGAIN: a part of the path was being renamed. */
static int open_beneath(const struct file_root *root, const char *path, int flags)
{
    struct open_how how = {
        .flags = (unsigned)(flags | O_CLOEXEC | O_NOCTTY),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };

    for (int i = 0;; i++) {
        long fd = syscall(SYS_openat2, root->fd, path, &how, sizeof(how));
        if (fd >= 0 || (errno != EAGAIN && errno != EINTR) || i == MAX_ATTEMPTS)
            return (int)fd;
    }
}

static struct status explain_errno(int errno_value, const char *path)
{
    switch (errno_value) {
    case EXDEV:
        return status_error(STATUS_INVALID_ARGUMENT,
                            "path '%s' leads outside of the data source's folder", path);
    case ELOOP:
        return status_error(STATUS_INVALID_ARGUMENT, "path '%s' has symbolic links in a circle",
                            path);
    case ENAMETOOLONG:
        return status_error(STATUS_INVALID_ARGUMENT, "path '%.100s...' is too long", path);
    case ENOENT:
    case ENOTDIR:
        return status_error(STATUS_NOT_FOUND, "there is no file or folder '%s'", path);
    case ENXIO: /* a socket */
        return status_error(STATUS_INVALID_ARGUMENT, "'%s' is not a regular file", path);
    case ENOSYS:
        return status_error(STATUS_FAILED_PRECONDITION,
                            "files need openat2, which Linux has from version 5.6 on");
    default:
        return status_from_errno(errno_value, "cannot open '%s'", path);
    }
}

/*
 * Brings a path to the form that plans have: no empty parts, no ".". What is refused here the kernel would
 * refuse as well, or could not be told apart from the form without it.
 */
static struct status normalize(const char *path, struct buf *ret)
{
    struct str rest = str_from(path);

    if (path[0] == '/')
        return status_error(STATUS_INVALID_ARGUMENT,
                            "path '%s' is absolute, not relative to the data source's folder",
                            path);
    while (rest.len > 0) {
        struct str part = str_cut(&rest, '/');
        if (str_is(part, ".."))
            return status_error(STATUS_INVALID_ARGUMENT, "path '%s' has '..' in it", path);
        if (part.len == 0 || str_is(part, "."))
            continue;
        if (ret->len > 0)
            buf_append_char(ret, '/');
        buf_append_str(ret, part);
    }
    return status_ok();
}

/* Opens what is at path, which is normalized; "" is the root. */
static struct status open_any(const struct file_root *root, const char *path, int flags,
                              int *ret_fd, struct stat *ret_info)
{
    /* O_NONBLOCK: else a FIFO without a writer would keep us waiting. */
    int fd = open_beneath(root, path[0] ? path : ".", flags | O_RDONLY | O_NONBLOCK);

    if (fd < 0)
        return explain_errno(errno, path);
    if (fstat(fd, ret_info) != 0) {
        struct status st = status_from_errno(errno, "cannot read '%s'", path);
        (void)close(fd);
        return st;
    }
    *ret_fd = fd;
    return status_ok();
}

struct status file_root_open_file(const struct file_root *root, const char *path, int *ret_fd)
{
    struct buf normal = {0};
    struct stat info;
    int fd;
    struct status st = normalize(path, &normal);

    if (st.code == STATUS_OK)
        st = open_any(root, buf_get_text(&normal), 0, &fd, &info);
    buf_deinit(&normal);
    if (st.code != STATUS_OK)
        return st;
    if (!S_ISREG(info.st_mode)) {
        (void)close(fd);
        return status_error(STATUS_INVALID_ARGUMENT, "'%s' is not a regular file", path);
    }
    *ret_fd = fd;
    return st;
}

/* Listing: a walk that adds what it meets, in any order; the order is made at the end. */

struct walk {
    const struct file_root *root;
    struct plan *plan;
};

static struct status walk_folder(struct walk *walk, int fd, const char *path, unsigned depth);

static struct status add_file(struct walk *walk, const char *path, const struct stat *info)
{
    if (walk->plan->nfiles == FILE_ROOT_MAX_FILES)
        return status_error(STATUS_FAILED_PRECONDITION, "there are more than %d files to read",
                            FILE_ROOT_MAX_FILES);
    plan_add_file(walk->plan, path, (uint64_t)info->st_size,
                  (int64_t)info->st_mtim.tv_sec * 1000000000 + info->st_mtim.tv_nsec);
    return status_ok();
}

/*
 * A link to a file counts as that file. A link to a folder is passed over: what it leads to has a path of its own, and
 * might be a folder that we are in. One that leads out is an error, since nobody can tell what is missing then.
 */
static struct status walk_link(struct walk *walk, const char *path)
{
    struct stat info;
    int fd;
    struct status st = open_any(walk->root, path, 0, &fd, &info);

    if (st.code != STATUS_OK)
        return st;
    (void)close(fd);
    return S_ISREG(info.st_mode) ? add_file(walk, path, &info) : status_ok();
}

static struct status walk_subfolder(struct walk *walk, const char *path, unsigned depth)
{
    struct stat info;
    int fd;

    if (depth == FILE_ROOT_MAX_DEPTH)
        return status_error(STATUS_FAILED_PRECONDITION, "folder '%s' is more than %d levels deep",
                            path, FILE_ROOT_MAX_DEPTH);
    struct status st = open_any(walk->root, path, O_DIRECTORY | O_NOFOLLOW, &fd, &info);
    if (st.code != STATUS_OK)
        return st;
    return walk_folder(walk, fd, path, depth + 1);
}

static struct status walk_entry(struct walk *walk, int folder, const char *path,
                                const struct dirent *entry, unsigned depth)
{
    struct stat info;

    /* Paths go into messages and into the database, which take nothing else. */
    if (!utf8_is_valid(str_from(entry->d_name)))
        return status_error(STATUS_FAILED_PRECONDITION, "the name of file '%s' is not UTF-8", path);
    if (entry->d_type == DT_DIR)
        return walk_subfolder(walk, path, depth);
    if (entry->d_type == DT_LNK)
        return walk_link(walk, path);
    if (entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN)
        return status_ok();
    if (fstatat(folder, entry->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0)
        return errno == ENOENT ? status_ok() /* removed by now */ : explain_errno(errno, path);
    if (S_ISDIR(info.st_mode))
        return walk_subfolder(walk, path, depth);
    if (S_ISLNK(info.st_mode))
        return walk_link(walk, path);
    return S_ISREG(info.st_mode) ? add_file(walk, path, &info) : status_ok();
}

/* Takes ownership of fd. */
static struct status walk_folder(struct walk *walk, int fd, const char *path, unsigned depth)
{
    struct status st = status_ok();
    DIR *folder = fdopendir(fd);

    if (!folder) {
        st = status_from_errno(errno, "cannot read folder '%s'", path);
        (void)close(fd);
        return st;
    }
    while (st.code == STATUS_OK) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (!entry) {
            if (errno != 0)
                st = status_from_errno(errno, "cannot read folder '%s'", path);
            break;
        }
        if (entry->d_name[0] == '.' || entry->d_name[0] == '_')
            continue;
        struct buf child = {0};
        buf_printf(&child, "%s%s%s", path, path[0] ? "/" : "", entry->d_name);
        st = walk_entry(walk, fd, buf_get_text(&child), entry, depth);
        buf_deinit(&child);
    }
    (void)closedir(folder);
    return st;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(((const struct plan_file *)a)->path, ((const struct plan_file *)b)->path);
}

static struct status list_normal(const struct file_root *root, const char *path, struct plan *plan)
{
    struct walk walk = {.root = root, .plan = plan};
    struct stat info;
    int fd;
    struct status st = open_any(root, path, 0, &fd, &info);

    if (st.code != STATUS_OK)
        return st;
    if (S_ISDIR(info.st_mode)) {
        st = walk_folder(&walk, fd, path, 0);
        if (st.code == STATUS_OK && plan->nfiles == 0)
            st = status_error(STATUS_FAILED_PRECONDITION, "there is no file in folder '%s'", path);
        return st;
    }
    (void)close(fd);
    if (!S_ISREG(info.st_mode))
        return status_error(STATUS_INVALID_ARGUMENT, "'%s' is no regular file and no folder", path);
    return add_file(&walk, path, &info);
}

struct status file_root_list(const struct file_root *root, const char *path, struct plan *plan)
{
    struct buf normal = {0};
    struct plan found = {0};
    struct status st = normalize(path, &normal);

    if (st.code == STATUS_OK)
        st = list_normal(root, buf_get_text(&normal), &found);
    buf_deinit(&normal);
    if (st.code != STATUS_OK) {
        plan_deinit(&found);
        return st;
    }
    qsort(found.files, found.nfiles, sizeof(*found.files), compare_paths);
    *plan = found;
    return st;
}
