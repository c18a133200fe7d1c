/*
 * spec/http_url.h - the addresses of servers that speak HTTP: "http://host:port", and lists of them.
 */
#ifndef SPEC_HTTP_URL_H
#define SPEC_HTTP_URL_H

#include "spec/host_list.h"

struct http_url {
    bool is_tls; /* https */
    struct host_port server;
};

/*
 * Reads "http://host:port" or "https://host:port"; the port may be left out, a '/' may end it. INVALID_ARGUMENT: it is
 * something else; a user or password in it is refused, too. The text of the error quotes nothing.
 */
struct status http_url_read(struct str text, struct http_url *ret) MUST_CHECK;

/* Takes the first URL off *rest, a list separated by ','. *rest is {NULL, 0} after the last. Errors as above. */
struct status http_urls_take(struct str *rest, struct http_url *ret) MUST_CHECK;

#endif
