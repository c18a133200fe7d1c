/*
 * rest-shim/list_reply.c - see the header.
 *
 * Everything happens in turn, on two threads: a page comes on the loop of gRPC, which writes it into piece and gives
 * the turn to the HTTP server; that gives it back when there is room for the next one.
 */
#include "rest-shim/list_reply.h"

#include "base/arena.h"
#include "base/compiler.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "rest-shim/routes.h"
#include "rpc/client.h"
#include "sluice/v1/task_service.pb-c.h"

enum { PAGE_TASKS = 500 };

struct list_reply {
    struct list_reply_options options;
    struct rpc_client_call call;
    struct http_stream stream;
    struct http_gone gone;
    Pb__ListTasksRequest *request; /* of the next page; its token is of next_token */
    char *next_token;              /* NULL: there is no further page */
    struct buf piece;              /* of the page that came last */
    struct json_out out;           /* into piece */
    bool is_streaming;
    bool is_gone; /* known to the HTTP server's thread alone */
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

static void on_ready(struct http_stream *stream)
{
    struct list_reply *list = container_of(stream, struct list_reply, stream);

    if (list->piece.len > 0)
        http_stream_send(stream, &list->piece);
    else if (list->is_gone || !list->next_token)
        end(list);
    else
        submit(list);
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

static void fail(struct list_reply *list, struct status st)
{
    mem_free(list->next_token);
    if (list->is_streaming)
        http_stream_abort(&list->stream);
    else
        shim_op_fail(&list->options.op, st, rpc_client_call_get_details(&list->call));
}

/* A page without tasks that is not the last would be an empty piece: the next turn comes at once. */
static void on_page(struct rpc_client_call *call, struct status st, const ProtobufCMessage *reply)
{
    struct list_reply *list = container_of(call, struct list_reply, call);

    shim_op_log_end(&list->options.op, st);
    if (st.code != STATUS_OK) {
        fail(list, st);
        return;
    }
    if (!list->is_streaming)
        lts_begin_list(&list->out);
    write_page(list, (const Pb__ListTasksResponse *)reply);
    if (list->is_streaming) {
        http_stream_send(&list->stream, &list->piece);
        return;
    }
    list->is_streaming = true;
    http_request_stream(list->options.op.request, &(struct http_reply){0}, &list->stream);
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
        .on_done = on_page,
    };
    http_request_set_gone(op->request, &list->gone);
    submit(list);
}
