/*
 * tests/unit/spec/test_task_marks.c - display names and labels, on both sides of each limit.
 */
#include "spec/task_marks.h"

#include <string.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

static char *repeat(char c, size_t n, char ret_text[256])
{
    memset(ret_text, c, n);
    ret_text[n] = '\0';
    return ret_text;
}

static unsigned check_name(char *display_name)
{
    struct violations violations = {0};
    Pb__Task task = PB__TASK__INIT;

    task.display_name = display_name;
    task_marks_validate_display_name(&task, &violations);
    return violations.count;
}

/* n times the same label. */
static unsigned check_labels(char *key, char *value, size_t n)
{
    struct violations violations = {0};
    Pb__Task task = PB__TASK__INIT;
    Pb__Task__LabelsEntry label = PB__TASK__LABELS_ENTRY__INIT;
    Pb__Task__LabelsEntry *labels[TASK_MAX_LABELS + 1];

    label.key = key;
    label.value = value;
    for (size_t i = 0; i < n; i++)
        labels[i] = &label;
    task.labels = labels;
    task.n_labels = n;
    task_marks_validate_labels(&task, &violations);
    return violations.count;
}

test(display_names_have_a_limit_and_no_control_characters)
{
    char text[256];

    check_int(check_name(""), 0);
    check_int(check_name("Nightly: caf\xc3\xa9 #1"), 0);
    check_int(check_name(repeat('x', TASK_MAX_DISPLAY_NAME_BYTES, text)), 0);
    check_int(check_name(repeat('x', TASK_MAX_DISPLAY_NAME_BYTES + 1, text)), 1);
    check_int(check_name("a\nb"), 1);
    check_int(check_name("a\x7f"), 1);
}

test(keys_of_labels_are_lower_case_names)
{
    static char *const right[] = {"a", "team", "a-b_c9", "z0"};
    static char *const wrong[] = {"", "A", "9a", "-a", "_a", "aB", "a.b", "a b", "\xc3\xa9"};
    char text[256];

    for (size_t i = 0; i < ARRAY_LEN(right); i++)
        check_int(check_labels(right[i], "", 1), 0);
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++)
        check_int(check_labels(wrong[i], "", 1), 1);
    check_int(check_labels(repeat('k', TASK_MAX_LABEL_KEY_BYTES, text), "", 1), 0);
    check_int(check_labels(repeat('k', TASK_MAX_LABEL_KEY_BYTES + 1, text), "", 1), 1);
}

test(values_of_labels_have_a_limit_and_no_control_characters)
{
    char text[256];

    check_int(check_labels("k", "Any text, 'quoted' {}", 1), 0);
    check_int(check_labels("k", repeat('v', TASK_MAX_LABEL_VALUE_BYTES, text), 1), 0);
    check_int(check_labels("k", repeat('v', TASK_MAX_LABEL_VALUE_BYTES + 1, text), 1), 1);
    check_int(check_labels("k", "a\tb", 1), 1);
}

test(labels_are_counted)
{
    check_int(check_labels("k", "", TASK_MAX_LABELS), 0);
    check_int(check_labels("k", "", TASK_MAX_LABELS + 1), 1);
}
