/*
 * gateway/retention.h - removes tasks that have been over, and events that are old, for some days.
 *
 * A thread goes round: it finds a few, has them written down where they are to be archived, and removes those that are
 * still as they were found. One gateway at a time does so, for a while, which the database decides; two at a time would
 * only do the same work twice.
 */
#ifndef GATEWAY_RETENTION_H
#define GATEWAY_RETENTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/metrics.h"
#include "base/options.h"
#include "base/status.h"

struct buf;
struct retention;
struct store;

enum {
    RETENTION_MAX_DAYS = 36500,
    RETENTION_MIN_EVENT_DAYS = 2, /* watches go on from what is a day old */
};

/* In the settings of the gateway. */
struct retention_settings {
    int64_t keep_tasks_days;
    int64_t keep_events_days;
    const char *archive_folder; /* NULL: what goes is not written down */
};

#define RETENTION_ROWS(type, member) \
    {.name = "keep-tasks-days", \
     .kind = OPTION_NUMBER, \
     .field = offsetof(type, member.keep_tasks_days), \
     .default_value = "0", \
     .min = 0, \
     .max = RETENTION_MAX_DAYS, \
     .unit = "days", \
     .value_name = "N", \
     .help = "remove tasks that ended so long ago, with all that belongs to them; 0: never"}, \
        {.name = "keep-events-days", \
         .kind = OPTION_NUMBER, \
         .field = offsetof(type, member.keep_events_days), \
         .default_value = "0", \
         .min = 0, \
         .max = RETENTION_MAX_DAYS, \
         .unit = "days", \
         .value_name = "N", \
         .help = "remove events that are so old of tasks that have not ended, at least 2; 0: " \
                 "never"}, \
        {.name = "archive-folder", \
         .kind = OPTION_TEXT, \
         .field = offsetof(type, member.archive_folder), \
         .value_name = "PATH", \
         .help = "where tasks and events are written down before they are removed, a file a day"}

/* For a table's validate: appends what is wrong with them. */
void retention_validate(const struct retention_settings *settings, struct buf *errors);

/* What it counts. */
extern const struct metric_family retention_removed_total;
extern const struct metric_family retention_failures_total;
#define RETENTION_METRIC_FAMILIES &retention_removed_total, &retention_failures_total

/*
 * Starts at once; *ret stays NULL if nothing is ever to be removed. settings and store are borrowed until
 * retention_destroy, as is metrics, which may be NULL. RESOURCE_EXHAUSTED: the system refused a thread.
 */
struct status retention_create(const struct retention_settings *settings, struct store *store,
                               struct metrics *metrics, struct retention **ret) MUST_CHECK;

/* Waits for what is under way. Blocks; the store is still there. NULL is allowed. */
void retention_destroy(struct retention *retention);

#endif
