/*
 * base/meeting.h - two threads that each finish something, of which the later one goes on.
 */
#ifndef BASE_MEETING_H
#define BASE_MEETING_H

#include <stdatomic.h>
#include <stdbool.h>

/* {0}: nobody is there. */
struct meeting {
    atomic_bool is_one_there;
};

/*
 * True for the second to come, who sees all that the first did before; the meeting is over then, and the next one may
 * begin. Any thread.
 */
static inline bool meeting_come(struct meeting *meeting)
{
    if (!atomic_exchange(&meeting->is_one_there, true))
        return false;
    atomic_store(&meeting->is_one_there, false);
    return true;
}

#endif
