#include "rest-shim/caller.h"

#include "base/arena.h"
#include "base/cidr.h"
#include "base/clock.h"
#include "base/limiter.h"
#include "rest-shim/request_origin.h"
#include "rest-shim/routes.h"

const struct http_header caller_challenge = {"WWW-Authenticate", "Bearer realm=\"sluice\""};

/* Headers of gRPC have visible characters of ASCII and spaces (PROTOCOL-HTTP2.md, ASCII-Value). */
static bool is_sendable(struct str value)
{
    return value.len > 0 && value.len <= CALLER_MAX_AUTHORIZATION_BYTES && str_is_printable(value);
}

/* False: there is one that cannot go on, and who sent it does not get what this program's own token allows. */
static bool pass_on_token(struct http_request *request, struct request_origin *origin)
{
    struct str given = http_request_get_header(request, "authorization");

    if (!given.data)
        return true;
    if (!is_sendable(given))
        return false;
    const char *copy = arena_copy_str(http_request_get_arena(request), given);
    origin->headers[origin->nheaders++] = (struct rpc_header){"authorization", str_from(copy)};
    return true;
}

/* Returns when to try again, or 0. */
static unsigned enter_limiter(struct limiter *limiter, struct http_request *request,
                              struct request_origin *origin)
{
    struct cidr_address address;

    if (!limiter || !http_request_get_peer(request, &address))
        return 0;
    return limiter_enter(limiter, limiter_make_address_key(&address), clock_get_monotonic_ms(),
                         &origin->client);
}

int caller_enter(struct limiter *limiter, struct http_request *request, const struct route *route,
                 struct http_header *ret)
{
    struct request_origin *origin = http_request_get_note(request);
    bool is_probe = route && route->style == ROUTE_HEALTH;
    unsigned retry_ms = is_probe ? 0 : enter_limiter(limiter, request, origin);

    if (retry_ms > 0) {
        const char *retry_s =
            arena_printf(http_request_get_arena(request), "%u", (retry_ms + 999) / 1000);
        *ret = (struct http_header){"Retry-After", retry_s};
        return 429;
    }
    if (!pass_on_token(request, origin)) {
        *ret = caller_challenge;
        return 401;
    }
    return 0;
}

void caller_leave(struct limiter *limiter, struct http_request *request)
{
    const struct request_origin *origin = http_request_get_note(request);

    if (origin->client)
        limiter_leave(limiter, origin->client);
}
