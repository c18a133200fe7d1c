/*
 * tests/unit/spec/test_task_state.c - every verb in every state.
 */
#include <stdio.h>

#include "spec/task_state.h"
#include "tests/harness/test.h"

enum {
    FIRST_STATE = PB__TASK_STATE__TASK_STATE_PENDING,
    LAST_STATE = PB__TASK_STATE__TASK_STATE_KILLED
};

test(task_rules_are_as_documented)
{
    /* Rows: abort, retry, delete; columns: PENDING, RUNNING, SUCCEEDED, FAILED, KILLED. */
    static const char *const expected[] = {"MMRRS", "RRRMM", "DDDDD"};
    static const char letters[] = {
        [TASK_MOVES] = 'M', [TASK_STAYS] = 'S', [TASK_REMOVED] = 'D', [TASK_REFUSED] = 'R'};

    for (int verb = 0; verb < TASK_NVERBS; verb++) {
        for (int state = FIRST_STATE; state <= LAST_STATE; state++) {
            const struct task_rule *rule =
                task_rule_get((enum task_verb)verb, (Pb__TaskState)state);
            check_int(letters[rule->effect], expected[verb][state - FIRST_STATE]);
        }
    }
}

static const char *get_name(int state)
{
    const ProtobufCEnumValue *value =
        protobuf_c_enum_descriptor_get_value(&pb__task_state__descriptor, state);

    return value->name + strlen("TASK_STATE_");
}

test(task_rules_and_their_texts_say_the_same)
{
    for (int verb = 0; verb < TASK_NVERBS; verb++) {
        for (int effect = TASK_MOVES; effect <= TASK_REFUSED; effect++) {
            char expected[80] = "{";
            for (int state = FIRST_STATE; state <= LAST_STATE; state++) {
                const struct task_rule *rule =
                    task_rule_get((enum task_verb)verb, (Pb__TaskState)state);
                size_t len = strlen(expected);
                if ((int)rule->effect != effect)
                    continue;
                (void)snprintf(expected + len, sizeof(expected) - len, "%s%s", len > 1 ? "," : "",
                               get_name(state));
                if (effect == TASK_MOVES)
                    check_str(task_verb_get_target((enum task_verb)verb), get_name(rule->to));
            }
            size_t len = strlen(expected);
            (void)snprintf(expected + len, sizeof(expected) - len, "}");
            check_str(task_verb_get_states((enum task_verb)verb, (enum task_effect)effect),
                      expected);
        }
    }
}

test(task_refusal_of_what_is_to_be_deleted_is_whole)
{
    struct status st = task_refuse_deleted("wal-0123456789abcdef0123456789abcdef");

    check_status(st, STATUS_FAILED_PRECONDITION);
    check(strncmp(st.text, "task 'wal-0123456789abcdef0123456789abcdef' is to be deleted,", 61) ==
          0);
    check(strstr(st.text, "goes at once") != NULL);
}

test(task_refusal_names_task_state_and_what_is_right)
{
    struct status st = task_verb_refuse(TASK_RETRY, "proc-1-ab", str_from("RUNNING"));

    check_status(st, STATUS_FAILED_PRECONDITION);
    check_str(st.text, "task 'proc-1-ab' is RUNNING: only a failed or killed one can be retried");
}
