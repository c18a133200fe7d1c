#include "cli/watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "cli/session.h"
#include "cli/table.h"
#include "sluice/v1/task_service.pb-c.h"

enum {
    POLL_MS = 500,
    STANDSTILL_MS = 3000,
    BAR_WIDTH = 30,
    EXIT_NOT_SUCCEEDED = 3,
    PATIENCE_MS = 60000, /* with a gateway that is away */
};

/* What the last poll saw, to tell the rate. */
struct watch {
    int64_t time_ms;
    int64_t rows;
    double rows_a_second;
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

    /* Workers report about once a second, and polls are more often: no news is no standstill yet. */
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

static void sleep_until_next_poll(void)
{
    struct timespec pause = {.tv_nsec = POLL_MS * 1000000};

    (void)nanosleep(&pause, NULL);
}

static struct status get_task(const struct cli_settings *settings, const char *id,
                              struct session **ret_session, const Pb__Task **ret_task)
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
    if (st.code != STATUS_OK) {
        session_close(session);
        return st;
    }
    *ret_session = session;
    *ret_task = (const Pb__Task *)reply;
    return st;
}

struct status watch_task(const struct cli_settings *settings, const char *const *operands,
                         int *ret_exit)
{
    struct watch watch = {0};
    bool is_terminal = isatty(STDOUT_FILENO) != 0;
    bool is_silent = settings->is_quiet || strcmp(settings->output, "json") == 0;
    int64_t last_answer_ms = clock_get_monotonic_ms();

    for (;; sleep_until_next_poll()) {
        struct session *session = NULL;
        const Pb__Task *task = NULL;
        struct status st = get_task(settings, operands[0], &session, &task);
        bool may_pass = st.code == STATUS_UNAVAILABLE || st.code == STATUS_DEADLINE_EXCEEDED;

        if (may_pass && clock_get_monotonic_ms() - last_answer_ms < PATIENCE_MS)
            continue;
        if (st.code != STATUS_OK)
            return st;
        last_answer_ms = clock_get_monotonic_ms();
        update_rate(&watch, task->progress ? task->progress->rows_read : 0);
        if (!is_silent)
            show(&watch, task, is_terminal);
        bool is_done = is_over(task);
        if (is_done)
            show_end(session, task, is_terminal && !is_silent);
        if (is_done && task->state != PB__TASK_STATE__TASK_STATE_SUCCEEDED)
            *ret_exit = EXIT_NOT_SUCCEEDED;
        session_close(session);
        if (is_done)
            return st;
    }
}
