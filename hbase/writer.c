/*
 * hbase/writer.c - batches in a ring: the oldest are on their way, the one behind them is being filled.
 *
 * A batch goes out as one Multi call to each server that has rows of it. It stays in memory until all its rows are
 * acknowledged; what is not, for whatever reason, is looked up again in the table's regions and sent again. The batches
 * are settled in the order of the ring, so that one that has to wait holds up the rest: a table whose region is moving,
 * or whose server is busy, takes no more anyway.
 */
#include "hbase/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "hbase/batch.h"
#include "hbase/cluster.h"
#include "hbase/connection.h"
#include "hbase/multi.h"
#include "hbase/refusal.h"
#include "hbase/window.h"

enum {
    DEFAULT_IN_FLIGHT = HBASE_WRITER_MAX_AT_SERVER,
    CALL_TIMEOUT_MS = 60000, /* as HBase's clients: a server may hold writes up while it flushes */
    MAX_REGION_BYTES = 64 * 1024 * 1024, /* what one batch may keep of its regions' keys */
    SERVER_BYTES = HBASE_MAX_HOST_BYTES + 16,
};

/* One Multi call: a batch's rows of one server. */
struct part {
    struct hbase_multi multi;
    struct hbase_connection *connection;
    struct hbase_call *call; /* NULL: it could not be sent, or was answered */
};

/* A batch, and what is on its way of it. */
struct flight {
    struct hbase_batch batch;
    struct arena *arena; /* of all below */
    struct hbase_group *groups;
    size_t ngroups;
    struct part *parts;
    size_t nparts;
    struct hbase_fault fault; /* the one that decides what to do next, of all parts */
    bool has_fault;
};

struct hbase_writer {
    struct hbase_table *table;
    struct hbase_cluster *cluster;
    struct hbase_writer_options options;
    struct status status; /* the error that ended the writer */
    struct flight *flights;
    unsigned nflights;          /* in the ring */
    unsigned first;             /* the oldest one on its way */
    unsigned nsent;             /* on their way */
    struct hbase_window window; /* how many may be */
    struct buf scratch;         /* of cells that do not stand together in their batch */
};

struct hbase_writer *hbase_writer_create(struct hbase_table *table,
                                         const struct hbase_writer_options *options)
{
    struct hbase_writer *writer = mem_alloc(sizeof(*writer));

    writer->table = table;
    writer->cluster = hbase_table_get_cluster(table);
    writer->options = *options;
    writer->window.max = options->max_in_flight > 0 ? options->max_in_flight : DEFAULT_IN_FLIGHT;
    writer->window.size = writer->window.max;
    writer->nflights = writer->window.max + 1;
    writer->flights = mem_alloc_array(writer->nflights, sizeof(*writer->flights));
    for (unsigned i = 0; i < writer->nflights; i++)
        hbase_batch_init(&writer->flights[i].batch);
    return writer;
}

/* Forgets what was on its way, and gives up the answers that have not come. */
static void end_flight(struct hbase_writer *writer, struct flight *flight)
{
    for (size_t i = 0; i < flight->nparts; i++) {
        hbase_call_cancel(flight->parts[i].call);
        if (flight->parts[i].connection)
            hbase_cluster_release(writer->cluster, flight->parts[i].connection);
    }
    arena_destroy(flight->arena);
    flight->arena = NULL;
    flight->groups = NULL;
    flight->ngroups = 0;
    flight->parts = NULL;
    flight->nparts = 0;
    flight->has_fault = false;
}

void hbase_writer_destroy(struct hbase_writer *writer)
{
    if (!writer)
        return;
    for (unsigned i = 0; i < writer->nflights; i++) {
        end_flight(writer, &writer->flights[i]);
        hbase_batch_deinit(&writer->flights[i].batch);
    }
    mem_free(writer->flights);
    buf_deinit(&writer->scratch);
    mem_free(writer);
}

