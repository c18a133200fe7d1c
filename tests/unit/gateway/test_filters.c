/*
 * tests/unit/gateway/test_filters.c - PostgreSQL takes the same tasks as the evaluator in C, in the right order and each
 * once, however the list is cut into pages.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libpq-fe.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/json_out.h"
#include "gateway/enum_text.h"
#include "migrations/migrations.h"
#include "spec/filter_plan.h"
#include "tests/harness/filters/filters.h"
#include "tests/harness/postgres/server.h"
#include "tests/harness/test.h"

enum {
    NTASKS = 200,
    NFILTERS = 2000,
    ARENA_BYTES = 1 << 24,
};

struct world {
    PGconn *pg;
    struct arena *arena;
    struct filter_maker maker;
    Pb__Task *tasks[NTASKS]; /* in the order of the table's numbers, from 1 */
};

static PGresult *run(PGconn *pg, const char *sql, const char *const *params, int nparams)
{
    PGresult *result = PQexecParams(pg, sql, nparams, NULL, params, NULL, NULL, 0);

    if (PQresultStatus(result) != PGRES_TUPLES_OK && PQresultStatus(result) != PGRES_COMMAND_OK) {
        printf("%s: %s", sql, PQerrorMessage(pg));
        exit(1);
    }
    return result;
}

static int64_t get_time_us(const Pb__Task *task)
{
    return task->create_time->seconds * 1000000 + task->create_time->nanos / 1000;
}

static void write_labels(const Pb__Task *task, struct buf *buf)
{
    struct json_out out = json_out_make(buf);

    json_out_begin_object(&out);
    for (size_t i = 0; i < task->n_labels; i++) {
        json_out_key(&out, task->labels[i]->key);
        json_out_text(&out, task->labels[i]->value);
    }
    json_out_end_object(&out);
}

static void insert_task(PGconn *pg, const Pb__Task *task, int number)
{
    char id[16], time[CLOCK_TEXT_BYTES];
    struct buf labels = {0};
    const char *state = enum_text_find(&pb__task_state__descriptor, (int)task->state);
    bool is_done = strcmp(state, "PENDING") != 0 && strcmp(state, "RUNNING") != 0;

    (void)snprintf(id, sizeof(id), "t%d", number);
    clock_write_text(get_time_us(task), time);
    write_labels(task, &labels);
    const char *const params[] = {
        id,
        enum_text_find(&pb__task_kind__descriptor, (int)task->kind),
        task->source,
        task->destination,
        state,
        time,
        task->display_name,
        buf_get_text(&labels),
        is_done ? time : NULL,
    };
    PQclear(run(pg,
                "INSERT INTO task (id, kind, source, destination, spec, state, stage, create_time,"
                "                  display_name, labels, end_time)"
                " VALUES ($1, $2, $3, $4, '', $5, 'WAIT_FOR_START', $6, $7, $8, $9)",
                params, ARRAY_LEN(params)));
    buf_deinit(&labels);
}

static void open_world(struct world *world, uint64_t seed)
{
    const char *url = postgres_server_make_database();

    check_status(migrations_apply(url, migrations_files, migrations_nfiles, NULL, NULL), STATUS_OK);
    *world = (struct world){
        .pg = PQconnectdb(url), .arena = arena_create(ARENA_BYTES), .maker = {.seed = seed}};
    PQclear(run(world->pg, "SET enable_seqscan = off", NULL, 0));
    PQclear(run(world->pg,
                "INSERT INTO data_source (name, type, parameters_json)"
                " SELECT name, 'FILE', '{}' FROM unnest('{a,b,ab}'::text[]) name",
                NULL, 0));
    for (int i = 0; i < NTASKS; i++) {
        world->tasks[i] = filters_make_task(&world->maker, world->arena);
        insert_task(world->pg, world->tasks[i], i + 1);
    }
}

static void close_world(struct world *world)
{
    PQfinish(world->pg);
    arena_destroy(world->arena);
}

/* A search through a list. */
struct search {
    const char *plan;
    bool is_oldest_first;
    int page_size;
    int numbers[NTASKS]; /* of the tasks that were found, in order */
    int count;
};

