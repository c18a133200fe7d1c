#include "cli/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/session.h"
#include "cli/stream.h"
#include "cli/table.h"
#include "sluice/v1/task_service.pb-c.h"

enum {
    PAUSE_MS = 500, /* before the gateway is tried again */
    STANDSTILL_MS = 3000,
    BAR_WIDTH = 30,
    EXIT_NOT_SUCCEEDED = 3,
    PATIENCE_MS = 60000, /* with a gateway that is away */
};

/* What was seen so far. */
struct watch {
    int64_t time_ms; /* of the rows, to tell the rate */
    int64_t rows;
    double rows_a_second;
    char *cursor;       /* of the last message that had one */
    int64_t contact_ms; /* when the gateway last had something to tell */
    bool is_over;
    bool is_deleted;
};

static bool is_over(const Pb__Task *task)
{
    return task->state == PB__TASK_STATE__TASK_STATE_SUCCEEDED ||
           task->state == PB__TASK_STATE__TASK_STATE_FAILED ||
           task->state == PB__TASK_STATE__TASK_STATE_KILLED;
}

static void update_rate(struct watch *watch, int64_t rows)
{
    int64_t now_ms = clock_get_monotonic_ms();

    /* Workers report about once a second, and other changes come between: no news is no standstill yet. */
    if (rows == watch->rows && now_ms - watch->time_ms < STANDSTILL_MS)
        return;
    if (watch->time_ms != 0 && now_ms > watch->time_ms && rows >= watch->rows) {
        double rate = (double)(rows - watch->rows) * 1000 / (double)(now_ms - watch->time_ms);
        /* Smoothed, since progress comes in steps of about a second. */
        watch->rows_a_second = watch->rows_a_second * 0.7 + rate * 0.3;
    }
    watch->time_ms = now_ms;
    watch->rows = rows;
}

/* One line that overwrites itself, on a terminal; a line a change elsewhere. */
static void show(const struct watch *watch, const Pb__Task *task, bool is_terminal)
{
    char bar[BAR_WIDTH + 1];
    double fraction = task->progress ? task->progress->fraction : 0;
    int filled = (int)(fraction * (double)BAR_WIDTH);

    for (int i = 0; i < BAR_WIDTH; i++)
        bar[i] = i < filled ? '#' : '.';
    bar[BAR_WIDTH] = '\0';
    (void)printf("%s[%s] %3.0f %%  %s  %" PRId64 " rows  %.0f rows/s%s", is_terminal ? "\r" : "",
                 bar, fraction * 100,
                 session_name_value(&pb__task_state__descriptor, (int)task->state), watch->rows,
                 watch->rows_a_second, is_terminal ? "\033[K" : "\n");
    (void)fflush(stdout);
}

static void show_end(const struct session *session, const Pb__Task *task, bool is_terminal)
{
    if (session_wants_json(session)) {
        session_print_json(&task->base);
        return;
    }
    char *message = table_copy_plain(str_from(task->message));
    (void)printf("%s%s%s%s\n", is_terminal ? "\n" : "",
                 session_name_value(&pb__task_state__descriptor, (int)task->state),
                 message[0] ? ": " : "", message);
    mem_free(message);
}

static void pause_for_a_moment(void)
{
    struct timespec pause = {.tv_nsec = PAUSE_MS * 1000000};

    (void)nanosleep(&pause, NULL);
}

/* Takes in one message: shows the task, if it is wanted. */
static void take_in(struct watch *watch, const Pb__TaskChange *change, bool is_silent)
{
    watch->contact_ms = clock_get_monotonic_ms();
    if (change->cursor[0] != '\0') {
        mem_free(watch->cursor);
        watch->cursor = mem_copy_str(str_from(change->cursor));
    }
    watch->is_deleted = change->type == PB__TASK_CHANGE_TYPE__TASK_CHANGE_TYPE_DELETED;
    if (!change->task || watch->is_deleted)
        return;
    update_rate(watch, change->task->progress ? change->task->progress->rows_read : 0);
    if (!is_silent)
        show(watch, change->task, isatty(STDOUT_FILENO) != 0);
    watch->is_over = is_over(change->task);
}

/* Follows the task until it has ended, is deleted or the stream has: with what the stream ended. */
static struct status follow(const struct cli_settings *settings, const char *id, bool is_silent,
                            struct watch *watch)
{
    Pb__WatchTaskRequest request = PB__WATCH_TASK_REQUEST__INIT;
    const ProtobufCMessage *message;
    struct stream *stream;

    request.id = (char *)(uintptr_t)id;
    if (watch->cursor)
        request.cursor = watch->cursor;
    struct status st = stream_open(settings, "/sluice.v1.TaskService/WatchTask", &request.base,
                                   &pb__task_change__descriptor, &stream);
    if (st.code != STATUS_OK)
        return st;
    while (!watch->is_over && !watch->is_deleted && (message = stream_find_next(stream)) != NULL)
        take_in(watch, (const Pb__TaskChange *)message, is_silent);
    if (!watch->is_over && !watch->is_deleted)
        st = stream_get_end(stream);
    stream_close(stream);
    return st;
}

/* Tells how the task has ended; it is read anew, with its jobs. */
static struct status tell_end(const struct cli_settings *settings, const char *id, bool is_silent,
                              int *ret_exit)
{
    Pb__GetTaskRequest request = PB__GET_TASK_REQUEST__INIT;
    struct session *session = NULL;
    const ProtobufCMessage *reply = NULL;
    struct status st = session_open(settings, &session);

    if (st.code != STATUS_OK)
        return st;
    request.id = (char *)(uintptr_t)id;
    st = session_call(session, "/sluice.v1.TaskService/GetTask", &request.base,
                      &pb__task__descriptor, &reply);
    if (st.code == STATUS_OK) {
        const Pb__Task *task = (const Pb__Task *)reply;
        show_end(session, task, isatty(STDOUT_FILENO) != 0 && !is_silent);
        if (task->state != PB__TASK_STATE__TASK_STATE_SUCCEEDED)
            *ret_exit = EXIT_NOT_SUCCEEDED;
    }
    session_close(session);
    return st;
}

struct status watch_task(const struct cli_settings *settings, const char *const *operands,
                         int *ret_exit)
{
    struct watch watch = {.contact_ms = clock_get_monotonic_ms()};
    bool is_silent = settings->is_quiet || strcmp(settings->output, "json") == 0;
    struct status st = status_ok();

    while (!watch.is_over && !watch.is_deleted && st.code == STATUS_OK) {
        int64_t start_ms = clock_get_monotonic_ms();

        st = follow(settings, operands[0], is_silent, &watch);
        if (st.code == STATUS_OUT_OF_RANGE) { /* the cursor is too old */
            mem_free(watch.cursor);
            watch.cursor = NULL;
            st = status_ok();
        }
        if (st.code != STATUS_UNAVAILABLE)
            continue;
        /* A stream that was there for a while was a contact, even if there was nothing to tell. */
        if (clock_get_monotonic_ms() - start_ms > STANDSTILL_MS)
            watch.contact_ms = clock_get_monotonic_ms();
        if (clock_get_monotonic_ms() - watch.contact_ms >= PATIENCE_MS)
            break;
        pause_for_a_moment();
        st = status_ok();
    }
    mem_free(watch.cursor);
    if (watch.is_deleted)
        return status_error(STATUS_NOT_FOUND, "task '%s' was deleted", operands[0]);
    if (watch.is_over)
        return tell_end(settings, operands[0], is_silent, ret_exit);
    return st;
}
