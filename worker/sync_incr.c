/*
 * worker/sync_incr.c - the INCR job of a sync: brings its peer about, keeps an eye on it, and tells how far it is.
 *
 * It goes round about once a second. What is wrong at the beginning fails the job. Once there was a peer nothing does any
 * more: what stands in the way is told while the job goes on, and when it is put right the job finds it right. What a person did
 * to the peer is never undone: the checkpoint says which tables it was given, and a note in the peer whether it is to stand still.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/stop.h"
#include "hbase/cluster.h"
#include "hbase/peer.h"
#include "worker/job_context.h"
#include "worker/runner.h"
#include "worker/sync.h"
#include "worker/sync_logs.h"
#include "worker/sync_mark.h"
#include "worker/sync_peer.h"
#include "worker/sync_precheck.h"
#include "worker/sync_progress.h"
#include "worker/sync_stall.h"
#include "worker/sync_tables.h"

enum {
    ROUND_MS = 1000,
    MAX_PAUSE_MS = 10 * 1000,
    TABLES_EVERY_MS = 3000,
    CLOCKS_EVERY_MS = 60 * 1000,
    SAVE_EVERY_MS = 5000,
    /* Looking at a large cluster takes long: it is done less often then. */
    WORK_SHARE = 20,
    /* A peer that was held after this job has released it: by an abort that this worker will hear of, if it is one. */
    HELD_MS = 15 * 1000,
    NOTICE_MS = 60 * 1000,
};

struct incr {
    struct sync sync;
    struct sync_mark mark; /* as it is saved, or will be */
    struct sync_progress progress;
    struct sync_logs logs;
    struct sync_stall stall;
    int64_t round_ms;      /* how long to wait before the next round */
    int64_t tables_due_ms; /* by clock_get_monotonic_ms, as are all below */
    int64_t clocks_due_ms;
    int64_t save_due_ms;
    struct status tables; /* what the last comparison found */
    struct status clocks; /* the same of the clocks */
    bool has_released;    /* the peer ships: this job or one before it has seen to that */
    int64_t held_ms;      /* since when it is held again; 0: it is not */
    struct buf notice;    /* what users must know though nothing stands in the way */
    int64_t notice_until_ms;
    char told[STATUS_TEXT_BYTES];
};

/* Whether the peer was given the tables that the sync has now. */
static bool is_applied(const struct incr *incr)
{
    return incr->mark.is_set && strcmp(incr->mark.tables_digest, incr->sync.tables_digest) == 0;
}

static struct status save(struct incr *incr)
{
    char text[SYNC_MARK_BYTES];

    sync_mark_write(&incr->mark, text);
    incr->save_due_ms = clock_get_monotonic_ms() + SAVE_EVERY_MS;
    return job_context_save_checkpoint(incr->sync.context, str_from(text));
}

/* How long to wait after work that began then, so that it does not take more than its share of the time. */
static int64_t get_pause_ms(int64_t begin_ms, int64_t least_ms)
{
    int64_t pause_ms = (clock_get_monotonic_ms() - begin_ms) * WORK_SHARE;

    pause_ms = pause_ms < MAX_PAUSE_MS ? pause_ms : MAX_PAUSE_MS;
    return pause_ms > least_ms ? pause_ms : least_ms;
}

/* ---- The tables */

/* Of a table that is synced already: what was written to such a family before is not shipped. */
static void note_late(struct incr *incr, const struct buf *late)
{
    if (late->len == 0 || !is_applied(incr))
        return;
    buf_clear(&incr->notice);
    buf_printf(&incr->notice,
               "new column families without REPLICATION_SCOPE 1 at the source: %s; it is set now, "
               "but what was written to them before is not shipped",
               buf_get_text(late));
    incr->notice_until_ms = clock_get_monotonic_ms() + NOTICE_MS;
    log_warn("scopes set late", JOB_FIELDS(incr->sync.context),
             log_str("families", buf_get_text(late)));
}

static struct status compare_tables(struct incr *incr, struct arena *arena)
{
    struct buf late = {.max_bytes = STATUS_TEXT_BYTES};
    struct sync_tables tables;

    struct status st = sync_tables_read(&incr->sync, arena, &tables);
    if (st.code == STATUS_OK)
        st = sync_tables_follow(&incr->sync, arena, &tables);
    if (st.code == STATUS_OK)
        st = sync_tables_set_scopes(&incr->sync, &tables, arena, &late);
    if (st.code == STATUS_OK)
        st = sync_tables_check(&incr->sync, &tables);
    note_late(incr, &late);
    buf_deinit(&late);
    return st;
}

/* Sets incr->tables, now and then, and always before the peer is given tables. */
static void look_at_tables(struct incr *incr, struct arena *arena)
{
    int64_t begin_ms = clock_get_monotonic_ms();

    if (begin_ms < incr->tables_due_ms && is_applied(incr))
        return;
    incr->tables = compare_tables(incr, arena);
    incr->tables_due_ms = clock_get_monotonic_ms() + get_pause_ms(begin_ms, TABLES_EVERY_MS);
}

/* ---- The peer */

