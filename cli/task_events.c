#include "cli/task_events.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "cli/list.h"
#include "cli/session.h"
#include "cli/table.h"
#include "sluice/v1/task_service.pb-c.h"

static void add_event(struct table *table, const ProtobufCMessage *item)
{
    const Pb__TaskEvent *event = (const Pb__TaskEvent *)item;
    char time[CLOCK_TEXT_BYTES] = "-";
    const char *cells[] = {
        time,
        event->actor,
        session_name_value(&pb__task_state__descriptor, (int)event->state),
        session_name_value(&pb__task_stage__descriptor, (int)event->stage),
        event->message,
    };

    if (event->time)
        clock_write_text(event->time->seconds * 1000000 + event->time->nanos / 1000, time);
    table_add(table, cells);
}

struct status task_events(const struct cli_settings *settings, const char *const *operands,
                          int *ret_exit)
{
    static const char *const titles[] = {"TIME", "WHO", "STATE", "STAGE", "MESSAGE"};
    static const struct list list = {
        "/sluice.v1.TaskService/ListTaskEvents",
        &pb__list_task_events_response__descriptor,
        "events",
        titles,
        ARRAY_LEN(titles),
        add_event,
    };
    Pb__ListTaskEventsRequest request = PB__LIST_TASK_EVENTS_REQUEST__INIT;

    (void)ret_exit;
    request.id = (char *)(uintptr_t)operands[0];
    return list_print(settings, &list, &request.base, INT64_MAX);
}
