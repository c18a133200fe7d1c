#include "tests/harness/filters/filters.h"

#include <string.h>

#include "base/arena.h"
#include "base/compiler.h"

enum { MAX_DEPTH = 4, MAX_LABELS = 3 };

static const char *const names[] = {"a", "b", "ab"};
static const char *const texts[] = {
    "",   "a",  "ab",  "b c", "%",  "_",   "*",        "a*", "'",
    "\"", "\\", "\\'", "$1",  "%L", "AND", "\xc3\xa9", "Z",
};
static const char *const keys[] = {"team", "env", "a-b_9"};

/* Around second ends and far away; in microseconds. */
static const int64_t times_us[] = {
    -62135596800000000,
    -1,
    0,
    1,
    1767323045000000,
    1767323045000001,
    1767323045999999,
    1767323046000000,
    253402300799999999,
};

unsigned filters_choose(struct filter_maker *maker, unsigned n)
{
    /* splitmix64 */
    uint64_t z = maker->seed += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (unsigned)((z ^ (z >> 31)) % n);
}

static const char *choose_text(struct filter_maker *maker)
{
    return texts[filters_choose(maker, ARRAY_LEN(texts))];
}

static void make_text(struct filter_maker *maker, struct filter_comparison *comparison)
{
    bool is_name = comparison->field == FILTER_SOURCE || comparison->field == FILTER_DESTINATION;

    comparison->operator= filters_choose(maker, 4) == 0 ? FILTER_PREFIX : FILTER_EQUAL;
    comparison->text =
        str_from(is_name ? names[filters_choose(maker, ARRAY_LEN(names))] : choose_text(maker));
    if (comparison->field == FILTER_LABEL) {
        comparison->key = keys[filters_choose(maker, ARRAY_LEN(keys))];
        if (filters_choose(maker, 4) == 0) {
            comparison->operator= FILTER_PRESENT;
            comparison->text = (struct str){0};
        }
    }
}

static void make_enum(struct filter_maker *maker, const ProtobufCEnumDescriptor *type,
                      const char *prefix, struct filter_comparison *comparison)
{
    const ProtobufCEnumValue *value = &type->values[1 + filters_choose(maker, type->n_values - 1)];

    comparison->value = value->value;
    comparison->text = str_from(value->name + strlen(prefix));
}

static void make_comparison(struct filter_maker *maker, struct filter_comparison *ret)
{
    struct filter_comparison comparison = {
        .field = (enum filter_field)filters_choose(maker, FILTER_NFIELDS),
    };

    if (comparison.field == FILTER_KIND) {
        make_enum(maker, &pb__task_kind__descriptor, "TASK_KIND_", &comparison);
    } else if (comparison.field == FILTER_STATE) {
        make_enum(maker, &pb__task_state__descriptor, "TASK_STATE_", &comparison);
    } else if (comparison.field == FILTER_CREATE_TIME) {
        comparison.operator=(enum filter_operator) filters_choose(maker, FILTER_PREFIX);
        comparison.time_us = times_us[filters_choose(maker, ARRAY_LEN(times_us))];
    } else {
        make_text(maker, &comparison);
    }
    *ret = comparison;
}

static const struct filter_node *make_node(struct filter_maker *maker, struct arena *arena,
                                           unsigned depth)
{
    struct filter_node *node = arena_alloc(arena, sizeof(*node));

    node->type =
        depth == 0 ? FILTER_NODE_COMPARISON : (enum filter_node_type)filters_choose(maker, 4);
    if (node->type == FILTER_NODE_COMPARISON) {
        make_comparison(maker, &node->comparison);
        return node;
    }
    node->left = make_node(maker, arena, depth - 1);
    if (node->type != FILTER_NODE_NOT)
        node->right = make_node(maker, arena, depth - 1);
    return node;
}

void filters_make(struct filter_maker *maker, struct arena *arena, struct filter *ret)
{
    ret->root = make_node(maker, arena, filters_choose(maker, MAX_DEPTH + 1));
}

static void make_labels(struct filter_maker *maker, struct arena *arena, Pb__Task *task)
{
    task->labels = arena_alloc(arena, MAX_LABELS * sizeof(Pb__Task__LabelsEntry *));
    for (size_t i = 0; i < MAX_LABELS; i++) {
        if (filters_choose(maker, 2) == 0)
            continue;
        Pb__Task__LabelsEntry *label = arena_alloc(arena, sizeof(*label));
        pb__task__labels_entry__init(label);
        label->key = arena_copy_str(arena, str_from(keys[i]));
        label->value = arena_copy_str(arena, str_from(choose_text(maker)));
        task->labels[task->n_labels++] = label;
    }
}

Pb__Task *filters_make_task(struct filter_maker *maker, struct arena *arena)
{
    Pb__Task *task = arena_alloc(arena, sizeof(*task));
    int64_t time_us = times_us[filters_choose(maker, ARRAY_LEN(times_us))];

    pb__task__init(task);
    task->kind = 1 + filters_choose(maker, pb__task_kind__descriptor.n_values - 1);
    task->state = 1 + filters_choose(maker, pb__task_state__descriptor.n_values - 1);
    task->source = arena_copy_str(arena, str_from(names[filters_choose(maker, ARRAY_LEN(names))]));
    task->destination =
        arena_copy_str(arena, str_from(names[filters_choose(maker, ARRAY_LEN(names))]));
    task->display_name = arena_copy_str(arena, str_from(choose_text(maker)));
    task->create_time = arena_alloc(arena, sizeof(*task->create_time));
    google__protobuf__timestamp__init(task->create_time);
    task->create_time->nanos = (int32_t)((time_us % 1000000 + 1000000) % 1000000) * 1000;
    task->create_time->seconds = (time_us - task->create_time->nanos / 1000) / 1000000;
    make_labels(maker, arena, task);
    return task;
}

static bool keys_are_equal(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

bool filters_are_equal(const struct filter_node *a, const struct filter_node *b)
{
    if (!a || !b)
        return a == b;
    return a->type == b->type && a->comparison.field == b->comparison.field &&
           a->comparison.operator== b->comparison.operator&& a->comparison.value ==
           b->comparison.value && a->comparison.time_us == b->comparison.time_us &&
           str_is_equal(a->comparison.text, b->comparison.text) &&
           keys_are_equal(a->comparison.key, b->comparison.key) &&
           filters_are_equal(a->left, b->left) && filters_are_equal(a->right, b->right);
}
