/*
 * rpc/carrier_server.c - see the header.
 *
 * What can be done next is done by whoever has changed something: a message is asked for while there is room, what has been
 * answered since the last message was sent goes in one, and the stream ends when no more calls come and all are answered.
 */
#include "rpc/carrier_server.h"

#include <pthread.h>
#include <stdlib.h>

#include <grpc/support/alloc.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/compiler.h"
#include "base/mem.h"
#include "rpc/batch.h"
#include "rpc/carrier.pb-c.h"
#include "rpc/server.h"
#include "rpc/serving.h"

enum {
    MAX_CALLS = 1024, /* of a message; and with as many under way no further message is read */
    MAX_CANCELLED = 64 << 10,      /* ids in a message */
    MAX_WAITING_BYTES = 512 << 10, /* of answers; the same */
    FULL_BYTES = 256 << 10,        /* a message with as much takes no further answers */
};

/* A message that is filled with answers. */
struct answers {
    struct list link;
    struct buf bytes; /* an encoded CarryResponse */
};

struct rpc_carrier {
    struct rpc_call *call; /* the stream's, whose arena this is in */
    struct rpc_receive receive;
    struct rpc_send send;
    struct rpc_cancel cancel;

    pthread_mutex_t lock;  /* for the rest; never destroyed, as a late callback may still look */
    struct list running;   /* calls */
    struct list cancelled; /* calls that run, too, and were told */
    size_t nrunning;
    struct list answers;   /* messages to send; the last one is filled further */
    size_t nwaiting_bytes; /* in them */
    bool is_receiving;
    bool is_sending;
    bool is_closed; /* no further calls come */
    bool is_gone;   /* nobody reads what is sent */
    bool is_stopping;
    bool is_over;
    struct status st; /* that the stream ends with */
};

/* The lock is held. The first reason counts. */
static void set_end(struct rpc_carrier *carrier, struct status st)
{
    if (!carrier->is_over && carrier->st.code == STATUS_OK)
        carrier->st = st;
}

static void free_answers(struct answers *answers)
{
    if (!answers)
        return;
    buf_deinit(&answers->bytes);
    mem_free(answers);
}

/* The message that is sent next; NULL: there is none. */
static struct answers *take_answers(struct rpc_carrier *carrier)
{
    struct list *link = list_take_first(&carrier->answers);

    if (!link)
        return NULL;
    struct answers *answers = container_of(link, struct answers, link);
    carrier->nwaiting_bytes -= answers->bytes.len;
    atomic_fetch_sub(&carrier->call->server->unread_bytes, answers->bytes.len);
    return answers;
}

static void free_all(struct rpc_carrier *carrier)
{
    struct answers *answers;

    while ((answers = take_answers(carrier)))
        free_answers(answers);
}

/* What the lock was taken for is done; what is next is done without it. Releases the lock. */
static void go_on(struct rpc_carrier *carrier)
{
    bool has_room =
        carrier->nrunning < MAX_CALLS && carrier->nwaiting_bytes < (size_t)MAX_WAITING_BYTES;
    bool receives = !carrier->is_closed && !carrier->is_receiving && !carrier->is_over && has_room;
    bool sends = !carrier->is_gone && !carrier->is_sending && !list_is_empty(&carrier->answers);
    bool ends = (carrier->is_closed || carrier->is_stopping) && !carrier->is_over &&
                carrier->nrunning == 0 && !carrier->is_sending && !sends;
    struct answers *answers = sends ? take_answers(carrier) : NULL;

    carrier->is_receiving |= receives;
    carrier->is_sending |= sends;
    carrier->is_over |= ends;
    if (ends) /* of a client that is gone */
        free_all(carrier);
    rpc_call_hold(carrier->call);
    pthread_mutex_unlock(&carrier->lock);
    if (sends)
        rpc_call_send_bytes(carrier->call, buf_get(&answers->bytes), &carrier->send);
    if (receives && !ends)
        rpc_call_receive(carrier->call, &carrier->receive);
    if (ends)
        rpc_call_end(carrier->call, carrier->st, NULL);
    free_answers(answers);
    rpc_call_release(carrier->call);
}

