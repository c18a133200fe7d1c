/*
 * http/refusal.h - our body in the place of h2o's own error pages. For the HTTP server alone.
 *
 * A page of h2o's (body too large, broken chunks, ...) ends its connection. Closing it with unread bytes would reset
 * it, and the client might never see the reply; so what the client still sends is read for a moment.
 */
#ifndef HTTP_REFUSAL_H
#define HTTP_REFUSAL_H

#include <stdbool.h>

#include <h2o.h>

struct http_handler;

struct http_refusals {
    struct http_handler *handler;
    h2o_loop_t *loop;
    h2o_timeout_t linger_timeout;
    bool is_off; /* while a reply of ours is sent */
};

void http_refusals_init(struct http_refusals *refusals, h2o_loop_t *loop,
                        struct http_handler *handler);
void http_refusals_deinit(struct http_refusals *refusals);

/* Has what h2o refuses on that path answered by handler->on_refusal. refusals outlives the configuration. */
void http_refusals_register(struct http_refusals *refusals, h2o_pathconf_t *path);

#endif