/*
 * Which of several faults decides. What cannot succeed does so first, then who asks for the longest patience.
 */
static int get_rank(const struct hbase_fault *fault)
{
    switch (fault->action) {
    case HBASE_ACTION_FAIL:
        return 4;
    case HBASE_ACTION_THROTTLE:
        return 3;
    case HBASE_ACTION_OVERLOAD:
        return 2;
    case HBASE_ACTION_AT_ONCE:
        return 0;
    default:
        return 1;
    }
}

static void note_fault(struct flight *flight, const struct hbase_fault *fault)
{
    if (flight->has_fault && get_rank(&flight->fault) >= get_rank(fault))
        return;
    flight->fault = *fault;
    flight->has_fault = true;
}

static void note_status(struct flight *flight, struct status st)
{
    struct hbase_fault fault;

    hbase_fault_from_status(st, &fault);
    note_fault(flight, &fault);
}

/* ---- On the way out: regions, servers, calls */

static bool is_behind(const struct hbase_region *region, struct str row)
{
    return region->end_key.len > 0 && hbase_bytes_compare(row, region->end_key) >= 0;
}

/* Finds the region of each mutation that is not done. */
static struct status make_groups(struct hbase_writer *writer, struct flight *flight)
{
    struct hbase_batch *batch = &flight->batch;
    struct hbase_group *group = NULL;
    struct hbase_group *groups = arena_alloc(flight->arena, batch->nmutations * sizeof(*groups));

    flight->groups = groups;
    for (size_t i = 0; i < batch->nmutations; i++) {
        const struct hbase_mutation *mutation = &batch->mutations[i];

        if (mutation->is_done)
            continue;
        if (!group || is_behind(&group->region, mutation->row)) {
            struct hbase_group next = {.begin = i};
            struct status st =
                hbase_table_locate(writer->table, mutation->row, flight->arena, &next.region);
            if (st.code != STATUS_OK)
                return st;
            group = &groups[flight->ngroups++];
            *group = next;
        } else if (mutation->is_alone || batch->mutations[group->begin].is_alone) {
            group = &groups[flight->ngroups++];
            *group = (struct hbase_group){.region = groups[flight->ngroups - 2].region, .begin = i};
        }
        group->end = i + 1;
        group->nmutations++;
    }
    return status_ok();
}

static int compare_servers(const struct hbase_server *a, const struct hbase_server *b)
{
    int order = strcmp(a->host, b->host);

    return order != 0 ? order : a->port - b->port;
}

static int compare_groups(const void *left, const void *right)
{
    const struct hbase_group *a = left;
    const struct hbase_group *b = right;
    int order = compare_servers(&a->region.server, &b->region.server);

    return order != 0 ? order : (a->begin > b->begin) - (a->begin < b->begin);
}

/* A fault of all that a call was to write. */
static void note_part_fault(struct hbase_writer *writer, struct flight *flight,
                            const struct hbase_multi *multi, const struct hbase_fault *fault)
{
    for (size_t i = 0; i < multi->ngroups; i++)
        hbase_table_take_fault(writer->table, &multi->groups[i].region, fault);
    note_fault(flight, fault);
}

static void start_part(struct hbase_writer *writer, struct flight *flight, struct part *part)
{
    struct status st = hbase_cluster_connect(writer->cluster, &part->multi.groups[0].region.server,
                                             HBASE_CLIENT_SERVICE, &part->connection);

    if (st.code != STATUS_OK) {
        struct hbase_fault fault;
        hbase_fault_from_status(st, &fault);
        note_part_fault(writer, flight, &part->multi, &fault);
        return;
    }

    struct arena *arena = arena_create(0);
    const struct hbase_request request = {
        .method = "Multi",
        .message = &hbase_multi_make_request(&part->multi, arena)->base,
        .block = hbase_multi_get_block(&part->multi, &writer->scratch),
        .reply = &hb__multi_response__descriptor,
        .max_in_flight = HBASE_WRITER_MAX_AT_SERVER,
        .timeout_ms = CALL_TIMEOUT_MS,
    };
    hbase_call_start(part->connection, &request, &part->call);
    arena_destroy(arena);
}