/* Answers. */

/* The message that an answer of that size goes into. The lock is held. */
static struct buf *find_room(struct rpc_carrier *carrier, size_t size_bytes)
{
    struct answers *last = container_of(carrier->answers.prev, struct answers, link);

    if (list_is_empty(&carrier->answers) || last->bytes.len + size_bytes > FULL_BYTES) {
        last = mem_alloc(sizeof(*last));
        list_add_last(&carrier->answers, &last->link);
    }
    carrier->nwaiting_bytes += size_bytes;
    atomic_fetch_add(&carrier->call->server->unread_bytes, size_bytes);
    return &last->bytes;
}

/* Messages that stand one behind the other are one, whose lists are joined (protobuf.dev, "Encoding"). The lock is held. */
static void write_answer(struct rpc_carrier *carrier, Carrier__Reply *reply)
{
    Carrier__CarryResponse response = CARRIER__CARRY_RESPONSE__INIT;

    response.replies = &reply;
    response.n_replies = 1;
    size_t size_bytes = protobuf_c_message_get_packed_size(&response.base);
    struct buf *out = find_room(carrier, size_bytes);
    (void)protobuf_c_message_pack(&response.base, buf_reserve(out, size_bytes));
    out->len += size_bytes;
}

/*
 * Answers to calls that were let in before the stream was full, as many as a client has made at a time and as large as they
 * are, may be more than there is room for. Who reads its answers has few waiting, and is not touched by those who do not. The
 * lock is held.
 */
static bool has_room_for(const struct rpc_carrier *carrier, size_t size_bytes)
{
    const struct rpc_server *server = carrier->call->server;

    return carrier->nwaiting_bytes < (size_t)MAX_WAITING_BYTES ||
           atomic_load(&server->unread_bytes) + size_bytes <= server->max_unread_bytes;
}

/* What is answered instead. The lock is held. */
static void refuse(struct rpc_carrier *carrier, uint64_t id)
{
    char text[] = "answers that nobody reads take all the room there is for them";
    Carrier__Reply reply = CARRIER__REPLY__INIT;

    reply.id = id;
    reply.code = STATUS_RESOURCE_EXHAUSTED;
    reply.text = text;
    write_answer(carrier, &reply);
}

/* Packs the message of a call that has ended well, unless it is too large. */
static struct status pack(struct rpc_call *call, const ProtobufCMessage *message,
                          ProtobufCBinaryData *ret)
{
    size_t size_bytes = protobuf_c_message_get_packed_size(message);

    if (call->max_reply_bytes != 0 && size_bytes > call->max_reply_bytes)
        return status_error(STATUS_RESOURCE_EXHAUSTED,
                            "the reply has %zu bytes, more than the %zu that the caller takes",
                            size_bytes, call->max_reply_bytes);
    ret->data = arena_alloc(call->arena, size_bytes);
    ret->len = protobuf_c_message_pack(message, ret->data);
    return status_ok();
}

void rpc_carrier_answer(struct rpc_call *call, struct status st, struct str details,
                        const ProtobufCMessage *message)
{
    struct rpc_carrier *carrier = call->carrier;
    Carrier__Reply reply = CARRIER__REPLY__INIT;

    if (st.code == STATUS_OK)
        st = pack(call, message, &reply.response);
    reply.id = call->carried_id;
    reply.code = st.code;
    reply.text = st.text;
    reply.details = (ProtobufCBinaryData){details.len, (uint8_t *)(uintptr_t)details.data};
    reply.is_lasting = call->details.is_lasting;
    pthread_mutex_lock(&carrier->lock);
    list_remove(&call->carried);
    carrier->nrunning--;
    if (carrier->is_gone || carrier->is_over)
        ; /* nobody reads it */
    else if (has_room_for(carrier, reply.response.len))
        write_answer(carrier, &reply);
    else
        refuse(carrier, reply.id);
    go_on(carrier);
}

static void on_sent(struct rpc_send *send, bool ok)
{
    struct rpc_carrier *carrier = container_of(send, struct rpc_carrier, send);

    pthread_mutex_lock(&carrier->lock);
    carrier->is_sending = false;
    carrier->is_gone |= !ok;
    go_on(carrier);
}

