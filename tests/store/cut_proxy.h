/*
 * tests/store/cut_proxy.h - a wire to PostgreSQL that breaks where the test says.
 *
 * It listens on a socket of its own and passes bytes on in both directions. The first connections are cut once a number
 * of bytes has passed in one direction; those that come later live on.
 */
#ifndef TESTS_STORE_CUT_PROXY_H
#define TESTS_STORE_CUT_PROXY_H

#include <stddef.h>

enum cut_direction {
    CUT_TO_SERVER,
    CUT_TO_CLIENT,
};

struct cut_proxy;

/* Passes on to the server whose socket is in folder target. Ends the program if it cannot. */
struct cut_proxy *cut_proxy_open(const char *target);

/* The folder of its own socket, for "host=". */
const char *cut_proxy_get_folder(const struct cut_proxy *proxy);

/* From now on the next nconnections connections are cut after nbytes. */
void cut_proxy_arm(struct cut_proxy *proxy, enum cut_direction direction, size_t nbytes,
                   unsigned nconnections);

/* All connections must have been closed by the client. */
void cut_proxy_close(struct cut_proxy *proxy);

#endif
