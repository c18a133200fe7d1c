#include "http/refusal.h"

#include <string.h>
#include <sys/socket.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "http/head.h"
#include "http/server.h"

enum { LINGER_MS = 1000 };

struct refusal_filter {
    h2o_filter_t super;
    struct http_refusals *all;
};

struct refusal {
    h2o_ostream_t super;
    struct http_refusals *all;
    h2o_req_t *req;
    h2o_iovec_t body;
    bool is_sent;
    void *saved_data; /* the socket's, while it lingers */
    h2o_timeout_entry_t linger_timer;
};

/* Gives the connection back to h2o, which closes it and frees the refusal. */
static void end_linger(struct refusal *refusal)
{
    h2o_req_t *req = refusal->req;
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);

    h2o_timeout_unlink(&refusal->linger_timer);
    h2o_socket_read_stop(sock);
    sock->data = refusal->saved_data;
    h2o_ostream_send_next(&refusal->super, req, NULL, 0, H2O_SEND_STATE_FINAL);
}

static void on_linger_timeout(h2o_timeout_entry_t *entry)
{
    end_linger(container_of(entry, struct refusal, linger_timer));
}

static void on_linger_read(h2o_socket_t *sock, const char *error)
{
    h2o_buffer_consume(&sock->input, sock->input->size);
    if (error)
        end_linger(sock->data);
}

static void start_linger(struct refusal *refusal)
{
    h2o_req_t *req = refusal->req;
    h2o_socket_t *sock = req->conn->callbacks->get_socket(req->conn);

    (void)shutdown(h2o_socket_get_fd(sock), SHUT_WR);
    refusal->saved_data = sock->data; /* the callbacks of h2o do not run until end_linger */
    sock->data = refusal;
    refusal->linger_timer.cb = on_linger_timeout;
    h2o_timeout_link(refusal->all->loop, &refusal->all->linger_timeout, &refusal->linger_timer);
    h2o_socket_read_start(sock, on_linger_read);
}

/* Runs with the whole page of h2o, and again when what was sent in its place is written. */
static void send_refusal(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t nbufs,
                         h2o_send_state_t state)
{
    struct refusal *refusal = container_of(self, struct refusal, super);

    (void)bufs;
    (void)state;
    if (refusal->is_sent) {
        start_linger(refusal);
        return;
    }
    refusal->is_sent = true;
    if (nbufs == 0) /* the reply to a HEAD */
        h2o_ostream_send_next(self, req, NULL, 0, H2O_SEND_STATE_FINAL);
    else
        h2o_ostream_send_next(self, req, &refusal->body, 1, H2O_SEND_STATE_IN_PROGRESS);
}

static void on_setup_ostream(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
    struct http_refusals *all = container_of(self, struct refusal_filter, super)->all;

    if (!all->is_off) {
        struct buf body = {0};
        struct str path = str_from_bytes(req->path.base, req->path.len);
        struct refusal *refusal =
            container_of(h2o_add_ostream(req, sizeof(*refusal), slot), struct refusal, super);
        int status = all->handler->on_refusal(all->handler, req->res.status, path, &body);
        refusal->super.do_send = send_refusal;
        refusal->all = all;
        refusal->req = req;
        refusal->body = h2o_strdup(&req->pool, buf_get_text(&body), body.len);
        refusal->is_sent = false;
        memset(&refusal->linger_timer, 0, sizeof(refusal->linger_timer));
        http_head_set(req, status, NULL, NULL, body.len);
        buf_deinit(&body);
        slot = &refusal->super.next;
    }
    h2o_setup_next_ostream(req, slot);
}

void http_refusals_init(struct http_refusals *refusals, h2o_loop_t *loop,
                        struct http_handler *handler)
{
    refusals->loop = loop;
    refusals->handler = handler;
    h2o_timeout_init(loop, &refusals->linger_timeout, LINGER_MS);
}

void http_refusals_deinit(struct http_refusals *refusals)
{
    h2o_timeout_dispose(refusals->loop, &refusals->linger_timeout);
}

void http_refusals_register(struct http_refusals *refusals, h2o_pathconf_t *path)
{
    struct refusal_filter *filter =
        container_of(h2o_create_filter(path, sizeof(*filter)), struct refusal_filter, super);

    filter->super.on_setup_ostream = on_setup_ostream;
    filter->all = refusals;
}
