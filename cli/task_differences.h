/*
 * cli/task_differences.h - sluice task differences: what comparisons of a task found.
 */
#ifndef CLI_TASK_DIFFERENCES_H
#define CLI_TASK_DIFFERENCES_H

#include "cli/command.h"

/* As the run of struct command. */
struct status task_differences(const struct cli_settings *settings, const char *const *operands,
                               int *ret_exit) MUST_CHECK;

#endif
