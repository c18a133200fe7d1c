#include "connectors/plan.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "connectors/file/file_root.h"

void plan_deinit(struct plan *plan)
{
    for (size_t i = 0; i < plan->nfiles; i++)
        mem_free(plan->files[i].path);
    mem_free(plan->files);
    mem_free(plan->splits);
    *plan = (struct plan){0};
}

/* Whether an array that grows by doubling is full at n elements. */
static bool is_full(size_t n)
{
    return (n & (n - 1)) == 0;
}

void plan_add_file(struct plan *plan, const char *path, uint64_t size_bytes, int64_t modified_ns)
{
    size_t n = plan->nfiles;

    if (is_full(n))
        plan->files = mem_realloc_array(plan->files, n ? 2 * n : 1, sizeof(*plan->files));
    plan->files[n] = (struct plan_file){
        .path = mem_copy_str(str_from(path)),
        .size_bytes = size_bytes,
        .modified_ns = modified_ns,
    };
    plan->nfiles++;
}

void plan_add_split(struct plan *plan, const struct split *split)
{
    size_t n = plan->nsplits;

    if (is_full(n))
        plan->splits = mem_realloc_array(plan->splits, n ? 2 * n : 1, sizeof(*plan->splits));
    plan->splits[n] = *split;
    plan->nsplits++;
}

struct status plan_refuse_changed(const char *path)
{
    return status_error(STATUS_FAILED_PRECONDITION,
                        "file '%s' changed since the import was planned", path);
}

struct status plan_check_file(const struct plan_file *file, int fd)
{
    struct stat info;

    if (fstat(fd, &info) != 0)
        return status_from_errno(errno, "file '%s'", file->path);
    int64_t modified_ns = (int64_t)info.st_mtim.tv_sec * 1000000000 + info.st_mtim.tv_nsec;
    if ((uint64_t)info.st_size != file->size_bytes || modified_ns != file->modified_ns)
        return plan_refuse_changed(file->path);
    return status_ok();
}

struct status plan_open_file(const struct file_root *root, const struct plan_file *file,
                             int *ret_fd)
{
    int fd;
    struct status st = file_root_open_file(root, file->path, &fd);

    if (st.code != STATUS_OK)
        return st;
    st = plan_check_file(file, fd);
    if (st.code != STATUS_OK) {
        (void)close(fd);
        return st;
    }
    *ret_fd = fd;
    return st;
}
