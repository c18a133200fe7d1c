#include "cli/list.h"

#include "base/str.h"
#include "cli/session.h"
#include "cli/table.h"
#include "rpc/message_field.h"

enum { PAGE_SIZE = 1000 }; /* the gateway's largest */

static void *get_member(const ProtobufCMessage *message, const char *name)
{
    return message_field_get(message, message_field_find(message->descriptor, str_from(name)));
}

/* Prints a page, or adds it to table; *ret_count: how many items it has. */
static void print_page(const struct session *session, const struct list *list,
                       const ProtobufCMessage *page, struct table *table, size_t *ret_count)
{
    const ProtobufCFieldDescriptor *field =
        message_field_find(page->descriptor, str_from(list->items));
    ProtobufCMessage **items = *(ProtobufCMessage ***)message_field_get(page, field);

    *ret_count = *(size_t *)message_field_get_quantifier(page, field);
    for (size_t i = 0; i < *ret_count; i++) {
        if (session_wants_json(session))
            session_print_json(items[i]);
        else
            list->add(table, items[i]);
    }
}

static struct status print_pages(struct session *session, const struct list *list,
                                 ProtobufCMessage *request, int64_t limit, struct table *table)
{
    int32_t *page_size = get_member(request, "page_size");
    char **page_token = get_member(request, "page_token");

    do {
        const ProtobufCMessage *page = NULL;
        size_t count;
        *page_size = limit < PAGE_SIZE ? (int32_t)limit : PAGE_SIZE;
        struct status st = session_call(session, list->method, request, list->reply_type, &page);
        if (st.code != STATUS_OK)
            return st;
        print_page(session, list, page, table, &count);
        limit -= (int64_t)count;
        *page_token = *(char **)get_member(page, "next_page_token");
    } while (limit > 0 && (*page_token)[0] != '\0');
    return status_ok();
}

struct status list_print(const struct cli_settings *settings, const struct list *list,
                         ProtobufCMessage *request, int64_t limit)
{
    struct session *session = NULL;
    struct status st = session_open(settings, &session);

    if (st.code != STATUS_OK)
        return st;
    struct table *table = table_create(list->titles, list->ntitles);
    st = print_pages(session, list, request, limit, table);
    if (session_wants_json(session) || st.code != STATUS_OK)
        table_destroy(table);
    else
        table_print(table);
    session_close(session);
    return st;
}
