#include "spec/filter_plan.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/compiler.h"
#include "base/json_out.h"

enum {
    MAX_COVERS = 4, /* of one filter; the database tries each of them */
    MAX_TERMS = FILTER_MAX_COMPARISONS,
};

/* What stands for an operator of a comparison in JSON; that of a term may be another one. */
static const char *const operators[] = {
    [FILTER_EQUAL] = "=",
    [FILTER_LESS] = "<",
    [FILTER_LESS_OR_EQUAL] = "<=",
    [FILTER_GREATER] = ">",
    [FILTER_GREATER_OR_EQUAL] = ">=",
    [FILTER_PREFIX] = "PREFIX",
    [FILTER_PRESENT] = "PRESENT",
};

/* The condition. */

static void write_comparison(const struct filter_comparison *comparison, const char *operator,
                             struct json_out * out)
{
    char time[CLOCK_TEXT_BYTES];

    json_out_begin_array(out);
    json_out_text(out, operator);
    json_out_text(out, filter_fields[comparison->field]);
    if (comparison->field == FILTER_CREATE_TIME) {
        clock_write_text(comparison->time_us, time);
        json_out_text(out, time);
    } else {
        json_out_string(out, comparison->text);
    }
    if (comparison->key)
        json_out_text(out, comparison->key);
    json_out_end_array(out);
}

static void write_condition(const struct filter_node *node, struct json_out *out)
{
    static const char *const names[] = {
        [FILTER_NODE_NOT] = "NOT", [FILTER_NODE_AND] = "AND", [FILTER_NODE_OR] = "OR"};

    if (node->type == FILTER_NODE_COMPARISON) {
        write_comparison(&node->comparison, operators[node->comparison.operator], out);
        return;
    }
    json_out_begin_array(out);
    json_out_text(out, names[node->type]);
    write_condition(node->left, out);
    if (node->right)
        write_condition(node->right, out);
    json_out_end_array(out);
}

/* The times. */

struct time_range {
    int64_t from_us, to_us; /* both included; from behind to: none */
};

static struct time_range get_all_times(void)
{
    return (struct time_range){
        .from_us = clock_get_days(1, 1, 1) * INT64_C(86400000000),
        .to_us = clock_get_days(10000, 1, 1) * INT64_C(86400000000) - 1,
    };
}

static struct time_range get_times_of(const struct filter_comparison *comparison, bool is_negated)
{
    struct time_range range = get_all_times();
    int64_t time_us = comparison->time_us;

    if (comparison->field != FILTER_CREATE_TIME)
        return range;
    switch (comparison->operator) {
    case FILTER_LESS:
    case FILTER_GREATER_OR_EQUAL:
        if ((comparison->operator== FILTER_LESS) != is_negated)
            range.to_us = time_us - 1;
        else
            range.from_us = time_us;
        return range;
    case FILTER_GREATER:
    case FILTER_LESS_OR_EQUAL:
        if ((comparison->operator== FILTER_GREATER) != is_negated)
            range.from_us = time_us + 1;
        else
            range.to_us = time_us;
        return range;
    default:
        return is_negated ? range : (struct time_range){.from_us = time_us, .to_us = time_us};
    }
}

/* Between which all times are at which the node, or its negation, can be true. */
static struct time_range get_times(const struct filter_node *node, bool is_negated)
{
    if (node->type == FILTER_NODE_COMPARISON)
        return get_times_of(&node->comparison, is_negated);
    if (node->type == FILTER_NODE_NOT)
        return get_times(node->left, !is_negated);

    struct time_range a = get_times(node->left, is_negated);
    struct time_range b = get_times(node->right, is_negated);
    if ((node->type == FILTER_NODE_AND) != is_negated)
        return (struct time_range){
            .from_us = a.from_us > b.from_us ? a.from_us : b.from_us,
            .to_us = a.to_us < b.to_us ? a.to_us : b.to_us,
        };
    if (a.from_us > a.to_us)
        return b;
    if (b.from_us > b.to_us)
        return a;
    return (struct time_range){
        .from_us = a.from_us < b.from_us ? a.from_us : b.from_us,
        .to_us = a.to_us > b.to_us ? a.to_us : b.to_us,
    };
}

