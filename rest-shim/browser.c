#include "rest-shim/browser.h"

#include "base/arena.h"
#include "base/cidr.h"

static bool is_prefetch(const struct http_request *request)
{
    static const char *const names[] = {"purpose", "sec-purpose", "x-moz"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct str purpose = http_request_get_header(request, names[i]);
        if (str_is_ignoring_case(str_trim(str_cut(&purpose, ';')), "prefetch"))
            return true;
    }
    return false;
}

/* Whether an Origin (RFC 6454, section 7: scheme "://" host [ ":" port ], or "null") has the host and port of the request. */
static bool is_of_host(struct str origin, struct http_request *request)
{
    size_t at = str_find(origin, "://");

    if (at == origin.len)
        return false;
    const char *host =
        arena_copy_str(http_request_get_arena(request), http_request_get_host(request));
    return str_is_ignoring_case(str_skip(origin, at + 3), host);
}

/*
 * Browsers say where the page is from in Sec-Fetch-Site (www.w3.org/TR/fetch-metadata), if the server is at localhost or
 * has TLS, and in Origin otherwise. The first is right behind a proxy that changes Host, too, so it has the last word.
 */
struct status browser_check(struct http_request *request)
{
    struct str site = http_request_get_header(request, "sec-fetch-site");
    struct str origin = http_request_get_header(request, "origin");

    if (is_prefetch(request))
        return status_error(STATUS_PERMISSION_DENIED, "a prefetch may not change anything");
    if (site.data) {
        if (str_is_ignoring_case(site, "same-origin") || str_is_ignoring_case(site, "none"))
            return status_ok();
        return status_error(STATUS_PERMISSION_DENIED,
                            "a link or page of another site may not change anything: the header "
                            "Sec-Fetch-Site is not same-origin or none");
    }
    if (origin.data && !is_of_host(origin, request))
        return status_error(STATUS_PERMISSION_DENIED,
                            "a page of another site may not change anything: the header Origin "
                            "does not have the host and port of Host");
    return status_ok();
}

bool browser_may_be_misled(const struct http_request *request)
{
    static const char local[] = ".localhost";
    struct str host = http_request_get_host(request);
    struct cidr_address address;

    if (str_has_prefix(host, "["))
        return false; /* an address of IPv6 */
    host = str_cut(&host, ':');
    if (str_find_byte(host, '.') == host.len || cidr_read_address(host, &address))
        return false;
    return host.len < sizeof(local) ||
           !str_is_ignoring_case(str_skip(host, host.len - (sizeof(local) - 1)), local);
}
