#include "rpc/own_sockets.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

static bool is_wanted(int fd, int port, bool listening)
{
    struct sockaddr_in6 local = {0}; /* the port of an IPv4 address is in the same place */
    socklen_t len = sizeof(local);
    int is_listening = 0;
    socklen_t size = sizeof(is_listening);

    return getsockname(fd, (struct sockaddr *)&local, &len) == 0 &&
           (local.sin6_family == AF_INET || local.sin6_family == AF_INET6) &&
           ntohs(local.sin6_port) == port &&
           getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &is_listening, &size) == 0 &&
           (is_listening != 0) == listening;
}

void own_sockets_find(int port, struct own_sockets *sockets)
{
    DIR *folder = opendir("/proc/self/fd");
    const struct dirent *entry;

    while (folder && (entry = readdir(folder)) != NULL) {
        int fd = (int)strtol(entry->d_name, NULL, 10);

        if (is_wanted(fd, port, sockets->listening))
            sockets->take(sockets, fd);
    }
    if (folder)
        (void)closedir(folder);
}
