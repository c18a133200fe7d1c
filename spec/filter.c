#include "spec/filter.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/compiler.h"

const char *const filter_fields[FILTER_NFIELDS] = {
    [FILTER_KIND] = "kind",
    [FILTER_STATE] = "state",
    [FILTER_SOURCE] = "source",
    [FILTER_DESTINATION] = "destination",
    [FILTER_DISPLAY_NAME] = "display_name",
    [FILTER_CREATE_TIME] = "create_time",
    [FILTER_LABEL] = "labels",
};

static const char *const operators[] = {
    [FILTER_EQUAL] = "=",
    [FILTER_LESS] = "<",
    [FILTER_LESS_OR_EQUAL] = "<=",
    [FILTER_GREATER] = ">",
    [FILTER_GREATER_OR_EQUAL] = ">=",
    [FILTER_PREFIX] = "=",
    [FILTER_PRESENT] = ":",
};

static int64_t get_time_us(const Google__Protobuf__Timestamp *time)
{
    return time ? time->seconds * 1000000 + time->nanos / 1000 : 0;
}

/* The value of the label, or NULL. */
static const char *find_label(const Pb__Task *task, const char *key)
{
    for (size_t i = 0; i < task->n_labels; i++)
        if (strcmp(task->labels[i]->key, key) == 0)
            return task->labels[i]->value;
    return NULL;
}

/* text is NULL if there is none. */
static bool compare_text(const struct filter_comparison *comparison, const char *text)
{
    if (!text)
        return false;
    switch (comparison->operator) {
    case FILTER_PRESENT:
        return true;
    case FILTER_PREFIX:
        return strncmp(text, comparison->text.data, comparison->text.len) == 0;
    default:
        return str_is(comparison->text, text);
    }
}

static bool compare_time(const struct filter_comparison *comparison, int64_t time_us)
{
    switch (comparison->operator) {
    case FILTER_LESS:
        return time_us < comparison->time_us;
    case FILTER_LESS_OR_EQUAL:
        return time_us <= comparison->time_us;
    case FILTER_GREATER:
        return time_us > comparison->time_us;
    case FILTER_GREATER_OR_EQUAL:
        return time_us >= comparison->time_us;
    default:
        return time_us == comparison->time_us;
    }
}

static bool compare(const struct filter_comparison *comparison, const Pb__Task *task,
                    Pb__TaskState state)
{
    switch (comparison->field) {
    case FILTER_KIND:
        return (int)task->kind == comparison->value;
    case FILTER_STATE:
        return (int)state == comparison->value;
    case FILTER_SOURCE:
        return compare_text(comparison, task->source);
    case FILTER_DESTINATION:
        return compare_text(comparison, task->destination);
    case FILTER_DISPLAY_NAME:
        return compare_text(comparison, task->display_name);
    case FILTER_CREATE_TIME:
        return compare_time(comparison, get_time_us(task->create_time));
    case FILTER_LABEL:
    case FILTER_NFIELDS:
        break;
    }
    return compare_text(comparison, find_label(task, comparison->key));
}

static bool matches(const struct filter_node *node, const Pb__Task *task, Pb__TaskState state)
{
    switch (node->type) {
    case FILTER_NODE_NOT:
        return !matches(node->left, task, state);
    case FILTER_NODE_AND:
        return matches(node->left, task, state) && matches(node->right, task, state);
    case FILTER_NODE_OR:
        return matches(node->left, task, state) || matches(node->right, task, state);
    case FILTER_NODE_COMPARISON:
        break;
    }
    return compare(&node->comparison, task, state);
}

static void write_text(struct str text, bool is_prefix, struct buf *buf)
{
    buf_append_char(buf, '"');
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '"' || text.data[i] == '\\' || text.data[i] == '*')
            buf_append_char(buf, '\\');
        buf_append_char(buf, text.data[i]);
    }
    buf_append_text(buf, is_prefix ? "*\"" : "\"");
}

static void write_comparison(const struct filter_comparison *comparison, struct buf *buf)
{
    char time[CLOCK_TEXT_BYTES];

    buf_append_text(buf, filter_fields[comparison->field]);
    if (comparison->operator== FILTER_PRESENT) {
        buf_printf(buf, ":%s", comparison->key);
        return;
    }
    if (comparison->key)
        buf_printf(buf, ".%s", comparison->key);
    buf_printf(buf, " %s ", operators[comparison->operator]);
    if (comparison->field == FILTER_CREATE_TIME) {
        clock_write_text(comparison->time_us, time);
        write_text(str_from(time), false, buf);
    } else {
        write_text(comparison->text, comparison->operator== FILTER_PREFIX, buf);
    }
}

/* Whether a node must stand in parentheses as an operand, for the text to be read as the same tree. */
static bool is_enclosed(const struct filter_node *parent, const struct filter_node *node)
{
    if (node->type == FILTER_NODE_COMPARISON)
        return false;
    if (parent->type == FILTER_NODE_NOT)
        return true;
    if (node->type == FILTER_NODE_NOT)
        return false;
    if (node->type == parent->type)
        return node == parent->right;
    return node->type == FILTER_NODE_AND;
}

static void write_node(const struct filter_node *node, struct buf *buf);

static void write_operand(const struct filter_node *parent, const struct filter_node *node,
                          struct buf *buf)
{
    bool is_in_parentheses = is_enclosed(parent, node);

    if (is_in_parentheses)
        buf_append_char(buf, '(');
    write_node(node, buf);
    if (is_in_parentheses)
        buf_append_char(buf, ')');
}

static void write_node(const struct filter_node *node, struct buf *buf)
{
    if (node->type == FILTER_NODE_COMPARISON) {
        write_comparison(&node->comparison, buf);
        return;
    }
    if (node->type == FILTER_NODE_NOT) {
        buf_append_text(buf, "NOT ");
        write_operand(node, node->left, buf);
        return;
    }
    write_operand(node, node->left, buf);
    buf_append_text(buf, node->type == FILTER_NODE_AND ? " AND " : " OR ");
    write_operand(node, node->right, buf);
}

void filter_require(struct filter *filter, enum filter_field field, const char *name, int value,
                    struct arena *arena)
{
    struct filter_node *wanted = arena_alloc(arena, sizeof(*wanted));
    struct filter_node *both = arena_alloc(arena, sizeof(*both));

    *wanted = (struct filter_node){
        .type = FILTER_NODE_COMPARISON,
        .comparison = {.field = field, .text = str_from(name), .value = value},
    };
    *both = (struct filter_node){.type = FILTER_NODE_AND, .left = wanted, .right = filter->root};
    filter->root = filter->root ? both : wanted;
}

bool filter_matches_in_state(const struct filter *filter, const Pb__Task *task, Pb__TaskState state)
{
    return !filter->root || matches(filter->root, task, state);
}

bool filter_matches(const struct filter *filter, const Pb__Task *task)
{
    return filter_matches_in_state(filter, task, task->state);
}

void filter_write(const struct filter *filter, struct buf *buf)
{
    if (filter->root)
        write_node(filter->root, buf);
}