static void search_pages(struct world *world, struct search *search)
{
    char n[16], time[CLOCK_TEXT_BYTES], seq[24];
    bool is_first = true, is_last = false;

    (void)snprintf(n, sizeof(n), "%d", search->page_size);
    while (!is_last && search->count <= NTASKS) {
        const char *const params[] = {n, is_first ? NULL : time, is_first ? NULL : seq,
                                      search->is_oldest_first ? "t" : "f", search->plan};
        PGresult *result =
            run(world->pg,
                "SELECT to_jsonb(seqs), is_last, to_char(last_time AT TIME ZONE 'UTC',"
                "       'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), last_seq"
                "  FROM task_find($1, $2, $3, $4, $5::jsonb, false, 1000000, 0)",
                params, ARRAY_LEN(params));
        char *rest = PQgetvalue(result, 0, 0);
        while (*++rest != '\0' && search->count < NTASKS)
            if (*rest != ']')
                search->numbers[search->count++] = (int)strtol(rest, &rest, 10);
        is_last = PQgetvalue(result, 0, 1)[0] == 't';
        (void)snprintf(time, sizeof(time), "%s", PQgetvalue(result, 0, 2));
        (void)snprintf(seq, sizeof(seq), "%s", PQgetvalue(result, 0, 3));
        is_first = false;
        PQclear(result);
    }
}

static bool comes_before(const struct world *world, int a, int b, bool is_oldest_first)
{
    int64_t time_a = get_time_us(world->tasks[a - 1]), time_b = get_time_us(world->tasks[b - 1]);

    return is_oldest_first == (time_a < time_b || (time_a == time_b && a < b));
}

static bool is_right(const struct world *world, const struct filter *filter,
                     const struct search *search)
{
    bool is_found[NTASKS + 1] = {false};

    for (int i = 0; i < search->count; i++) {
        is_found[search->numbers[i]] = true;
        if (i > 0 && !comes_before(world, search->numbers[i - 1], search->numbers[i],
                                   search->is_oldest_first))
            return false;
    }
    for (int i = 1; i <= NTASKS; i++)
        if (is_found[i] != filter_matches(filter, world->tasks[i - 1]))
            return false;
    return true;
}

/* One filter by chance; true if both agree about it. */
static bool try_filter(struct world *world)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct filter filter = {0};
    struct buf plan = {0}, text = {0};

    filters_make(&world->maker, arena, &filter);
    filter_plan_write(&filter, arena, &plan);
    struct search search = {
        .plan = buf_get_text(&plan),
        .is_oldest_first = filters_choose(&world->maker, 2) == 0,
        .page_size = 1 + (int)filters_choose(&world->maker, 100),
    };
    search_pages(world, &search);
    bool is_agreed = is_right(world, &filter, &search);
    if (!is_agreed) {
        filter_write(&filter, &text);
        printf("pages of %d, oldest first %d, %d found: %s\n%s\n", search.page_size,
               search.is_oldest_first, search.count, buf_get_text(&text), search.plan);
    }
    buf_deinit(&plan);
    buf_deinit(&text);
    arena_destroy(arena);
    return is_agreed;
}

test(sql_and_c_take_the_same_tasks)
{
    static const uint64_t seed = 20261122;
    struct world world;
    int nwrong = 0;

    open_world(&world, seed);
    for (int i = 0; i < NFILTERS && nwrong < 3; i++)
        nwrong += !try_filter(&world);
    check_int(nwrong, 0);
    close_world(&world);
}

test(labels_that_change_are_found_and_others_are_not)
{
    struct world world;
    int nwrong = 0;

    open_world(&world, 7);
    PQclear(run(world.pg, "UPDATE task SET labels = '{\"team\":\"a\",\"env\":\"b c\"}'", NULL, 0));
    PQclear(run(world.pg, "UPDATE task SET labels = '{\"env\":\"ab\"}', version = 2", NULL, 0));
    for (int i = 0; i < NTASKS; i++) {
        Pb__Task *task = world.tasks[i];

        task->n_labels = 1;
        task->labels = arena_alloc(world.arena, sizeof(Pb__Task__LabelsEntry *));
        task->labels[0] = arena_alloc(world.arena, sizeof(Pb__Task__LabelsEntry));
        pb__task__labels_entry__init(task->labels[0]);
        task->labels[0]->key = arena_copy_str(world.arena, str_from("env"));
        task->labels[0]->value = arena_copy_str(world.arena, str_from("ab"));
    }
    for (int i = 0; i < NFILTERS / 10 && nwrong < 3; i++)
        nwrong += !try_filter(&world);
    check_int(nwrong, 0);
    PQclear(run(world.pg, "DELETE FROM task", NULL, 0));
    PGresult *left = run(world.pg, "SELECT count(*) FROM task_label", NULL, 0);
    check_str(PQgetvalue(left, 0, 0), "0");
    PQclear(left);
    close_world(&world);
}
