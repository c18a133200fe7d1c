#include "hbase/multi.h"

#include "hbase/message.h"

/* The class that says so of itself; those that derive from it have rules of their own (fault.c). */
static const char do_not_retry[] = "org.apache.hadoop.hbase.DoNotRetryIOException";

/* The actions of one region: an array of each message, so that a row takes no allocations of its own. */
static void make_actions(const struct hbase_batch *batch, const struct hbase_group *group,
                         struct arena *arena, Hb__RegionAction *ret)
{
    Hb__Action *actions = arena_alloc(arena, group->nmutations * sizeof(*actions));
    Hb__MutationProto *protos = arena_alloc(arena, group->nmutations * sizeof(*protos));

    ret->action = arena_alloc(arena, group->nmutations * sizeof(Hb__Action *));
    for (size_t i = group->begin; i < group->end; i++) {
        const struct hbase_mutation *mutation = &batch->mutations[i];
        size_t n = ret->n_action;

        if (mutation->is_done)
            continue;
        protos[n] = (Hb__MutationProto)HB__MUTATION_PROTO__INIT;
        protos[n].has_row = true;
        protos[n].row = hbase_bytes_make(mutation->row);
        protos[n].has_mutate_type = true;
        protos[n].mutate_type = mutation->is_delete ? HB__MUTATION_PROTO__MUTATION_TYPE__DELETE
                                                    : HB__MUTATION_PROTO__MUTATION_TYPE__PUT;
        /* What is acknowledged is taken for kept, so a table's own DURABILITY may not be less. */
        protos[n].has_durability = true;
        protos[n].durability = HB__MUTATION_PROTO__DURABILITY__SYNC_WAL;
        protos[n].has_associated_cell_count = true;
        protos[n].associated_cell_count = (int32_t)mutation->ncells;
        actions[n] = (Hb__Action)HB__ACTION__INIT;
        actions[n].has_index = true;
        actions[n].index = (uint32_t)i;
        actions[n].mutation = &protos[n];
        ret->action[ret->n_action++] = &actions[n];
    }
}

const Hb__MultiRequest *hbase_multi_make_request(const struct hbase_multi *multi,
                                                 struct arena *arena)
{
    Hb__MultiRequest *request = arena_alloc(arena, sizeof(*request));
    Hb__RegionAction *lists = arena_alloc(arena, multi->ngroups * sizeof(*lists));
    Hb__RegionSpecifier *regions = arena_alloc(arena, multi->ngroups * sizeof(*regions));

    *request = (Hb__MultiRequest)HB__MULTI_REQUEST__INIT;
    request->region_action = arena_alloc(arena, multi->ngroups * sizeof(Hb__RegionAction *));
    request->n_region_action = multi->ngroups;
    for (size_t i = 0; i < multi->ngroups; i++) {
        const struct hbase_group *group = &multi->groups[i];

        regions[i] = (Hb__RegionSpecifier)HB__REGION_SPECIFIER__INIT;
        regions[i].type = HB__REGION_SPECIFIER__TYPE__REGION_NAME;
        regions[i].value = hbase_bytes_make(group->region.name);
        lists[i] = (Hb__RegionAction)HB__REGION_ACTION__INIT;
        lists[i].region = &regions[i];
        make_actions(multi->batch, group, arena, &lists[i]);
        request->region_action[i] = &lists[i];
    }
    return request;
}

struct str hbase_multi_get_block(const struct hbase_multi *multi, struct buf *scratch)
{
    struct str block = {0}; /* of the cells so far, while they stand together in the batch */

    buf_clear(scratch);
    for (size_t i = 0; i < multi->ngroups; i++) {
        for (size_t j = multi->groups[i].begin; j < multi->groups[i].end; j++) {
            const struct hbase_mutation *mutation = &multi->batch->mutations[j];
            struct str cells = hbase_mutation_get_cells(multi->batch, mutation);

            if (mutation->is_done)
                continue;
            if (scratch->len == 0 && (block.len == 0 || block.data + block.len == cells.data)) {
                block.data = block.len == 0 ? cells.data : block.data;
                block.len += cells.len;
                continue;
            }
            if (scratch->len == 0)
                buf_append_str(scratch, block);
            buf_append_str(scratch, cells);
        }
    }
    return scratch->len > 0 ? buf_get(scratch) : block;
}

/* Here an exception is its class and its text; nothing else says whether to try again. */
static struct hbase_fault read_exception(const Hb__NameBytesPair *exception, const char *server)
{
    struct str class_name = str_from(exception->name);
    struct str text = {"", 0};
    struct hbase_fault fault;

    if (exception->has_value && exception->value.len > 0)
        text = hbase_bytes_get(exception->value);
    hbase_fault_read(class_name, text, str_is(class_name, do_not_retry), server, &fault);
    return fault;
}

static struct status read_group(const struct hbase_multi *multi, const struct hbase_group *group,
                                const Hb__RegionActionResult *result,
                                struct hbase_multi_reader *reader)
{
    for (size_t i = 0; i < result->n_result_or_exception; i++) {
        const Hb__ResultOrException *item = result->result_or_exception[i];

        if (!item->has_index || item->index < group->begin || item->index >= group->end ||
            multi->batch->mutations[item->index].is_done)
            return status_error(STATUS_DATA_LOSS,
                                "%s answered for a row that it was not asked to write",
                                reader->server);

        struct hbase_mutation *mutation = &multi->batch->mutations[item->index];
        if (!item->exception) {
            mutation->is_done = true;
            continue;
        }
        struct hbase_fault fault = read_exception(item->exception, reader->server);
        reader->on_fault(reader, group, mutation, &fault);
    }
    if (result->n_result_or_exception != group->nmutations)
        return status_error(STATUS_DATA_LOSS, "%s answered for %zu rows of a region, not for %zu",
                            reader->server, result->n_result_or_exception, group->nmutations);
    return status_ok();
}

struct status hbase_multi_read(const struct hbase_multi *multi, const Hb__MultiResponse *response,
                               struct hbase_multi_reader *reader)
{
    struct status st = status_ok();

    if (response->n_region_action_result != multi->ngroups)
        return status_error(STATUS_DATA_LOSS, "%s answered for %zu regions, not for %zu",
                            reader->server, response->n_region_action_result, multi->ngroups);
    for (size_t i = 0; i < multi->ngroups; i++) {
        const Hb__RegionActionResult *result = response->region_action_result[i];

        if (result->exception) {
            struct hbase_fault fault = read_exception(result->exception, reader->server);
            reader->on_fault(reader, &multi->groups[i], NULL, &fault);
            continue;
        }
        struct status group_st = read_group(multi, &multi->groups[i], result, reader);
        if (st.code == STATUS_OK)
            st = group_st;
    }
    return st;
}
