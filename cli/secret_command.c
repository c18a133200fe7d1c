/*
 * cli/secret_command.c - sluice secret ...: create makes a password that nobody has to think of, for containers that share a
 * folder, or a key; rotate is in a file of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/id.h"
#include "cli/command.h"
#include "cli/secret_rotate.h"

/* Whoever may look into the folder may read it, as it is with secrets that container engines hand out. */
enum { SECRET_MODE = 0444 };

static struct status write_file(const char *path, struct str text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, SECRET_MODE);

    if (fd < 0)
        return status_from_errno(errno, "%.100s cannot be made", path);
    bool is_written = write(fd, text.data, text.len) == (ssize_t)text.len &&
                      fchmod(fd, SECRET_MODE) == 0 && fsync(fd) == 0;
    struct status st =
        is_written ? status_ok() : status_from_errno(errno, "%.100s cannot be written", path);
    (void)close(fd);
    return st;
}

/*
 * The file gets its name when it is whole, and only if nobody else has made it meanwhile. 244 random bits, as two UUIDs
 * of version 4 have them.
 */
static struct status create(const struct cli_settings *settings, const char *const *operands,
                            int *ret_exit)
{
    const char *path = operands[0];
    char name[ID_HEX_BYTES], first[ID_HEX_BYTES], second[ID_HEX_BYTES];
    struct buf part = {0}, secret = {0};

    (void)settings;
    (void)ret_exit;
    if (access(path, F_OK) == 0) {
        (void)printf("%s is there, and left as it is\n", path);
        return status_ok();
    }
    id_make_hex(name);
    id_make_hex(first);
    id_make_hex(second);
    buf_printf(&part, "%s.%s", path, name);
    buf_printf(&secret, "%s%s\n", first, second);
    struct status st = write_file(buf_get_text(&part), buf_get(&secret));
    if (st.code == STATUS_OK) {
        if (link(buf_get_text(&part), path) == 0)
            (void)printf("%s is made\n", path);
        else if (errno == EEXIST)
            (void)printf("%s is there, and left as it is\n", path);
        else
            st = status_from_errno(errno, "%.100s cannot be made", path);
    }
    (void)unlink(buf_get_text(&part));
    buf_deinit(&part);
    buf_deinit(&secret);
    return st;
}

const struct command secret_commands[] = {
    {"secret", "create", "PATH", 1, "make a file with a random password or key, unless it is there",
     create},
    {"secret", "rotate", "", 0,
     "seal the secrets of all data sources under the first key of --secret-key-file",
     secret_rotate},
    {0},
};
