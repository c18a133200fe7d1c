#include "cli/task_events.h"

#include "base/clock.h"
#include "base/compiler.h"
#include "cli/session.h"
#include "cli/table.h"
#include "sluice/v1/task_service.pb-c.h"

static void add_event(struct table *table, const Pb__TaskEvent *event)
{
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

/* Prints one page, or adds it to table; *ret_token is what asks for the next one, "" at the end. */
static struct status list_page(struct session *session, const Pb__ListTaskEventsRequest *request,
                               struct table *table, char **ret_token)
{
    const ProtobufCMessage *reply = NULL;
    struct status st =
        session_call(session, "/sluice.v1.TaskService/ListTaskEvents", &request->base,
                     &pb__list_task_events_response__descriptor, &reply);

    if (st.code != STATUS_OK)
        return st;
    const Pb__ListTaskEventsResponse *page = (const Pb__ListTaskEventsResponse *)reply;
    for (size_t i = 0; i < page->n_events; i++) {
        if (session_wants_json(session))
            session_print_json(&page->events[i]->base);
        else
            add_event(table, page->events[i]);
    }
    *ret_token = page->next_page_token;
    return st;
}

struct status task_events(const struct cli_settings *settings, const char *const *operands,
                          int *ret_exit)
{
    static const char *const titles[] = {"TIME", "WHO", "STATE", "STAGE", "MESSAGE"};
    Pb__ListTaskEventsRequest request = PB__LIST_TASK_EVENTS_REQUEST__INIT;
    struct session *session = NULL;
    struct status st = session_open(settings, &session);

    (void)ret_exit;
    if (st.code != STATUS_OK)
        return st;
    struct table *table = table_create(titles, ARRAY_LEN(titles));
    request.id = (char *)(uintptr_t)operands[0];
    request.page_size = 1000;
    do {
        st = list_page(session, &request, table, &request.page_token);
    } while (st.code == STATUS_OK && request.page_token[0] != '\0');
    if (session_wants_json(session) || st.code != STATUS_OK)
        table_destroy(table);
    else
        table_print(table);
    session_close(session);
    return st;
}
