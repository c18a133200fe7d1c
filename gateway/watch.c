/*
 * gateway/watch.c - one watch: what it sends next, and where it gets it from.
 *
 * CURRENT reads pages of tasks, REST and CATCH_UP pages of changes, each when the one before was sent: so a client that
 * reads slowly slows down the reading. At the end of CATCH_UP all has been told that was done in a snapshot which the
 * ring's messages from a number on come behind, so FOLLOW takes these. If the ring has lost some of them by then, it
 * catches up again, to a later snapshot.
 */
#include "gateway/watch.h"

#include <assert.h>

#include "base/arena.h"
#include "base/mem.h"
#include "gateway/text_array.h"
#include "gateway/watch_hub.h"
#include "rpc/packed.h"
#include "store/row.h"
#include "store/store.h"

/* Ending. */

static void drop_page(struct watch *watch)
{
    while (watch->next_sent < watch->npage)
        rpc_packed_unref(watch->page[watch->next_sent++]);
    watch->hub->pages_bytes -= watch->page_bytes;
    watch->page_bytes = 0;
    watch->npage = watch->next_sent = 0;
}

void watch_take(struct watch *watch, enum fault fault, struct list *ending)
{
    assert(watch->state != WATCH_OVER && watch->state != WATCH_READING);
    if (watch->state != WATCH_NEW) {
        watch->hub->nwatches--;
        if (!watch->scope.task_id)
            watch->hub->nwatches_of_all--;
    }
    watch->state = WATCH_OVER;
    watch->leaves = fault;
    list_remove(&watch->due);
    list_remove(&watch->all);
    drop_page(watch);
    watch_question_deinit(&watch->question);
    list_add_last(ending, &watch->due);
}

void watch_dismiss(struct watch *watch, enum fault fault, struct list *ending)
{
    if (watch->state == WATCH_OVER)
        return;
    if (watch->state == WATCH_READING) {
        watch->is_leaving = true;
        watch->leaves = fault;
        return;
    }
    watch_take(watch, fault, ending);
}

void watch_end_all(struct list *ending)
{
    struct list *link;

    while ((link = list_take_first(ending)) != NULL) {
        struct watch *watch = container_of(link, struct watch, due);
        struct rpc_call *call = watch->call;

        if (watch->leaves != FAULT_NFAULTS)
            fault_end(call, watch->leaves, watch->scope.task_id);
        else if (watch->st.code != STATUS_OK)
            fault_end_store(call, watch->st);
        else
            rpc_call_end(call, watch->st, NULL);
    }
}

/* Sending. */

static void send_packed(struct watch *watch, const struct rpc_packed *packed)
{
    watch->state = WATCH_SENDING;
    rpc_call_send_packed(watch->call, packed, &watch->send);
}

static void send_next_of_page(struct watch *watch)
{
    struct rpc_packed *packed = watch->page[watch->next_sent++];

    send_packed(watch, packed);
    rpc_packed_unref(packed);
}

/* Sends the next message of the ring that it is about. */
static void follow(struct watch *watch, struct list *ending)
{
    const struct watch_ring *ring = &watch->hub->ring;

    if (watch->number < ring->first) {
        watch_take(watch, FAULT_WATCH_TOO_SLOW, ending);
        return;
    }
    while (watch->number < ring->end) {
        const struct watch_change *change = watch_ring_get(ring, watch->number++);

        if (!watch_scope_takes(&watch->scope, change))
            continue;
        watch->is_last =
            watch->scope.task_id && change->type == PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_DELETED;
        send_packed(watch, change->packed);
        return;
    }
    watch->state = WATCH_IDLE;
}

/* Reading. */

static void submit(struct watch *watch,
                   void (*on_done)(struct query *, struct status, const struct pg_result *))
{
    watch->state = WATCH_READING;
    watch->query.timeout_ms = WATCH_QUERY_TIMEOUT_MS;
    watch->query.on_done = on_done;
    store_submit(watch->hub->store, &watch->query);
}

