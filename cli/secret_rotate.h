/*
 * cli/secret_rotate.h - sluice secret rotate.
 */
#ifndef CLI_SECRET_ROTATE_H
#define CLI_SECRET_ROTATE_H

#include "base/status.h"
#include "cli/command.h"

/* The function of a struct command. */
struct status secret_rotate(const struct cli_settings *settings, const char *const *operands,
                            int *ret_exit);

#endif
