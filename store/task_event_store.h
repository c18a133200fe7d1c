/*
 * store/task_event_store.h - statements over table task_event.
 */
#ifndef STORE_TASK_EVENT_STORE_H
#define STORE_TASK_EVENT_STORE_H

#include "store/query.h"

/*
 * Lists a task's events, oldest first.
 *
 *     1 text   the task's id
 *     2 int8   how many at most
 *     3 int8   only events behind this sequence; NULL: from the first
 *
 * A row each: the fields of a Pb__TaskEvent. If there are none, one row in which all of them are NULL. No row: there is
 * no such task.
 */
extern const struct statement task_event_list;

#endif
