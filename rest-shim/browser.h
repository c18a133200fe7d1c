/*
 * rest-shim/browser.h - what a browser sends though nobody meant it: prefetches, and what pages of other sites ask for.
 *
 * Such a page can send forms and follow links wherever the browser gets, also to where nothing is asked of callers. It
 * cannot read the answers. Scripts send none of these headers.
 */
#ifndef REST_SHIM_BROWSER_H
#define REST_SHIM_BROWSER_H

#include "base/status.h"
#include "http/server.h"

/* For a request that changes something. PERMISSION_DENIED: it is such a one. For on_request. */
struct status browser_check(struct http_request *request) MUST_CHECK;

/*
 * Whether a request is for a name that its owner may have pointed at this machine, to have the pages of that name read what
 * is served here (DNS rebinding). Addresses, names without a dot, and those that end in .localhost are nobody's.
 * For on_request.
 */
bool browser_may_be_misled(const struct http_request *request);

#endif