/* Adds a message to the page, or lets go of it. */
static void add_to_page(struct watch *watch, const struct watch_change *change)
{
    if (!watch_scope_takes(&watch->scope, change)) {
        rpc_packed_unref(change->packed);
        return;
    }
    watch->page[watch->npage++] = change->packed;
    watch->page_bytes += rpc_packed_get_size_bytes(change->packed);
    if (watch->scope.task_id && change->type == PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_DELETED)
        watch->is_last = true;
}

/* Takes in what a query has read: goes on, or ends with st, or with a fault. */
static void take_in(struct watch *watch, struct status st, enum fault fault)
{
    struct watch_hub *hub = watch->hub;
    struct list ending;

    list_init(&ending);
    (void)pthread_mutex_lock(&hub->lock);
    hub->pages_bytes += watch->page_bytes;
    if (st.code == STATUS_OK && fault == FAULT_NFAULTS && hub->pages_bytes > WATCH_MAX_PAGES_BYTES)
        fault = FAULT_OVERLOADED;
    watch->state = WATCH_SENDING; /* it is no longer the query's */
    watch->st = st;
    if (watch->is_leaving)
        watch_take(watch, watch->leaves, &ending);
    else if (st.code != STATUS_OK || fault != FAULT_NFAULTS)
        watch_take(watch, fault, &ending);
    else
        watch_advance(watch, &ending);
    (void)pthread_mutex_unlock(&hub->lock);
    watch_end_all(&ending);
}

static void changes_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct watch *watch = container_of(query, struct watch, query);
    enum fault fault = FAULT_NFAULTS;
    struct watch_page page = {.nchanges = 0};
    struct arena *arena = arena_create(WATCH_ARENA_BYTES);

    if (st.code == STATUS_OK)
        st = watch_page_read(rows, arena, &watch->point, &page);
    for (size_t i = 0; i < page.nchanges; i++)
        add_to_page(watch, &page.changes[i]);
    if (st.code == STATUS_OK && page.is_expired)
        fault = FAULT_CURSOR_EXPIRED;
    else if (st.code == STATUS_OK && !page.is_there)
        fault = FAULT_TASK_NOT_FOUND;
    watch->is_whole = !watch->point.is_between;
    arena_destroy(arena);
    take_in(watch, st, fault);
}

static void ask_for_changes(struct watch *watch)
{
    watch_question_write(&watch->question, &watch->point, watch->scope.task_id, WATCH_PAGE_CHANGES,
                         WATCH_PAGE_BYTES, &watch->query);
    submit(watch, changes_done);
}

static struct status read_current(struct watch *watch, const struct pg_result *rows,
                                  struct arena *arena)
{
    size_t nrows = rows_get_count(rows);
    struct status st = status_ok();

    for (size_t i = 0; i < nrows && st.code == STATUS_OK; i++) {
        struct watch_change change;
        st = watch_change_read_task(rows, i, PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_CURRENT, NULL,
                                    arena, &change);
        if (st.code == STATUS_OK)
            add_to_page(watch, &change);
    }
    if (nrows > 0)
        watch->last_seq = row_get_int(rows, nrows - 1, "note/seq");
    watch->is_whole = nrows == 0 || row_get_int(rows, 0, "note/is_last") != 0;
    return st;
}

static void current_done(struct query *query, struct status st, const struct pg_result *rows)
{
    struct watch *watch = container_of(query, struct watch, query);
    enum fault fault = FAULT_NFAULTS;
    struct arena *arena = arena_create(WATCH_ARENA_BYTES);

    if (st.code == STATUS_OK && watch->scope.task_id && rows_get_count(rows) == 0)
        fault = FAULT_TASK_NOT_FOUND;
    else if (st.code == STATUS_OK)
        st = read_current(watch, rows, arena);
    arena_destroy(arena);
    take_in(watch, st, fault);
}

