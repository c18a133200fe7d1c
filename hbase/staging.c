#include "hbase/staging.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/number.h"

enum {
    FOLDER_MODE = 0770, /* who may have to do with the files: region servers may be of the group */
    /* Servers ask for the rights of the call's user, whom the system may not know. */
    FILE_MODE = 0666,
    NAME_BYTES = sizeof("sluice-") + ID_UUID_BYTES + sizeof("-9223372036854775807"),
};

struct hbase_staging {
    char *url;             /* of the folder that holds the job's */
    int parent;            /* that folder, open */
    int fd;                /* the job's, open */
    char job[NAME_BYTES];  /* how the names of all of the job's begin: "sluice-<uuid>-" */
    char name[NAME_BYTES]; /* of this lease's: and the token */
    int64_t lease_token;
    atomic_uint_fast64_t nloaded;
};

static bool is_self_or_parent(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* The entries of a folder in parent, or NULL. Its owner closes them. */
static DIR *open_entries(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;

    if (fd >= 0 && !entries)
        (void)close(fd);
    return entries;
}

/* Removes a folder that has files only. What cannot be removed stays: whoever wrote it may be at it still. */
static void remove_folder(int parent, const char *name)
{
    DIR *entries = open_entries(parent, name);

    for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
        if (!is_self_or_parent(entry->d_name))
            (void)unlinkat(dirfd(entries), entry->d_name, 0);
    }
    if (entries)
        (void)closedir(entries);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* Whether a name is that of the folder of this lease or an earlier one of the job. */
static bool is_own(const struct hbase_staging *staging, const char *name)
{
    size_t len = strlen(staging->job);
    int64_t token = 0;

    return strncmp(name, staging->job, len) == 0 &&
           number_read("token", str_from(name + len), 0, INT64_MAX, &token).code == STATUS_OK &&
           token <= staging->lease_token;
}

static void remove_own(struct hbase_staging *staging)
{
    DIR *entries = open_entries(staging->parent, ".");

    for (struct dirent *entry; entries && (entry = readdir(entries)) != NULL;) {
        if (is_own(staging, entry->d_name))
            remove_folder(staging->parent, entry->d_name);
    }
    if (entries)
        (void)closedir(entries);
}

/* Makes the job's folder, which belongs to the group that its parent gives it. */
static struct status make_folder(struct hbase_staging *staging)
{
    struct stat made;

    if (mkdirat(staging->parent, staging->name, FOLDER_MODE) != 0)
        return status_from_errno(errno, "a folder cannot be made in it");
    staging->fd =
        openat(staging->parent, staging->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (staging->fd < 0 || fstat(staging->fd, &made) != 0 ||
        fchmod(staging->fd, FOLDER_MODE | (made.st_mode & S_ISGID)) != 0)
        return status_from_errno(errno, "the folder '%s' in it cannot be used", staging->name);
    return status_ok();
}

static struct status open_parent(const char *folder, struct hbase_staging *staging)
{
    staging->parent = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return staging->parent >= 0 ? status_ok() : status_from_errno(errno, "it cannot be opened");
}

struct status hbase_staging_open(const char *folder, const char *job, int64_t lease_token,
                                 struct hbase_staging **ret)
{
    struct hbase_staging *staging = mem_alloc(sizeof(*staging));
    struct buf url = {0};
    char id[ID_UUID_BYTES];

    staging->parent = -1;
    staging->fd = -1;
    buf_printf(&url, "file://%s", folder);
    staging->url = buf_take(&url);
    id_make_named_uuid(str_from(job), id);
    (void)snprintf(staging->job, sizeof(staging->job), "sluice-%s-", id);
    (void)snprintf(staging->name, sizeof(staging->name), "sluice-%s-%" PRId64, id, lease_token);
    staging->lease_token = lease_token;
    struct status st = open_parent(folder, staging);
    if (st.code == STATUS_OK)
        remove_own(staging);
    if (st.code == STATUS_OK)
        st = make_folder(staging);
    if (st.code == STATUS_OK) {
        *ret = staging;
        return st;
    }
    st =
        status_error(st.code == STATUS_INTERNAL ? STATUS_FAILED_PRECONDITION : st.code,
                     "no files can be put into %s: %s; the worker must be able to write to it, and "
                     "the destination's region servers must have it under the same path",
                     staging->url, st.text);
    hbase_staging_close(staging);
    return st;
}

void hbase_staging_close(struct hbase_staging *staging)
{
    if (!staging)
        return;
    if (staging->fd >= 0) {
        (void)close(staging->fd);
        remove_own(staging);
    }
    if (staging->parent >= 0)
        (void)close(staging->parent);
    mem_free(staging->url);
    mem_free(staging);
}

const char *hbase_staging_get_url(const struct hbase_staging *staging)
{
    return staging->url;
}

struct status hbase_staging_create_file(struct hbase_staging *staging,
                                        struct hbase_staged_file *ret)
{
    struct hbase_staged_file file;

    id_make_hex(file.name);
    file.fd = openat(staging->fd, file.name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (file.fd < 0 || fchmod(file.fd, FILE_MODE) != 0) {
        struct status st =
            status_from_errno(errno, "no file can be made in %s/%s", staging->url, staging->name);
        if (file.fd >= 0)
            hbase_staging_remove_file(staging, &file);
        return st;
    }
    *ret = file;
    return status_ok();
}

void hbase_staging_write_url(const struct hbase_staging *staging,
                             const struct hbase_staged_file *file, struct buf *out)
{
    buf_printf(out, "%s/%s/%s", staging->url, staging->name, file->name);
}

struct status hbase_staging_close_file(struct hbase_staging *staging,
                                       struct hbase_staged_file *file)
{
    int fd = file->fd;

    file->fd = -1;
    if (close(fd) == 0)
        return status_ok();
    return status_from_errno(errno, "%s/%s/%s cannot be written", staging->url, staging->name,
                             file->name);
}

void hbase_staging_remove_file(struct hbase_staging *staging, struct hbase_staged_file *file)
{
    if (file->fd >= 0)
        (void)close(file->fd);
    (void)unlinkat(staging->fd, file->name, 0);
}

void hbase_staging_note_loaded(struct hbase_staging *staging, uint64_t nfiles)
{
    (void)atomic_fetch_add(&staging->nloaded, nfiles);
}

uint64_t hbase_staging_get_loaded(const struct hbase_staging *staging)
{
    return atomic_load(&staging->nloaded);
}