/* Cancellation. */

/* Takes the first call that runs and was not told, for the caller to let go of; NULL: there is none. */
static struct rpc_call *hold_first(struct rpc_carrier *carrier)
{
    struct list *link = list_take_first(&carrier->running);

    if (!link)
        return NULL;
    struct rpc_call *call = container_of(link, struct rpc_call, carried);
    list_add_last(&carrier->cancelled, link);
    rpc_call_hold(call);
    return call;
}

/* Nobody waits for any of the answers. */
static void cancel_all(struct rpc_carrier *carrier)
{
    struct rpc_call *call;

    do {
        pthread_mutex_lock(&carrier->lock);
        carrier->is_closed = true;
        carrier->is_gone = true;
        call = hold_first(carrier);
        pthread_mutex_unlock(&carrier->lock);
        if (call) {
            rpc_call_cancel(call);
            rpc_call_release(call);
        }
    } while (call);
}

static int compare_ids(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

/* Moves the calls with one of the ids, which are sorted, to found; returns how many. The lock is held. */
static size_t hold_these(struct rpc_carrier *carrier, const uint64_t *ids, size_t nids,
                         struct rpc_call **found)
{
    struct list *next;
    size_t nfound = 0;

    for (struct list *link = carrier->running.next; link != &carrier->running; link = next) {
        struct rpc_call *call = container_of(link, struct rpc_call, carried);
        next = link->next;
        if (!bsearch(&call->carried_id, ids, nids, sizeof(*ids), compare_ids))
            continue;
        list_remove(link);
        list_add_last(&carrier->cancelled, link);
        rpc_call_hold(call);
        found[nfound++] = call;
    }
    return nfound;
}

/* As many ids as fit into a message may come, so the calls are walked once for all of them. */
static void cancel_these(struct rpc_carrier *carrier, uint64_t *ids, size_t nids)
{
    qsort(ids, nids, sizeof(*ids), compare_ids);
    pthread_mutex_lock(&carrier->lock);
    struct rpc_call **found = mem_alloc_array(carrier->nrunning + 1, sizeof(struct rpc_call *));
    size_t nfound = hold_these(carrier, ids, nids, found);
    pthread_mutex_unlock(&carrier->lock);
    for (size_t i = 0; i < nfound; i++) {
        rpc_call_cancel(found[i]);
        rpc_call_release(found[i]);
    }
    mem_free(found);
}

/* The client is gone, or the server stops. */
static void on_cancel(struct rpc_cancel *cancel)
{
    struct rpc_carrier *carrier = container_of(cancel, struct rpc_carrier, cancel);

    if (rpc_call_is_cancelled(carrier->call))
        cancel_all(carrier);
    pthread_mutex_lock(&carrier->lock);
    carrier->is_stopping = true;
    go_on(carrier);
}

/* Calls that come. */

/* A text of the call, as core would have it; nothing is to be freed. */
static grpc_slice copy_slice(struct rpc_call *call, struct str text)
{
    return grpc_slice_from_static_buffer(arena_copy_str(call->arena, text), text.len);
}

static void copy_headers(struct rpc_call *call, const Carrier__Call *wanted)
{
    grpc_metadata *rows = gpr_malloc(wanted->n_headers * sizeof(*rows));

    for (size_t i = 0; i < wanted->n_headers; i++)
        rows[i] = (grpc_metadata){
            .key = copy_slice(call, str_from(wanted->headers[i]->key)),
            .value = copy_slice(call, str_from_bytes(wanted->headers[i]->value.data,
                                                     wanted->headers[i]->value.len)),
        };
    call->metadata = (grpc_metadata_array){wanted->n_headers, wanted->n_headers, rows};
}

/* What the call is about is copied, but for its request. */
static struct rpc_call *create_call(struct rpc_carrier *carrier, const Carrier__Call *wanted)
{
    struct rpc_call *stream = carrier->call;
    struct rpc_call *call = rpc_call_create(stream->server);

    rpc_call_hold(stream);
    call->stream = stream;
    call->carrier = carrier;
    call->is_close_asked = true; /* the stream's is enough */
    call->arena = arena_create(stream->server->max_arena_bytes);
    call->info.method = copy_slice(call, str_from(wanted->method));
    call->info.deadline = wanted->timeout_ms == 0 ? gpr_inf_future(GPR_CLOCK_MONOTONIC)
                                                  : rpc_deadline_from_ms(wanted->timeout_ms);
    copy_headers(call, wanted);
    call->carried_id = wanted->id;
    call->max_reply_bytes = wanted->max_response_bytes;
    call->carried_request = str_from_bytes(wanted->request.data, wanted->request.len);
    return call;
}

static void begin(struct rpc_carrier *carrier, const Carrier__Call *wanted)
{
    struct rpc_call *call = create_call(carrier, wanted);

    pthread_mutex_lock(&carrier->lock);
    list_add_last(&carrier->running, &call->carried);
    carrier->nrunning++;
    bool is_gone = carrier->is_gone;
    pthread_mutex_unlock(&carrier->lock);
    if (is_gone) /* cancel_all came too early for it */
        rpc_call_cancel(call);
    rpc_server_serve(call);
}

static struct status take(struct rpc_carrier *carrier, const Carrier__CarryRequest *request)
{
    if (request->n_calls > MAX_CALLS)
        return status_error(STATUS_INVALID_ARGUMENT, "calls: %zu in a message are more than %d",
                            request->n_calls, (int)MAX_CALLS);
    if (request->n_cancelled_ids > MAX_CANCELLED)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "cancelled_ids: %zu in a message are more than %d",
                            request->n_cancelled_ids, (int)MAX_CANCELLED);
    for (size_t i = 0; i < request->n_calls; i++)
        begin(carrier, request->calls[i]);
    if (request->n_cancelled_ids > 0)
        cancel_these(carrier, request->cancelled_ids, request->n_cancelled_ids);
    return status_ok();
}