static void ask_for_current(struct watch *watch)
{
    struct buf *ids = &watch->question.told; /* which this phase has no other use for */

    buf_clear(ids);
    if (watch->scope.task_id)
        text_array_add(ids, watch->scope.task_id);
    watch->query = (struct query){
        .statement = &task_watch_current,
        .params = {watch->scope.task_id ? param_str(buf_get(ids)) : param_null(), param_int(0),
                   param_int(watch->last_seq), param_int(WATCH_PAGE_CHANGES),
                   param_int(WATCH_PAGE_BYTES)},
    };
    submit(watch, current_done);
}

/* From phase to phase. */

static void catch_up(struct watch *watch)
{
    const struct watch_hub *hub = watch->hub;

    watch->phase = WATCH_CATCH_UP;
    watch->number = hub->boundary_number;
    watch->has_number = true;
    watch->point.is_between = true;
    watch->point.next = hub->boundary.told;
    watch->point.next_time_us = hub->boundary.time_us;
    watch->point.seq = 0;
    ask_for_changes(watch);
}

/* All has been told that comes before the message of its number. */
static void join(struct watch *watch, struct list *ending)
{
    if (watch->number < watch->hub->ring.first) {
        catch_up(watch);
        return;
    }
    watch->phase = WATCH_FOLLOW;
    follow(watch, ending);
}

static void tell_synced(struct watch *watch)
{
    struct rpc_packed *packed = watch_change_make_synced(&watch->point);

    watch->phase = WATCH_CATCH_UP; /* which is done already: it was told what is newer */
    send_packed(watch, packed);
    rpc_packed_unref(packed);
}

void watch_advance(struct watch *watch, struct list *ending)
{
    if (watch->next_sent < watch->npage) {
        send_next_of_page(watch);
        return;
    }
    drop_page(watch);
    if (watch->is_last)
        watch_take(watch, FAULT_NFAULTS, ending);
    else if (watch->phase == WATCH_FOLLOW)
        follow(watch, ending);
    else if (!watch->is_whole && watch->phase == WATCH_CURRENT)
        ask_for_current(watch);
    else if (!watch->is_whole)
        ask_for_changes(watch);
    else if (watch->phase == WATCH_CURRENT)
        tell_synced(watch);
    else if (watch->phase == WATCH_REST)
        catch_up(watch);
    else
        join(watch, ending);
}

void watch_begin(struct watch *watch, struct list *ending)
{
    if (!watch->is_resumed) {
        watch->point = watch->hub->boundary;
        watch->number = watch->hub->boundary_number;
        watch->has_number = true;
        watch->phase = WATCH_CURRENT;
    } else if (watch->point.is_between) {
        watch->phase = WATCH_REST;
    } else {
        catch_up(watch);
        return;
    }
    watch->is_whole = false;
    watch_advance(watch, ending);
}

/* What the runtime tells; on loop threads. */

static void on_sent(struct rpc_send *send, bool ok)
{
    struct watch *watch = container_of(send, struct watch, send);
    struct watch_hub *hub = watch->hub;
    struct list ending;

    list_init(&ending);
    (void)pthread_mutex_lock(&hub->lock);
    if (watch->state == WATCH_SENDING && ok)
        watch_advance(watch, &ending);
    else if (watch->state == WATCH_SENDING)
        watch_take(watch, FAULT_STOPPING, &ending); /* the client is gone: nobody reads it */
    (void)pthread_mutex_unlock(&hub->lock);
    watch_end_all(&ending);
}

static void on_cancel(struct rpc_cancel *cancel)
{
    struct watch *watch = container_of(cancel, struct watch, cancel);
    struct watch_hub *hub = watch->hub;
    struct list ending;

    list_init(&ending);
    (void)pthread_mutex_lock(&hub->lock);
    watch_dismiss(watch, FAULT_STOPPING, &ending);
    (void)pthread_mutex_unlock(&hub->lock);
    watch_end_all(&ending);
}

void watch_init(struct watch *watch)
{
    watch->send.on_sent = on_sent;
    watch->cancel.on_cancel = on_cancel;
    watch->leaves = FAULT_NFAULTS;
}
