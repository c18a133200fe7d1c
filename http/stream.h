/*
 * http/stream.h - what requests under way ask of those that are answered by a stream. For the HTTP server alone.
 *
 * All functions belong to the server's thread.
 */
#ifndef HTTP_STREAM_H
#define HTTP_STREAM_H

#include <h2o.h>

struct http_request;

/* The client of a request that is answered by a stream is gone. */
void http_stream_on_gone(struct http_request *request);

/* For the idle timer of an exchange. */
void http_stream_on_idle_timeout(h2o_timeout_entry_t *entry);

#endif
