/* Batches: cells to mutations, mutations to requests, and what answers say of each. */
#include "hbase/multi.h"

#include <stdio.h>

#include "hbase/writer.h"
#include "tests/harness/test.h"
#include "tests/unit/hbase/cell_text.h"

static void add(struct hbase_batch *batch, const char *text)
{
    struct hbase_cell cells[CELL_TEXT_MAX_CELLS];
    size_t n = cell_text_read(text, cells);

    for (size_t i = 0; i < n; i++)
        check(hbase_batch_add(batch, &cells[i]));
}

/* The mutations in order, as "put a/f:x@1 | delete b/f:@2F". */
static const char *show(const struct hbase_batch *batch, struct buf *ret)
{
    struct buf cells = {0};

    buf_clear(ret);
    for (size_t i = 0; i < batch->nmutations; i++)
        buf_printf(
            ret, "%s%s %s", i > 0 ? " | " : "", batch->mutations[i].is_delete ? "delete" : "put",
            cell_text_show_block(hbase_mutation_get_cells(batch, &batch->mutations[i]), &cells));
    buf_deinit(&cells);
    return buf_get_text(ret);
}

test(batch_has_a_mutation_for_values_and_one_for_markers_of_a_row)
{
    struct hbase_batch batch;
    struct buf text = {0};

    hbase_batch_init(&batch);
    add(&batch, "a/f:@9F a/f:x@2 a/f:y@5D a/g:z@1 b/f:x@1 c/f:x@3C");
    hbase_batch_end(&batch);
    check_str(show(&batch, &text),
              "put a/f:x@2 a/g:z@1 | delete a/f:@9F a/f:y@5D | put b/f:x@1 | delete c/f:x@3C");
    check_int(batch.mutations[0].ncells, 2);
    check(str_is(batch.mutations[1].row, "a"));
    hbase_batch_clear(&batch);
    check(hbase_batch_is_empty(&batch));
    add(&batch, "d/f:x@1");
    hbase_batch_end(&batch);
    check_str(show(&batch, &text), "put d/f:x@1");
    buf_deinit(&text);
    hbase_batch_deinit(&batch);
}

test(batch_puts_rows_in_order)
{
    struct hbase_batch batch;
    struct buf text = {0};

    hbase_batch_init(&batch);
    add(&batch, "b/f:x@2 a/f:x@1 b/f:x@1 ab/f:x@1D");
    hbase_batch_end(&batch);
    check_str(show(&batch, &text), "put a/f:x@1 | delete ab/f:x@1D | put b/f:x@2 | put b/f:x@1");
    buf_deinit(&text);
    hbase_batch_deinit(&batch);
}

/* A cell that takes size bytes of a batch. */
static struct hbase_cell make_cell(const char *value, size_t size)
{
    struct hbase_cell cell = {
        .row = str_from("r"), .family = str_from("f"), .timestamp_ms = 1, .type = HBASE_PUT};

    cell.value = str_from_bytes(value, size - hbase_cell_get_size_bytes(&cell));
    return cell;
}

test(batch_takes_as_many_bytes_as_it_may_have_and_any_first_cell)
{
    struct hbase_batch batch;
    struct buf value = {0};

    (void)buf_reserve(&value, 2 * HBASE_WRITER_BATCH_BYTES);
    memset(value.data, 'x', 2 * HBASE_WRITER_BATCH_BYTES);
    struct hbase_cell cell = make_cell(value.data, HBASE_WRITER_BATCH_BYTES / 2);
    struct hbase_cell large = make_cell(value.data, 2 * HBASE_WRITER_BATCH_BYTES);
    hbase_batch_init(&batch);
    check(hbase_batch_add(&batch, &cell));
    check(hbase_batch_add(&batch, &cell));
    cell.value.len = 0;
    check(!hbase_batch_add(&batch, &cell));
    hbase_batch_clear(&batch);
    check(hbase_batch_add(&batch, &large));
    check(!hbase_batch_add(&batch, &cell));
    buf_deinit(&value);
    hbase_batch_deinit(&batch);
}

test(batch_takes_as_many_rows_as_it_may_have)
{
    struct hbase_batch batch;
    struct hbase_cell cell = {.family = str_from("f"), .timestamp_ms = 1, .type = HBASE_PUT};
    char row[16];
    size_t n = 0;

    hbase_batch_init(&batch);
    for (;; n++) {
        cell.row = str_from_bytes(row, (size_t)snprintf(row, sizeof(row), "%05zu", n));
        cell.type = HBASE_DELETE_FAMILY;
        if (!hbase_batch_add(&batch, &cell))
            break;
        cell.type = HBASE_PUT; /* always fits: it is the same row */
        check(hbase_batch_add(&batch, &cell));
    }
    hbase_batch_end(&batch);
    check_int(batch.nmutations, HBASE_BATCH_MAX_MUTATIONS);
    check_int(n, HBASE_BATCH_MAX_MUTATIONS / 2);
    hbase_batch_deinit(&batch);
}

