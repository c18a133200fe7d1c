/*
 * spec/filter.h - which tasks a list or a watch is about: an expression over a task's fields.
 *
 * The language is a subset of AIP-160 (google.aip.dev/160), told in docs/grpc-api.md:
 *
 *     expression = factor { "AND" factor }        OR binds tighter than AND
 *     factor     = term { "OR" term }
 *     term       = [ "NOT" | "-" ] ( comparison | "(" expression ")" )
 *     comparison = field operator value | "labels" ":" key | "labels." key ":" "*"
 *
 * A filter is true or false of every task, never unknown: "!=" is "NOT ... =", and a label that a task does not have
 * equals nothing. It is a tree in the arena it was read into, and is never changed.
 */
#ifndef SPEC_FILTER_H
#define SPEC_FILTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"
#include "sluice/v1/task.pb-c.h"

struct arena;

enum {
    FILTER_MAX_BYTES = 4096,
    FILTER_MAX_COMPARISONS = 64,
    FILTER_MAX_DEPTH = 32, /* parentheses in parentheses */
};

enum filter_field {
    FILTER_KIND,
    FILTER_STATE,
    FILTER_SOURCE,
    FILTER_DESTINATION,
    FILTER_DISPLAY_NAME,
    FILTER_CREATE_TIME,
    FILTER_LABEL,
    FILTER_NFIELDS,
};

enum filter_operator {
    FILTER_EQUAL,
    FILTER_LESS,
    FILTER_LESS_OR_EQUAL,
    FILTER_GREATER,
    FILTER_GREATER_OR_EQUAL,
    FILTER_PREFIX,  /* the text begins with the value */
    FILTER_PRESENT, /* the task has the label, with any value */
};

/* The fields as they are written; "labels" for a label. */
extern const char *const filter_fields[FILTER_NFIELDS];

struct filter_comparison {
    enum filter_field field;
    enum filter_operator operator;
    const char *key; /* the label's; else NULL */
    struct str text; /* the value; of an enum its name without the prefix; NUL follows */
    int value;       /* the number of an enum's value */
    int64_t time_us; /* the value of create_time, since 1970 */
};

enum filter_node_type {
    FILTER_NODE_COMPARISON,
    FILTER_NODE_NOT, /* of left */
    FILTER_NODE_AND, /* of both */
    FILTER_NODE_OR,
};

struct filter_node {
    enum filter_node_type type;
    const struct filter_node *left;
    const struct filter_node *right;
    struct filter_comparison comparison;
};

struct filter {
    const struct filter_node *root; /* NULL: all tasks */
};

/* Has the filter take only tasks of that kind, or in that state: name is the value's without the prefix. */
void filter_require(struct filter *filter, enum filter_field field, const char *name, int value,
                    struct arena *arena);

bool filter_matches(const struct filter *filter, const Pb__Task *task);

/* As filter_matches, if the task were in that state. */
bool filter_matches_in_state(const struct filter *filter, const Pb__Task *task,
                             Pb__TaskState state);

/* Writes a filter so that it reads as the same tree again. */
void filter_write(const struct filter *filter, struct buf *buf);

#endif
