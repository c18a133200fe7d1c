/*
 * rest-shim/list_reply.c - see the header.
 *
 * Two things go on at a time: the HTTP server sends a page, and the gateway is asked for the next one, which comes on the
 * loop of gRPC and is written into piece. When both are done, whoever was the last of the two sends that piece and asks
 * for the page behind it.
 */
#include "rest-shim/list_reply.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "base/json_out.h"
#include "base/meeting.h"
#include "base/mem.h"
#include "rest-shim/request_origin.h"
#include "rest-shim/routes.h"
#include "rpc/client.h"
#include "sluice/v1/task_service.pb-c.h"

enum { PAGE_TASKS = 500 };

struct list_reply {
    struct list_reply_options options;
    struct rpc_client_call call;
    struct http_stream stream;
    struct http_gone gone;
    struct meeting meeting;        /* of the turn to send, and of the page that was asked for */
    Pb__ListTasksRequest *request; /* of the next page; its token is of next_token */
    char *next_token;              /* NULL: there is no further page */
    struct status st;              /* how the call for the page that came last has ended */
    struct buf piece;              /* of that page */
    struct json_out out;           /* into piece */
    bool is_streaming;
    bool is_whole;  /* the last piece is sent */
    bool is_gone;   /* known to the HTTP server's thread alone */
    bool is_unread; /* is_gone, when the turn was given */
};

static void end(struct list_reply *list)
{
    mem_free(list->next_token);
    buf_deinit(&list->piece);
    http_stream_end(&list->stream);
}

static void submit(struct list_reply *list)
{
    if (list->next_token)
        list->request->page_token = list->next_token;
    rpc_client_call_submit(&list->call, &list->request->base);
}

/* The turn is ours, and no call is under way. */
static void go_on(struct list_reply *list)
{
    bool has_next = list->next_token;

    if (list->st.code != STATUS_OK) {
        mem_free(list->next_token);
        http_stream_abort(&list->stream);
        return;
    }
    if (list->is_unread || list->is_whole) {
        end(list);
        return;
    }
    list->is_whole = !has_next;
    http_stream_send(&list->stream, &list->piece); /* if that was the last, list may be gone */
    if (has_next)
        submit(list);
}

static void on_ready(struct http_stream *stream)
{
    struct list_reply *list = container_of(stream, struct list_reply, stream);

    list->is_unread = list->is_gone;
    if (list->is_whole || meeting_come(&list->meeting))
        go_on(list);
}

static void on_gone(struct http_gone *gone)
{
    struct list_reply *list = container_of(gone, struct list_reply, gone);

    list->is_gone = true;
    rpc_client_call_cancel(&list->call);
}

static void write_page(struct list_reply *list, const Pb__ListTasksResponse *page)
{
    for (size_t i = 0; i < page->n_tasks; i++)
        list->options.op.route->list->write_item(page->tasks[i], list->options.settings,
                                                 &list->out);
    mem_free(list->next_token);
    list->next_token =
        *page->next_page_token ? mem_copy_str(str_from(page->next_page_token)) : NULL;
    if (!list->next_token)
        lts_end_list(NULL, &list->out);
}

/* The first page decides how the request is answered. */
static void on_first_page(struct list_reply *list)
{
    if (list->st.code != STATUS_OK) {
        shim_op_fail(&list->options.op, list->st, rpc_client_call_get_details(&list->call));
        return;
    }
    list->is_streaming = true;
    (void)meeting_come(&list->meeting); /* the first turn comes later */
    http_request_stream(list->options.op.request, &(struct http_reply){0}, &list->stream);
}

/* A page without tasks that is not the last would be an empty piece: the next turn comes at once. */
static void on_page(struct rpc_client_call *call, struct status st, const ProtobufCMessage *reply)
{
    struct list_reply *list = container_of(call, struct list_reply, call);

    request_origin_note_end(list->options.op.request, st);
    list->st = st;
    if (st.code == STATUS_OK) {
        if (!list->is_streaming)
            lts_begin_list(&list->out);
        write_page(list, (const Pb__ListTasksResponse *)reply);
    }
    if (!list->is_streaming)
        on_first_page(list);
    else if (meeting_come(&list->meeting))
        go_on(list);
}

bool list_reply_is_asked_for(const ProtobufCMessage *request)
{
    const Pb__ListTasksRequest *list = (const Pb__ListTasksRequest *)request;

    return list->page_size == 0 && *list->page_token == '\0';
}

void list_reply_start(const struct list_reply_options *options, ProtobufCMessage *request)
{
    const struct shim_op *op = &options->op;
    struct list_reply *list = arena_alloc(http_request_get_arena(op->request), sizeof(*list));

    list->options = *options;
    list->request = (Pb__ListTasksRequest *)request;
    list->request->page_size = PAGE_TASKS;
    list->out = json_out_make(&list->piece);
    list->stream.on_ready = on_ready;
    list->gone.on_gone = on_gone;
    list->call = (struct rpc_client_call){
        .channel = options->channel,
        .method = op->route->method,
        .reply_type = route_get_method(op->route)->output,
        .timeout_ms = options->timeout_ms,
        .goes_alone = true,
        .headers = op->origin->headers,
        .nheaders = op->origin->nheaders,
        .on_done = on_page,
    };
    http_request_set_gone(op->request, &list->gone);
    submit(list);
}
