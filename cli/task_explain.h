/*
 * cli/task_explain.h - sluice task explain: why a task is where it is.
 */
#ifndef CLI_TASK_EXPLAIN_H
#define CLI_TASK_EXPLAIN_H

#include "cli/command.h"

/* As the run of struct command. */
struct status task_explain(const struct cli_settings *settings, const char *const *operands,
                           int *ret_exit) MUST_CHECK;

#endif
