/*
 * tests/unit/connectors/postgres_proxy.h - stands between a client and the test's server,
 * and breaks connections at the worst moment: while a COMMIT is on its way.
 */
#ifndef TESTS_UNIT_CONNECTORS_POSTGRES_PROXY_H
#define TESTS_UNIT_CONNECTORS_POSTGRES_PROXY_H

struct postgres_proxy;

enum postgres_fault {
    POSTGRES_FAULT_NONE,
    POSTGRES_FAULT_BEFORE_COMMIT, /* the server never sees it */
    POSTGRES_FAULT_AFTER_COMMIT,  /* the server has committed, the client does not learn it */
    POSTGRES_FAULT_IN_COMMIT,     /* the client is cut off while the server still works on it */
};

/* Starts a proxy to the server whose socket is in server_folder. */
struct postgres_proxy *postgres_proxy_open(const char *server_folder);

void postgres_proxy_close(struct postgres_proxy *proxy);

/* The folder of the proxy's own socket. */
const char *postgres_proxy_get_folder(const struct postgres_proxy *proxy);

/* The next COMMIT that a client sends meets fault. */
void postgres_proxy_arm(struct postgres_proxy *proxy, enum postgres_fault fault);

#endif