/* Kinds and states. */

enum {
    CAN_BE_TRUE = 1,
    CAN_BE_FALSE = 2,
    CAN_BE_BOTH = CAN_BE_TRUE | CAN_BE_FALSE,
};

/* What can be of a task of that kind and state. */
static unsigned try_pair(const struct filter_node *node, int kind, int state)
{
    const struct filter_comparison *comparison = &node->comparison;

    if (node->type == FILTER_NODE_COMPARISON) {
        if (comparison->field != FILTER_KIND && comparison->field != FILTER_STATE)
            return CAN_BE_BOTH;
        return comparison->value == (comparison->field == FILTER_KIND ? kind : state)
                   ? CAN_BE_TRUE
                   : CAN_BE_FALSE;
    }
    unsigned a = try_pair(node->left, kind, state);
    if (node->type == FILTER_NODE_NOT)
        return (a & CAN_BE_TRUE ? CAN_BE_FALSE : 0u) | (a & CAN_BE_FALSE ? CAN_BE_TRUE : 0u);
    unsigned b = try_pair(node->right, kind, state);
    if (node->type == FILTER_NODE_AND)
        return (a & b & CAN_BE_TRUE) | ((a | b) & CAN_BE_FALSE);
    return ((a | b) & CAN_BE_TRUE) | (a & b & CAN_BE_FALSE);
}

static void write_enum(enum filter_field field, const char *name, struct json_out *out)
{
    struct filter_comparison comparison = {.field = field, .text = str_from(name)};

    write_comparison(&comparison, "=", out);
}

/* Writes a cover of the pairs that can be, unless those are all. Returns how many pairs that are. */
static unsigned write_pairs(const struct filter_node *root, struct json_out *out)
{
    const ProtobufCEnumDescriptor *kinds = &pb__task_kind__descriptor;
    const ProtobufCEnumDescriptor *states = &pb__task_state__descriptor;
    unsigned nall = (kinds->n_values - 1) * (states->n_values - 1);
    struct buf buf = {0};
    struct json_out pairs = json_out_make(&buf);
    unsigned npairs = 0;

    json_out_begin_array(&pairs);
    /* The first value of an enum is not stored. */
    for (unsigned i = 1; i < kinds->n_values; i++)
        for (unsigned j = 1; j < states->n_values; j++) {
            if (!(try_pair(root, kinds->values[i].value, states->values[j].value) & CAN_BE_TRUE))
                continue;
            npairs++;
            json_out_begin_array(&pairs);
            json_out_text(&pairs, "AND");
            write_enum(FILTER_KIND, kinds->values[i].name + sizeof("TASK_KIND_") - 1, &pairs);
            write_enum(FILTER_STATE, states->values[j].name + sizeof("TASK_STATE_") - 1, &pairs);
            json_out_end_array(&pairs);
        }
    json_out_end_array(&pairs);
    if (npairs > 0 && npairs < nall)
        json_out_raw(out, buf_get(&buf));
    buf_deinit(&buf);
    return npairs;
}

/* The covers of all other fields. */

struct term {
    const struct filter_comparison *comparison;
    const char *operator;
};

struct cover {
    size_t nterms;
    struct term terms[]; /* [0 .. nterms) */
};

struct covers {
    const struct cover *items[MAX_COVERS];
    size_t count;
};

static struct cover *make_cover(size_t nterms, struct arena *arena)
{
    struct cover *cover = arena_alloc(arena, sizeof(*cover) + nterms * sizeof(cover->terms[0]));

    cover->nterms = nterms;
    return cover;
}

static void add_cover(struct covers *covers, const struct cover *cover)
{
    if (covers->count < MAX_COVERS)
        covers->items[covers->count++] = cover;
}

/* Adds a cover of the terms of both, if it is not too large. */
static void add_both(struct covers *covers, const struct cover *a, const struct cover *b,
                     struct arena *arena)
{
    if (covers->count == MAX_COVERS || a->nterms + b->nterms > MAX_TERMS)
        return;

