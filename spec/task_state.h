/*
 * spec/task_state.h - what each verb does to a task in each state: the whole truth, in one table.
 */
#ifndef SPEC_TASK_STATE_H
#define SPEC_TASK_STATE_H

#include "base/status.h"
#include "sluice/v1/task.pb-c.h"

enum task_verb {
    TASK_ABORT,
    TASK_RETRY,
    TASK_DELETE,
    TASK_NVERBS,
};

enum task_effect {
    TASK_MOVES,   /* the task goes to `to` */
    TASK_STAYS,   /* nothing changes, and that is fine */
    TASK_REMOVED, /* the task is no more, or goes when its source is free */
    TASK_REFUSED, /* FAILED_PRECONDITION */
};

struct task_rule {
    enum task_effect effect;
    int to; /* for TASK_MOVES: a Pb__TaskState */
};

/* state is one of the five that are stored. */
const struct task_rule *task_rule_get(enum task_verb verb, Pb__TaskState state);

/*
 * The states in which the verb has that effect, as PostgreSQL writes an array: "{PENDING,RUNNING}". Never
 * freed.
 */
const char *task_verb_get_states(enum task_verb verb, enum task_effect effect);

/* The state that the verb leads to where it moves a task: "KILLED"; "" for TASK_DELETE. */
const char *task_verb_get_target(enum task_verb verb);

/* FAILED_PRECONDITION that names the task, its state, the verb and the states in which it would be right. */
struct status task_verb_refuse(enum task_verb verb, const char *id, struct str state) MUST_CHECK;

/* FAILED_PRECONDITION: the task's deletion was asked for, so that it can be neither changed nor retried. */
struct status task_refuse_deleted(const char *id) MUST_CHECK;

#endif