static void on_received(struct rpc_receive *receive, struct status st,
                        const ProtobufCMessage *message)
{
    struct rpc_carrier *carrier = container_of(receive, struct rpc_carrier, receive);
    const Carrier__CarryRequest *request = (const Carrier__CarryRequest *)message;

    if (request)
        st = take(carrier, request);
    pthread_mutex_lock(&carrier->lock);
    carrier->is_receiving = false;
    if (!request || st.code != STATUS_OK) {
        carrier->is_closed = true;
        set_end(carrier, st);
    }
    go_on(carrier);
}

/* Streams are few, as what their answers take may wait in each for a client that does not read them. */
static struct status count(struct rpc_call *call)
{
    struct rpc_server *server = call->server;

    pthread_mutex_lock(&server->lock);
    call->is_carrier = server->ncarriers < server->max_carriers;
    server->ncarriers += call->is_carrier;
    pthread_mutex_unlock(&server->lock);
    if (call->is_carrier)
        return status_ok();
    return status_error(STATUS_RESOURCE_EXHAUSTED, "there are %zu streams of calls already",
                        server->max_carriers);
}

static void carry(struct rpc_call *call, const ProtobufCMessage *nothing)
{
    (void)nothing;
    struct status st = count(call);
    if (st.code != STATUS_OK) {
        rpc_call_end(call, st, NULL);
        return;
    }
    struct rpc_carrier *carrier = rpc_call_alloc(call, sizeof(*carrier));
    carrier->call = call;
    carrier->receive.on_received = on_received;
    carrier->send.on_sent = on_sent;
    carrier->cancel.on_cancel = on_cancel;
    (void)pthread_mutex_init(&carrier->lock, NULL);
    list_init(&carrier->running);
    list_init(&carrier->cancelled);
    list_init(&carrier->answers);
    rpc_call_set_cancel(call, &carrier->cancel);
    pthread_mutex_lock(&carrier->lock);
    go_on(carrier);
}

static const struct rpc_method methods[] = {
    {"Carry", RPC_BIDI_STREAM, carry},
};

const struct rpc_service rpc_carrier_service = {
    .descriptor = &carrier__carrier__descriptor,
    .methods = methods,
    .nmethods = ARRAY_LEN(methods),
};
