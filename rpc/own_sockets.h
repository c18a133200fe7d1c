/*
 * rpc/own_sockets.h - the connections of a server, which core does not give out: the sockets of this process by their port.
 */
#ifndef RPC_OWN_SOCKETS_H
#define RPC_OWN_SOCKETS_H

#include <stdbool.h>

struct own_sockets {
    void (*take)(struct own_sockets *sockets, int fd);
    bool listening; /* those that listen, else those that were accepted */
};

/* Gives out those of that TCP port. Core may close one of them meanwhile. */
void own_sockets_find(int port, struct own_sockets *sockets);

#endif
