/*
 * http/head.h - the status line and headers of replies, as h2o keeps them. For the HTTP server alone.
 */
#ifndef HTTP_HEAD_H
#define HTTP_HEAD_H

#include <stddef.h>

#include <h2o.h>

/*
 * Sets status and headers of a reply with a body, or without one (204, 304). Drops headers that were there.
 * content_type NULL is JSON; cache_control NULL is no-store; body_bytes SIZE_MAX is not known.
 */
void http_head_set(h2o_req_t *req, int status, const char *content_type, const char *cache_control,
                   size_t body_bytes);

/* Adds a header; both texts are copied. */
void http_head_add(h2o_req_t *req, const char *name, const char *value);

#endif
