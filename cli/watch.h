/*
 * cli/watch.h - sluice task watch: follows a task to its end.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli/command.h"

/* operands[0] is the task's id. *ret_exit is 3 when the task ended without success. */
struct status watch_task(const struct cli_settings *settings, const char *const *operands,
                         int *ret_exit);

#endif