/* Sends what is not done of a batch. What goes wrong is noted in the flight. */
static void start_flight(struct hbase_writer *writer, struct flight *flight)
{
    flight->arena = arena_create(MAX_REGION_BYTES);

    struct status st = make_groups(writer, flight);
    if (st.code != STATUS_OK) {
        note_status(flight, st);
        return;
    }

    const struct hbase_group *groups = flight->groups;
    qsort(flight->groups, flight->ngroups, sizeof(*groups), compare_groups);
    flight->parts = arena_alloc(flight->arena, flight->ngroups * sizeof(*flight->parts));
    for (size_t i = 0, n; i < flight->ngroups; i += n) {
        for (n = 1; i + n < flight->ngroups; n++)
            if (compare_servers(&groups[i].region.server, &groups[i + n].region.server) != 0)
                break;

        struct part *part = &flight->parts[flight->nparts++];
        part->multi = (struct hbase_multi){&flight->batch, &groups[i], n};
        start_part(writer, flight, part);
    }
}

/* ---- On the way back: what was acknowledged, and what goes out again */

/* The cell of a mutation that is most likely the one that is refused. */
static struct hbase_cell find_largest_cell(const struct hbase_batch *batch,
                                           const struct hbase_mutation *mutation)
{
    struct str cells = hbase_mutation_get_cells(batch, mutation);
    struct hbase_cell largest = {0};
    struct hbase_cell cell;

    while (cells.len > 0 && hbase_cell_take(&cells, &cell).code == STATUS_OK)
        if (!largest.row.data || cell.value.len > largest.value.len)
            largest = cell;
    return largest;
}

struct answer {
    struct hbase_multi_reader reader;
    struct hbase_writer *writer;
    struct flight *flight;
};

/*
 * A server that refuses one row's cells may answer so for all of the region's (RSRpcServices.doBatchOp), so a row must be
 * refused alone.
 */
static void take_refusal(struct answer *answer, const struct hbase_group *group,
                         struct hbase_mutation *mutation, const struct hbase_fault *fault)
{
    const struct hbase_writer_options *options = &answer->writer->options;

    if (group->nmutations > 1) {
        mutation->is_alone = true;
        note_fault(answer->flight,
                   &(struct hbase_fault){.action = HBASE_ACTION_AT_ONCE, .status = fault->status});
        return;
    }
    struct status st = fault->status;
    if (options->on_refused) {
        const struct hbase_cell cell = find_largest_cell(&answer->flight->batch, mutation);
        st = options->on_refused(options->self, &cell, st);
    }
    if (st.code == STATUS_OK)
        mutation->is_done = true;
    else
        note_fault(answer->flight,
                   &(struct hbase_fault){.action = HBASE_ACTION_FAIL, .status = st});
}

static void take_fault(struct hbase_multi_reader *reader, const struct hbase_group *group,
                       struct hbase_mutation *mutation, const struct hbase_fault *fault)
{
    struct answer *answer = container_of(reader, struct answer, reader);
    struct hbase_batch *batch = &answer->flight->batch;

    if (fault->action != HBASE_ACTION_FAIL || fault->status.code != STATUS_INVALID_ARGUMENT) {
        hbase_table_take_fault(answer->writer->table, &group->region, fault);
        note_fault(answer->flight, fault);
        return;
    }
    if (mutation) {
        take_refusal(answer, group, mutation, fault);
        return;
    }
    for (size_t i = group->begin; i < group->end; i++)
        if (!batch->mutations[i].is_done)
            take_refusal(answer, group, &batch->mutations[i], fault);
}

