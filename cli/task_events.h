/*
 * cli/task_events.h - sluice task events: what became of a task.
 */
#ifndef CLI_TASK_EVENTS_H
#define CLI_TASK_EVENTS_H

#include "cli/command.h"

/* As the run of struct command. */
struct status task_events(const struct cli_settings *settings, const char *const *operands,
                          int *ret_exit) MUST_CHECK;

#endif