    struct cover *both = make_cover(a->nterms + b->nterms, arena);
    memcpy(both->terms, a->terms, a->nterms * sizeof(a->terms[0]));
    memcpy(both->terms + a->nterms, b->terms, b->nterms * sizeof(b->terms[0]));
    add_cover(covers, both);
}

/* Covers of one comparison or of what is not equal to it, if an index helps with that. */
static struct covers find_covers_of(const struct filter_comparison *comparison, bool is_negated,
                                    struct arena *arena)
{
    bool is_name = comparison->field == FILTER_SOURCE || comparison->field == FILTER_DESTINATION;
    /* Tasks without a name are in no index of names. */
    bool is_text = is_name || comparison->field == FILTER_LABEL ||
                   (comparison->field == FILTER_DISPLAY_NAME && comparison->text.len > 0);
    struct covers covers = {.count = 0};

    if (!is_negated && is_text) {
        struct cover *cover = make_cover(1, arena);
        cover->terms[0] = (struct term){comparison, operators[comparison->operator]};
        add_cover(&covers, cover);
    } else if (is_negated && is_name && comparison->operator== FILTER_EQUAL) {
        struct cover *cover = make_cover(2, arena);
        cover->terms[0] = (struct term){comparison, "<"};
        cover->terms[1] = (struct term){comparison, ">"};
        add_cover(&covers, cover);
    }
    return covers;
}

/* Covers of a node, or of its negation. */
static struct covers find_covers(const struct filter_node *node, bool is_negated,
                                 struct arena *arena)
{
    struct covers covers = {.count = 0};

    if (node->type == FILTER_NODE_COMPARISON)
        return find_covers_of(&node->comparison, is_negated, arena);
    if (node->type == FILTER_NODE_NOT)
        return find_covers(node->left, !is_negated, arena);

    struct covers a = find_covers(node->left, is_negated, arena);
    struct covers b = find_covers(node->right, is_negated, arena);
    if ((node->type == FILTER_NODE_AND) != is_negated) {
        /* In turn, so that neither side takes all the room. */
        for (size_t i = 0; i < a.count || i < b.count; i++) {
            if (i < a.count)
                add_cover(&covers, a.items[i]);
            if (i < b.count)
                add_cover(&covers, b.items[i]);
        }
        return covers;
    }
    for (size_t i = 0; i < a.count; i++)
        for (size_t j = 0; j < b.count; j++)
            add_both(&covers, a.items[i], b.items[j], arena);
    return covers;
}

static void write_cover(const struct cover *cover, struct json_out *out)
{
    json_out_begin_array(out);
    for (size_t i = 0; i < cover->nterms; i++)
        write_comparison(cover->terms[i].comparison, cover->terms[i].operator, out);
    json_out_end_array(out);
}

static void write_time(const char *key, int64_t time_us, struct json_out *out)
{
    char time[CLOCK_TEXT_BYTES];

    clock_write_text(time_us, time);
    json_out_key(out, key);
    json_out_text(out, time);
}

void filter_plan_write(const struct filter *filter, struct arena *arena, struct buf *buf)
{
    struct json_out out = json_out_make(buf);
    struct time_range times = get_all_times();
    bool can_be = true;

    json_out_begin_object(&out);
    json_out_key(&out, "covers");
    json_out_begin_array(&out);
    if (filter->root) {
        struct covers covers = find_covers(filter->root, false, arena);
        for (size_t i = 0; i < covers.count; i++)
            write_cover(covers.items[i], &out);
        can_be = write_pairs(filter->root, &out) > 0;
        times = get_times(filter->root, false);
    }
    json_out_end_array(&out);
    json_out_key(&out, "condition");
    if (filter->root)
        write_condition(filter->root, &out);
    else
        json_out_raw(&out, str_from("[\"ALL\"]"));
    if (!can_be || times.from_us > times.to_us) {
        /* An empty time ends the search before it begins. */
        times = get_all_times();
        times.to_us = times.from_us++;
    }
    write_time("from", times.from_us, &out);
    write_time("to", times.to_us, &out);
    json_out_end_object(&out);
}