/* ---- Requests and answers of a batch of six rows in two regions. */

struct fixture {
    struct hbase_batch batch;
    struct hbase_group groups[2];
    struct hbase_multi multi;
    struct arena *arena;
    struct buf text;
    struct hbase_multi_reader reader;
    struct buf faults; /* what was told, as "a UNAVAILABLE, region r2 NOT_FOUND" */
};

static void note_fault(struct hbase_multi_reader *reader, const struct hbase_group *group,
                       struct hbase_mutation *mutation, const struct hbase_fault *fault)
{
    struct fixture *f = container_of(reader, struct fixture, reader);
    struct str name = mutation ? mutation->row : group->region.name;

    buf_printf(&f->faults, "%s%s%.*s %s", f->faults.len > 0 ? ", " : "", mutation ? "" : "region ",
               (int)name.len, name.data, status_code_get_name(fault->status.code));
}

static void fixture_open(struct fixture *f)
{
    *f = (struct fixture){
        .groups = {{.region = {.name = str_from("r1")}, .begin = 0, .end = 3, .nmutations = 3},
                   {.region = {.name = str_from("r2")}, .begin = 3, .end = 6, .nmutations = 3}},
        .arena = arena_create(0),
        .reader = {note_fault, "s1:16020"},
    };
    f->multi = (struct hbase_multi){&f->batch, f->groups, ARRAY_LEN(f->groups)};
    hbase_batch_init(&f->batch);
    add(&f->batch, "a/f:x@2 a/f:x@1 b/f:x@1D c/f:x@1 d/f:x@1 e/f:x@1 f/f:x@1");
    hbase_batch_end(&f->batch);
}

static void fixture_close(struct fixture *f)
{
    hbase_batch_deinit(&f->batch);
    arena_destroy(f->arena);
    buf_deinit(&f->text);
    buf_deinit(&f->faults);
}

/* Which rows are done, as "ac". */
static const char *show_done(struct fixture *f)
{
    buf_clear(&f->text);
    for (size_t i = 0; i < f->batch.nmutations; i++)
        if (f->batch.mutations[i].is_done)
            buf_append_str(&f->text, f->batch.mutations[i].row);
    return buf_get_text(&f->text);
}

test(request_names_regions_and_counts_the_cells_of_each_row)
{
    struct fixture f;

    fixture_open(&f);
    const Hb__MultiRequest *request = hbase_multi_make_request(&f.multi, f.arena);
    check_int(request->n_region_action, 2);
    const Hb__RegionAction *list = request->region_action[0];
    check(memcmp(list->region->value.data, "r1", 2) == 0);
    check_int(list->n_action, 3);
    check_int(list->action[0]->index, 0);
    check_int(list->action[0]->mutation->associated_cell_count, 2);
    check_int(list->action[0]->mutation->mutate_type, HB__MUTATION_PROTO__MUTATION_TYPE__PUT);
    check_int(list->action[0]->mutation->durability, HB__MUTATION_PROTO__DURABILITY__SYNC_WAL);
    check_int(list->action[1]->mutation->mutate_type, HB__MUTATION_PROTO__MUTATION_TYPE__DELETE);
    check(memcmp(list->action[1]->mutation->row.data, "b", 1) == 0);
    check_int(request->region_action[1]->action[2]->index, 5);
    fixture_close(&f);
}

test(request_has_what_is_not_done_alone)
{
    struct fixture f;
    struct buf scratch = {0};

    fixture_open(&f);
    check(hbase_multi_get_block(&f.multi, &scratch).data == f.batch.block.data);
    f.batch.mutations[0].is_done = true;
    f.batch.mutations[4].is_done = true;
    f.groups[0].nmutations = 2;
    f.groups[1].nmutations = 2;
    const Hb__MultiRequest *request = hbase_multi_make_request(&f.multi, f.arena);
    check_int(request->region_action[0]->n_action, 2);
    check_int(request->region_action[0]->action[0]->index, 1);
    check_int(request->region_action[1]->action[1]->index, 5);
    check_str(cell_text_show_block(hbase_multi_get_block(&f.multi, &scratch), &f.text),
              "b/f:x@1D c/f:x@1 d/f:x@1 f/f:x@1");
    buf_deinit(&scratch);
    fixture_close(&f);
}

