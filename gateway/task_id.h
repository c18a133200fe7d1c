/*
 * gateway/task_id.h - what ids of tasks look like.
 *
 * An id that cannot be one of ours names no task, so it ends as NOT_FOUND as an unknown one
 * does, and not as INVALID_ARGUMENT: scripts that were written for LTS know one answer to a
 * wrong id. It never reaches the database.
 */
#ifndef GATEWAY_TASK_ID_H
#define GATEWAY_TASK_ID_H

#include <stdbool.h>

#include "base/str.h"

enum { TASK_ID_MAX_BYTES = 63 };

/*
 * "proc-<n>-<32 hex digits>", "workflow-<32 hex digits>" or "wal-<32 hex digits>": n from 1
 * without leading zeros, at most 18 digits; hex in lower case.
 */
bool task_id_is_valid(struct str id);

#endif