static struct status make_removed(const struct incr *incr)
{
    return status_error(STATUS_FAILED_PRECONDITION,
                        "source: replication peer %s was removed, and what is written since is not "
                        "kept for it: delete the task and create it anew with full=true, or, if "
                        "that loss is no harm, abort it and retry it from its start",
                        incr->sync.peer_id);
}

/* Adds the peer, or gives it the sync's tables. *peer is NULL if there is none, and is read anew. */
static struct status apply(struct incr *incr, struct arena *arena,
                           Hb__ReplicationPeerDescription **peer)
{
    const struct sync *sync = &incr->sync;
    struct status st = incr->tables;

    if (st.code == STATUS_OK && !*peer) {
        /* A copy has begun after a peer was there. */
        if (incr->mark.is_set || sync->is_full)
            return make_removed(incr);
        st = sync_peer_add(sync, job_context_get_bytes_per_second(sync->context));
    } else if (st.code == STATUS_OK) {
        st = sync_peer_check(sync, *peer);
        if (st.code == STATUS_OK && !sync_peer_has_tables(sync, *peer))
            st = sync_peer_set_tables(sync, *peer);
    }
    if (st.code == STATUS_OK)
        st = sync_peer_find(sync, arena, peer);
    if (st.code != STATUS_OK)
        return st;
    incr->mark.is_set = true;
    memcpy(incr->mark.tables_digest, sync->tables_digest, sizeof(incr->mark.tables_digest));
    log_info("peer has tables", JOB_FIELDS(incr->sync.context), log_str("peer", sync->peer_id),
             log_int("tables", (int64_t)sync->ntables));
    return save(incr);
}

static struct status release(struct incr *incr, const Hb__ReplicationPeerDescription *peer)
{
    struct status st = sync_peer_release(&incr->sync, peer);

    if (st.code == STATUS_OK) {
        incr->has_released = true;
        incr->held_ms = 0;
        log_info("peer ships", JOB_FIELDS(incr->sync.context), log_str("peer", incr->sync.peer_id));
    }
    return st;
}

/* A peer that Sluice holds is released once, at the beginning; one that a person stopped is left alone. */
static struct status see_that_it_ships(struct incr *incr,
                                       const Hb__ReplicationPeerDescription *peer)
{
    int64_t now_ms = clock_get_monotonic_ms();

    if (sync_peer_is_held(peer)) {
        if (incr->held_ms == 0)
            incr->held_ms = now_ms;
        return !incr->has_released || now_ms - incr->held_ms > HELD_MS ? release(incr, peer)
                                                                       : status_ok();
    }
    incr->held_ms = 0;
    incr->has_released = true;
    if (sync_peer_is_enabled(peer))
        return status_ok();
    return status_error(STATUS_FAILED_PRECONDITION,
                        "source: replication peer %s was disabled by hand; the source keeps its "
                        "logs meanwhile: enable_peer '%s'",
                        incr->sync.peer_id, incr->sync.peer_id);
}

static struct status check_peer(const struct incr *incr, const Hb__ReplicationPeerDescription *peer)
{
    struct status st = sync_peer_check(&incr->sync, peer);

    if (st.code == STATUS_OK && !sync_peer_has_tables(&incr->sync, peer))
        st = status_error(STATUS_FAILED_PRECONDITION,
                          "source: the tables of replication peer %s were changed by hand; give it "
                          "those of the task again (set_peer_tableCFs), or change the task's "
                          "table_names",
                          incr->sync.peer_id);
    return st;
}

static struct status see_to_bandwidth(const struct incr *incr,
                                      const Hb__ReplicationPeerDescription *peer)
{
    int64_t wanted = job_context_get_bytes_per_second(incr->sync.context);

    return peer->config->bandwidth == wanted ? status_ok()
                                             : sync_peer_set_bandwidth(&incr->sync, peer, wanted);
}

/* The peer is there, is as it should be, and ships. *peer is as it was found, NULL if there is none. */
static struct status see_to_peer(struct incr *incr, struct arena *arena,
                                 Hb__ReplicationPeerDescription **peer)
{
    struct status st = sync_peer_find(&incr->sync, arena, peer);

    if (st.code == STATUS_NOT_FOUND)
        st = status_ok();
    if (st.code == STATUS_OK)
        look_at_tables(incr, arena);
    if (st.code == STATUS_OK && !is_applied(incr))
        st = apply(incr, arena, peer);
    if (st.code == STATUS_OK && !*peer)
        st = make_removed(incr);
    if (st.code == STATUS_OK)
        st = check_peer(incr, *peer);
    if (st.code == STATUS_OK)
        st = see_to_bandwidth(incr, *peer);
    if (st.code == STATUS_OK)
        st = see_that_it_ships(incr, *peer);
    return st;
}

/* ---- How far it is */

static void tell_progress(const struct incr *incr)
{
    const struct job_progress progress = {
        .checkpoint_time_ms = incr->progress.checkpoint_ms,
        .sync_time_ms = incr->progress.sync_ms,
        .lag_ms = incr->progress.lag_ms,
        .queued_logs = incr->progress.queued_logs,
    };

    job_context_set_progress(incr->sync.context, &progress);
}

