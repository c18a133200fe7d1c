#include "base/notify.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"

/* False: it is none that a socket can have. */
static bool make_address(const char *name, struct sockaddr_un *ret, socklen_t *ret_size)
{
    size_t len = strlen(name);

    if ((name[0] != '/' && name[0] != '@') || len < 2 || len >= sizeof(ret->sun_path))
        return false;
    *ret = (struct sockaddr_un){.sun_family = AF_UNIX};
    memcpy(ret->sun_path, name, len);
    if (name[0] == '@')
        ret->sun_path[0] = '\0'; /* an abstract name has this in front, and no NUL behind */
    *ret_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
    return true;
}

/* Never blocks: a manager that reads nothing is not waited for. */
static void tell(struct str message)
{
    const char *name = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address;
    socklen_t size = 0;

    if (!name || !make_address(name, &address, &size))
        return;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    (void)sendto(fd, message.data, message.len, MSG_DONTWAIT | MSG_NOSIGNAL,
                 (const struct sockaddr *)&address, size);
    (void)close(fd);
}

void notify_ready(void)
{
    tell(str_from("READY=1\n"));
}

void notify_reloading(void)
{
    struct buf message = {0};

    /* The time is for those that wait for a reload, systemd 253 and later. */
    buf_printf(&message, "RELOADING=1\nMONOTONIC_USEC=%" PRId64 "\n", clock_get_monotonic_us());
    tell(str_from(buf_get_text(&message)));
    buf_deinit(&message);
}

void notify_stopping(void)
{
    tell(str_from("STOPPING=1\nSTATUS=stopping\n"));
}

void notify_status(const char *status)
{
    struct buf message = {0};

    buf_printf(&message, "STATUS=%s\n", status);
    tell(str_from(buf_get_text(&message)));
    buf_deinit(&message);
}

void notify_alive(void)
{
    tell(str_from("WATCHDOG=1\n"));
}
