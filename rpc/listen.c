#include "rpc/listen.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>

#include "base/str.h"
#include "rpc/server_tls.h"

static const char UNIX_PREFIX[] = "unix:";

/* Whether somebody accepts connections at the path. */
static bool is_socket_alive(const char *path)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return false;
    memcpy(name.sun_path, path, strlen(path));
    int failed = connect(fd, (const struct sockaddr *)&name, sizeof(name));
    bool is_alive = failed == 0 || errno == EAGAIN; /* EAGAIN: alive, and its queue is full */
    (void)close(fd);
    return is_alive;
}

/* Core replaces a socket file, also that of a living server, and cuts a long path. */
static struct status check_unix(const char *path)
{
    if (strlen(path) >= sizeof(((struct sockaddr_un *)NULL)->sun_path))
        return status_error(STATUS_UNAVAILABLE, "cannot listen on '%s': the path is too long",
                            path);
    if (is_socket_alive(path))
        return status_error(STATUS_UNAVAILABLE, "cannot listen on '%s': it is taken", path);
    return status_ok();
}

struct status rpc_listen(struct grpc_server *core, const char *address, struct rpc_server_tls *tls,
                         int *ret_port)
{
    bool is_unix = str_has_prefix(str_from(address), UNIX_PREFIX);

    if (is_unix) {
        struct status st = check_unix(address + strlen(UNIX_PREFIX));
        if (st.code != STATUS_OK)
            return st;
    }
    grpc_server_credentials *credentials =
        tls ? rpc_server_tls_make_credentials(tls) : grpc_insecure_server_credentials_create();
    int port = grpc_server_add_http2_port(core, address, credentials);
    grpc_server_credentials_release(credentials);
    if (port == 0)
        return status_error(STATUS_UNAVAILABLE,
                            "cannot listen on '%s': it is taken, or not an address of this machine",
                            address);
    *ret_port = is_unix ? 0 : port;
    return status_ok();
}
