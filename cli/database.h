/*
 * cli/database.h - Sluice's database, for the commands that need no gateway.
 */
#ifndef CLI_DATABASE_H
#define CLI_DATABASE_H

#include "base/status.h"

struct cli_settings;
struct pg_session;

/* The URL with its password; the caller frees *ret by mem_free_secret. INVALID_ARGUMENT: none was given. */
struct status database_make_url(const struct cli_settings *settings, char **ret) MUST_CHECK;

/* Connects; *ret is owned by the caller. Blocks. */
struct status database_open(const struct cli_settings *settings, struct pg_session **ret)
    MUST_CHECK;

#endif
