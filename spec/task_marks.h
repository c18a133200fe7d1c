/*
 * spec/task_marks.h - what users call a task and mark it with: display_name and labels.
 */
#ifndef SPEC_TASK_MARKS_H
#define SPEC_TASK_MARKS_H

#include <stdbool.h>

#include "base/str.h"
#include "sluice/v1/task.pb-c.h"
#include "spec/violations.h"

enum {
    TASK_MAX_DISPLAY_NAME_BYTES = 128,
    TASK_MAX_LABELS = 64,
    TASK_MAX_LABEL_KEY_BYTES = 63,
    TASK_MAX_LABEL_VALUE_BYTES = 63,
};

/* Whether text can be the key of a label: a lower-case letter, then a-z, 0-9, '_' and '-'. */
bool task_marks_is_label_key(struct str text);

/* Adds to violations what is wrong with the display_name of a task. */
void task_marks_validate_display_name(const Pb__Task *task, struct violations *violations);

/* The same for its labels; of several that are wrong, the first. */
void task_marks_validate_labels(const Pb__Task *task, struct violations *violations);

#endif