static void finish_part(struct hbase_writer *writer, struct flight *flight, struct part *part)
{
    const struct hbase_server *server = &part->multi.groups[0].region.server;
    struct hbase_reply reply;
    struct hbase_fault fault;

    if (!part->call)
        return;
    if (!hbase_call_wait(part->call, &reply, &fault)) {
        note_part_fault(writer, flight, &part->multi, &fault);
    } else {
        char name[SERVER_BYTES];
        struct answer answer = {{take_fault, name}, writer, flight};

        (void)snprintf(name, sizeof(name), "%s:%d", server->host, server->port);
        struct status st = hbase_multi_read(&part->multi, (const Hb__MultiResponse *)reply.message,
                                            &answer.reader);
        if (st.code != STATUS_OK)
            note_fault(flight, &(struct hbase_fault){.action = HBASE_ACTION_PAUSE, .status = st});
        hbase_reply_free(&reply);
    }
    part->call = NULL;
}

static size_t count_done(const struct hbase_batch *batch)
{
    size_t n = 0;

    for (size_t i = 0; i < batch->nmutations; i++)
        n += batch->mutations[i].is_done;
    return n;
}

/* Waits until all of a batch is acknowledged; sends again what is not. */
static struct status settle(struct hbase_writer *writer, struct flight *flight)
{
    struct hbase_retry retry;
    size_t ndone = 0;

    for (unsigned ntries = 1;; ntries++) {
        for (size_t i = 0; i < flight->nparts; i++)
            finish_part(writer, flight, &flight->parts[i]);
        hbase_window_note(&writer->window,
                          flight->has_fault && flight->fault.action == HBASE_ACTION_OVERLOAD);

        struct hbase_fault fault = flight->fault;
        size_t now_done = count_done(&flight->batch);
        end_flight(writer, flight);
        if (now_done == flight->batch.nmutations)
            return status_ok();
        if (ntries == 1 || now_done > ndone)
            retry = hbase_cluster_begin_retry(writer->cluster);
        ndone = now_done;
        if (!hbase_cluster_pause(writer->cluster, &retry, &fault))
            return hbase_refusal_explain(hbase_cluster_explain(writer->cluster, &fault),
                                         hbase_table_get_text(writer->table));
        start_flight(writer, flight);
    }
}

static struct flight *get_flight(struct hbase_writer *writer, unsigned place)
{
    return &writer->flights[(writer->first + place) % writer->nflights];
}

static struct status settle_first(struct hbase_writer *writer)
{
    struct flight *flight = get_flight(writer, 0);

    writer->status = settle(writer, flight);
    hbase_batch_clear(&flight->batch);
    writer->first = (writer->first + 1) % writer->nflights;
    writer->nsent--;
    return writer->status;
}

/* Sends the batch that is being filled; the next one is empty then. */
static struct status send_batch(struct hbase_writer *writer)
{
    struct flight *flight = get_flight(writer, writer->nsent);

    hbase_batch_end(&flight->batch);
    while (writer->nsent >= writer->window.size && settle_first(writer).code == STATUS_OK)
        continue;
    if (writer->status.code == STATUS_OK) {
        start_flight(writer, flight);
        writer->nsent++;
    }
    return writer->status;
}

struct status hbase_writer_put(struct hbase_writer *writer, const struct hbase_cell *cells,
                               size_t ncells)
{
    for (size_t i = 0; writer->status.code == STATUS_OK && i < ncells; i++) {
        while (!hbase_batch_add(&get_flight(writer, writer->nsent)->batch, &cells[i]))
            if (send_batch(writer).code != STATUS_OK)
                break;
    }
    return writer->status;
}

struct status hbase_writer_flush(struct hbase_writer *writer)
{
    if (writer->status.code == STATUS_OK &&
        !hbase_batch_is_empty(&get_flight(writer, writer->nsent)->batch))
        (void)send_batch(writer);
    while (writer->status.code == STATUS_OK && writer->nsent > 0)
        (void)settle_first(writer);
    return writer->status;
}
