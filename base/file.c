/*
 * What is read may be a secret: it goes into the one place that the caller gets, and no other buffer has a copy.
 */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"

/* Reads up to size bytes; fewer: that is all there is. False: the system refuses, and errno says why. */
static bool read_whole(int fd, char *to, size_t size, size_t *ret_len)
{
    size_t len = 0;
    ssize_t n = 1;

    while (n > 0 && len < size) {
        n = read(fd, to + len, size - len);
        len += n > 0 ? (size_t)n : 0;
        if (n < 0 && errno == EINTR)
            n = 1;
    }
    *ret_len = len;
    return n >= 0;
}

static struct status check_text(const char *name, const char *path, size_t max_bytes,
                                const char *text, size_t len)
{
    if (len > max_bytes)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "%s: %.100s has more than %zu bytes, which is what is taken", name,
                            path, max_bytes);
    if (strlen(text) != len)
        return status_error(STATUS_INVALID_ARGUMENT, "%s: %.100s has a byte 0, so it is no text",
                            name, path);
    return status_ok();
}

struct status file_read_text(const char *name, const char *path, size_t max_bytes, char **ret)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return status_from_errno(errno, "%s: %.100s cannot be read", name, path);
    char *text = mem_alloc(max_bytes + 2); /* one more than is taken, and NUL */
    size_t len = 0;
    struct status st = read_whole(fd, text, max_bytes + 1, &len)
                           ? check_text(name, path, max_bytes, text, len)
                           : status_from_errno(errno, "%s: %.100s cannot be read", name, path);
    (void)close(fd);
    if (st.code == STATUS_OK) {
        *ret = text;
        return st;
    }
    mem_wipe(text, len);
    mem_free(text);
    return st;
}
