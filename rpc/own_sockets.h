/*
 * rpc/own_sockets.h - the connections of a server, which core does not give out: the sockets of this process by their port.
 */
#ifndef RPC_OWN_SOCKETS_H
#define RPC_OWN_SOCKETS_H

struct own_sockets {
    void (*take)(struct own_sockets *sockets, int fd);
};

/* Gives out those that were accepted at that TCP port. Core may close one of them meanwhile. */
void own_sockets_find(int port, struct own_sockets *sockets);

#endif
