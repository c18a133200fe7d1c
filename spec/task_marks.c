#include "spec/task_marks.h"

#include "base/str.h"

static bool has_control(struct str text)
{
    for (size_t i = 0; i < text.len; i++)
        if ((unsigned char)text.data[i] < ' ' || text.data[i] == 0x7f)
            return true;
    return false;
}

static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

bool task_marks_is_label_key(struct str text)
{
    if (text.len < 1 || text.len > TASK_MAX_LABEL_KEY_BYTES || !is_lower(text.data[0]))
        return false;
    for (size_t i = 1; i < text.len; i++) {
        char c = text.data[i];

        if (!is_lower(c) && !(c >= '0' && c <= '9') && c != '_' && c != '-')
            return false;
    }
    return true;
}

void task_marks_validate_display_name(const Pb__Task *task, struct violations *violations)
{
    static const char field[] = "task.display_name";
    struct str text = str_from(task->display_name);

    if (text.len > TASK_MAX_DISPLAY_NAME_BYTES)
        violations_add(violations, field, "display_name has %zu bytes; at most %d are taken",
                       text.len, TASK_MAX_DISPLAY_NAME_BYTES);
    else if (has_control(text))
        violations_add(violations, field, "display_name has a control character");
}

void task_marks_validate_labels(const Pb__Task *task, struct violations *violations)
{
    static const char field[] = "task.labels";

    if (task->n_labels > TASK_MAX_LABELS) {
        violations_add(violations, field, "there are %zu labels; at most %d are taken",
                       task->n_labels, TASK_MAX_LABELS);
        return;
    }
    for (size_t i = 0; i < task->n_labels; i++) {
        const char *key = task->labels[i]->key;
        struct str value = str_from(task->labels[i]->value);

        if (!task_marks_is_label_key(str_from(key))) {
            violations_add(violations, field,
                           "'%.64s' is not a label's key: 1 to %d of a-z, 0-9, '_' and '-', first "
                           "a letter",
                           key, TASK_MAX_LABEL_KEY_BYTES);
            return;
        }
        if (value.len > TASK_MAX_LABEL_VALUE_BYTES || has_control(value)) {
            violations_add(violations, field,
                           "the value of label '%s' is not of at most %d bytes without control "
                           "characters",
                           key, TASK_MAX_LABEL_VALUE_BYTES);
            return;
        }
    }
}
