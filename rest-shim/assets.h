/*
 * rest-shim/assets.h - what sluice-rest shows of itself: the OpenAPI document, and the files of the page at /docs.
 *
 * All of it is in memory from the start, and found by its whole path: no path of a request ever reaches a file system.
 */
#ifndef REST_SHIM_ASSETS_H
#define REST_SHIM_ASSETS_H

#include "base/str.h"
#include "http/server.h"

struct arena;
struct assets;

/*
 * Makes the document and reads the files of the page from a folder. When one is missing, or is larger than
 * ASSETS_MAX_BYTES, that is logged and there is no page. docs_dir NULL: share/sluice/docs beside the program, or
 * beside the folder that it is in.
 */
struct assets *assets_create(const char *docs_dir) MUST_CHECK;

enum { ASSETS_MAX_BYTES = 8 << 20 };

/* NULL is allowed. */
void assets_destroy(struct assets *assets);

/*
 * Makes the reply for a path; has, for the header If-None-Match, is what the client has. The reply's headers are in
 * arena. False: there is no such asset, or the page is not installed.
 */
bool assets_find(const struct assets *assets, struct str path, struct str has, struct arena *arena,
                 struct http_reply *ret);

#endif