static struct status measure(struct incr *incr, struct arena *arena, bool is_enabled)
{
    struct hbase_peer_load load = {0};
    int64_t begin_ms = clock_get_monotonic_ms();

    struct status st = hbase_peer_read_load(incr->sync.source, incr->sync.peer_id, arena, &load);
    incr->round_ms = get_pause_ms(begin_ms, ROUND_MS);
    if (st.code != STATUS_OK)
        return st;
    const struct hbase_peer_logs *logs = sync_logs_look(&incr->logs, &incr->sync, &load, arena);
    sync_progress_take(&incr->progress, &load, logs, is_enabled);
    sync_logs_renew(&incr->logs, &incr->sync, &incr->progress, logs);
    incr->mark.sync_ms = incr->progress.sync_ms;
    incr->mark.checkpoint_ms = incr->progress.checkpoint_ms;
    tell_progress(incr);
    return sync_stall_look(&incr->stall, &incr->sync, &incr->progress, &load, is_enabled);
}

static struct status look_at_clocks(struct incr *incr)
{
    int64_t now_ms = clock_get_monotonic_ms();

    if (now_ms >= incr->clocks_due_ms) {
        incr->clocks_due_ms = now_ms + CLOCKS_EVERY_MS;
        incr->clocks = sync_precheck_clocks(&incr->sync);
    }
    return incr->clocks;
}

/* ---- The rounds */

/* One round; the status is what stands in the way most. */
static struct status go_round(struct incr *incr, struct arena *arena)
{
    Hb__ReplicationPeerDescription *peer = NULL;

    struct status st = see_to_peer(incr, arena, &peer);
    if (peer) {
        struct status measured = measure(incr, arena, sync_peer_is_enabled(peer));

        if (st.code == STATUS_OK)
            st = incr->tables;
        if (st.code == STATUS_OK)
            st = measured;
    }
    if (st.code == STATUS_OK)
        st = look_at_clocks(incr);
    return st;
}

/* Tells what stands in the way, once as long as it stays the same. */
static void tell(struct incr *incr, struct status st)
{
    bool has_notice = clock_get_monotonic_ms() < incr->notice_until_ms;
    const char *text = st.code != STATUS_OK ? st.text
                       : has_notice         ? buf_get_text(&incr->notice)
                                            : "";

    job_context_set_message(incr->sync.context, text);
    if (strncmp(text, incr->told, sizeof(incr->told) - 1) == 0)
        return;
    (void)snprintf(incr->told, sizeof(incr->told), "%s", text);
    if (text[0])
        log_warn("sync hindered", JOB_FIELDS(incr->sync.context), log_str("message", text));
    else
        log_info("sync goes on", JOB_FIELDS(incr->sync.context));
}

/* Goes round until a stop. What is wrong before there ever was a peer ends the job. */
static struct status go_on(struct incr *incr)
{
    const struct stop *stop = job_context_get_stop(incr->sync.context);

    do {
        struct arena *arena = arena_create(0);
        struct status st = go_round(incr, arena);

        arena_destroy(arena);
        if (stop_is_requested(stop))
            break;
        if (st.code == STATUS_ABORTED || (st.code != STATUS_OK && !incr->mark.is_set))
            return st;
        tell(incr, st);
        if (incr->mark.is_set && clock_get_monotonic_ms() >= incr->save_due_ms)
            st = save(incr);
        if (st.code == STATUS_ABORTED)
            return st;
    } while (stop_pause(stop, incr->round_ms));
    return status_error(STATUS_CANCELLED, "the worker is stopping");
}

static struct status begin(struct incr *incr)
{
    const ProtobufCBinaryData saved = job_context_get_job(incr->sync.context)->checkpoint;

    struct status st = sync_mark_read(str_from_bytes(saved.data, saved.len), &incr->mark);
    incr->progress.sync_ms = incr->mark.sync_ms;
    incr->progress.checkpoint_ms = incr->mark.checkpoint_ms;
    incr->progress.lag_ms = -1;
    if (st.code == STATUS_OK && !incr->mark.is_set)
        st = sync_precheck(&incr->sync);
    if (st.code == STATUS_OK)
        tell_progress(incr);
    return st;
}

static struct runner_result run(struct job_context *context, void **ret_state)
{
    struct runner_result result = {.status = status_ok()};
    struct incr incr = {.round_ms = ROUND_MS, .notice.max_bytes = 2 * STATUS_TEXT_BYTES};

    (void)ret_state;
    result.status = sync_open(context, &incr.sync);
    if (result.status.code == STATUS_OK)
        result.status = begin(&incr);
    if (result.status.code == STATUS_OK)
        result.status = go_on(&incr);
    sync_progress_deinit(&incr.progress);
    buf_deinit(&incr.notice);
    sync_close(&incr.sync);
    return result;
}

const struct runner sync_incr_runner = {
    .kind = PB__TASK_KIND__TASK_KIND_INCREMENTAL_SYNC,
    .role = PB__JOB_ROLE__JOB_ROLE_INCR,
    .run = run,
};
