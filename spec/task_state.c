#include "spec/task_state.h"

#include <assert.h>

#include "base/compiler.h"

enum {
    PENDING = PB__TASK_STATE__TASK_STATE_PENDING,
    RUNNING = PB__TASK_STATE__TASK_STATE_RUNNING,
    SUCCEEDED = PB__TASK_STATE__TASK_STATE_SUCCEEDED,
    FAILED = PB__TASK_STATE__TASK_STATE_FAILED,
    KILLED = PB__TASK_STATE__TASK_STATE_KILLED,
};

/* Which verb does what in which state. The rest of this file reads it in other directions. */
static const struct task_rule rules[][KILLED + 1] = {
    [TASK_ABORT] =
        {
            [PENDING] = {TASK_MOVES, KILLED},
            [RUNNING] = {TASK_MOVES, KILLED},
            [SUCCEEDED] = {TASK_REFUSED, 0},
            [FAILED] = {TASK_REFUSED, 0},
            [KILLED] = {TASK_STAYS, 0},
        },
    [TASK_RETRY] =
        {
            [PENDING] = {TASK_REFUSED, 0},
            [RUNNING] = {TASK_REFUSED, 0},
            [SUCCEEDED] = {TASK_REFUSED, 0},
            [FAILED] = {TASK_MOVES, PENDING},
            [KILLED] = {TASK_MOVES, PENDING},
        },
    [TASK_DELETE] =
        {
            [PENDING] = {TASK_REMOVED, 0},
            [RUNNING] = {TASK_REMOVED, 0},
            [SUCCEEDED] = {TASK_REMOVED, 0},
            [FAILED] = {TASK_REMOVED, 0},
            [KILLED] = {TASK_REMOVED, 0},
        },
};
static_assert(ARRAY_LEN(rules) == TASK_NVERBS, "a row for each verb");

/* The rows of the table above, said as PostgreSQL and as people want them; a test compares both. */
static const struct {
    const char *moves, *stays, *removed, *refused;
    const char *target;
    const char *refusal;
} texts[] = {
    [TASK_ABORT] = {"{PENDING,RUNNING}", "{KILLED}", "{}", "{SUCCEEDED,FAILED}", "KILLED",
                    "only a pending or running one can be aborted"},
    [TASK_RETRY] = {"{FAILED,KILLED}", "{}", "{}", "{PENDING,RUNNING,SUCCEEDED}", "PENDING",
                    "only a failed or killed one can be retried"},
    [TASK_DELETE] = {"{}", "{}", "{PENDING,RUNNING,SUCCEEDED,FAILED,KILLED}", "{}", "", ""},
};
static_assert(ARRAY_LEN(texts) == TASK_NVERBS, "texts for each verb");

const struct task_rule *task_rule_get(enum task_verb verb, Pb__TaskState state)
{
    assert((int)state >= PENDING && (int)state <= KILLED);
    return &rules[verb][state];
}

const char *task_verb_get_states(enum task_verb verb, enum task_effect effect)
{
    switch (effect) {
    case TASK_MOVES:
        return texts[verb].moves;
    case TASK_STAYS:
        return texts[verb].stays;
    case TASK_REMOVED:
        return texts[verb].removed;
    case TASK_REFUSED:
        break;
    }
    return texts[verb].refused;
}

const char *task_verb_get_target(enum task_verb verb)
{
    return texts[verb].target;
}

struct status task_verb_refuse(enum task_verb verb, const char *id, struct str state)
{
    return status_error(STATUS_FAILED_PRECONDITION, "task '%s' is %.*s: %s", id, (int)state.len,
                        state.data, texts[verb].refusal);
}

struct status task_refuse_deleted(const char *id)
{
    return status_error(STATUS_FAILED_PRECONDITION,
                        "task '%s' is to be deleted, and goes when its peer is removed from the"
                        " source: it can be neither changed nor retried; deleted once more it goes"
                        " at once",
                        id);
}