/* An answer: for each region the indexes that it names, or a class of exception. */
struct scripted {
    Hb__MultiResponse response;
    Hb__RegionActionResult regions[2];
    Hb__RegionActionResult *region_list[2];
    Hb__ResultOrException items[2][4];
    Hb__ResultOrException *item_list[2][4];
    Hb__NameBytesPair exceptions[2];
};

static void script_init(struct scripted *s)
{
    *s = (struct scripted){.response = HB__MULTI_RESPONSE__INIT};
    s->response.region_action_result = s->region_list;
    s->response.n_region_action_result = 2;
    for (size_t i = 0; i < 2; i++) {
        s->regions[i] = (Hb__RegionActionResult)HB__REGION_ACTION_RESULT__INIT;
        s->regions[i].result_or_exception = s->item_list[i];
        s->region_list[i] = &s->regions[i];
        s->exceptions[i] = (Hb__NameBytesPair)HB__NAME_BYTES_PAIR__INIT;
    }
}

static Hb__ResultOrException *script_add(struct scripted *s, size_t region, uint32_t index)
{
    size_t n = s->regions[region].n_result_or_exception++;
    Hb__ResultOrException *item = &s->items[region][n];

    *item = (Hb__ResultOrException)HB__RESULT_OR_EXCEPTION__INIT;
    item->has_index = true;
    item->index = index;
    s->item_list[region][n] = item;
    return item;
}

static void script_add_all(struct scripted *s, size_t region, const uint32_t indexes[3])
{
    for (size_t i = 0; i < 3; i++)
        (void)script_add(s, region, indexes[i]);
}

static struct status read_answer(struct fixture *f, const struct scripted *s)
{
    return hbase_multi_read(&f->multi, &s->response, &f->reader);
}

test(answer_in_any_order_acknowledges_by_index)
{
    struct fixture f;
    struct scripted s;

    fixture_open(&f);
    script_init(&s);
    script_add_all(&s, 0, (uint32_t[]){2, 0, 1});
    script_add_all(&s, 1, (uint32_t[]){5, 4, 3});
    check_status(read_answer(&f, &s), STATUS_OK);
    check_str(show_done(&f), "abcdef");
    check_str(buf_get_text(&f.faults), "");
    fixture_close(&f);
}

test(answer_tells_of_rows_and_of_regions_that_failed)
{
    struct fixture f;
    struct scripted s;

    fixture_open(&f);
    script_init(&s);
    script_add_all(&s, 0, (uint32_t[]){0, 1, 2});
    s.exceptions[0].name = "org.apache.hadoop.hbase.RegionTooBusyException";
    s.items[0][1].exception = &s.exceptions[0];
    s.exceptions[1].name = "org.apache.hadoop.hbase.TableNotFoundException";
    s.regions[1].exception = &s.exceptions[1];
    check_status(read_answer(&f, &s), STATUS_OK);
    check_str(show_done(&f), "ac");
    check_str(buf_get_text(&f.faults), "b UNAVAILABLE, region r2 NOT_FOUND");
    fixture_close(&f);
}

test(answer_that_does_not_fit_the_request_acknowledges_no_more_than_it_names)
{
    static const struct {
        uint32_t indexes[3];
        size_t n;
        const char *done; /* of the first region; the second one is all right */
    } cases[] = {
        {{0, 1}, 2, "abdef"},    /* too few */
        {{0, 1, 3}, 3, "abdef"}, /* another region's */
        {{0, 1, 6}, 3, "abdef"}, /* nobody's */
        {{0, 1, 1}, 3, "abdef"}, /* one twice */
        {{UINT32_MAX, 1, 0}, 3, "def"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct fixture f;
        struct scripted s;

        fixture_open(&f);
        script_init(&s);
        for (size_t j = 0; j < cases[i].n; j++)
            (void)script_add(&s, 0, cases[i].indexes[j]);
        script_add_all(&s, 1, (uint32_t[]){3, 4, 5});
        check_status(read_answer(&f, &s), STATUS_DATA_LOSS);
        check_str(show_done(&f), cases[i].done);
        fixture_close(&f);
    }
}

test(answer_for_other_regions_acknowledges_nothing)
{
    struct fixture f;
    struct scripted s;

    fixture_open(&f);
    script_init(&s);
    script_add_all(&s, 0, (uint32_t[]){0, 1, 2});
    s.response.n_region_action_result = 1;
    check_status(read_answer(&f, &s), STATUS_DATA_LOSS);
    check_str(show_done(&f), "");
    fixture_close(&f);
}
