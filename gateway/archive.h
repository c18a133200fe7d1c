/*
 * gateway/archive.h - what is removed, kept as lines of JSON in files.
 *
 * A file a day: FOLDER/sluice-archive-2026-01-02.jsonl, which only its owner can read. A line is {"task": ...}, a Task with
 * its jobs as the JSON API has it, or {"taskId": ..., "event": ...}, a TaskEvent of it. What is removed after it was
 * written may be written again, if what ran in between was killed; it is never removed without having been written.
 */
#ifndef GATEWAY_ARCHIVE_H
#define GATEWAY_ARCHIVE_H

#include "base/buf.h"
#include "base/status.h"
#include "sluice/v1/task.pb-c.h"

/* Each appends a line. */
void archive_write_task(const Pb__Task *task, struct buf *lines);
void archive_write_event(const char *task_id, const Pb__TaskEvent *event, struct buf *lines);

/*
 * Appends whole lines to the file of a day, "2026-01-02", and returns when they are on the disk. Several programs may do so
 * at once. When it fails the file is as it was, if the system lets it. A line that a crash has left without an end gets one,
 * so that it spoils no other. Blocks. Else as the system refused.
 */
struct status archive_append(const char *folder, const char *date, struct str lines) MUST_CHECK;

#endif
