/*
 * rest-shim/caller.h - who sends a request: its own token goes on to the gateway, and how much its address may ask for is
 * limited. That is the address of the connection, whatever X-Forwarded-For and its like say.
 */
#ifndef REST_SHIM_CALLER_H
#define REST_SHIM_CALLER_H

#include "http/server.h"

struct limiter;
struct route;

enum { CALLER_MAX_AUTHORIZATION_BYTES = 1024 };

/*
 * A request whose origin has been noted begins. 0: it may go on. Otherwise the status to refuse it with, and the header that
 * goes with that. route and limiter may be NULL. For on_request.
 */
int caller_enter(struct limiter *limiter, struct http_request *request, const struct route *route,
                 struct http_header *ret);

/* It has ended. For on_replied. */
void caller_leave(struct limiter *limiter, struct http_request *request);

/* What a reply of 401 brings (RFC 9110, section 15.5.2). */
extern const struct http_header caller_challenge;

#endif
