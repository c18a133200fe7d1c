#include "cli/task_differences.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "cli/list.h"
#include "cli/session.h"
#include "cli/table.h"
#include "sluice/v1/task_service.pb-c.h"

enum { TIME_BYTES = 32 };

/* Bytes as HBase's shell shows them: what is not printable ASCII as "\\xHH". */
static void show_bytes(ProtobufCBinaryData bytes, struct buf *ret)
{
    for (size_t i = 0; i < bytes.len; i++) {
        unsigned char c = bytes.data[i];

        if (c < ' ' || c > '~' || c == '\\')
            buf_printf(ret, "\\x%02X", (unsigned)c);
        else
            buf_append_char(ret, (char)c);
    }
}

/* Milliseconds since 1970; "-" where the cell is not there. */
static const char *show_time(int64_t time_ms, bool is_there, char text[TIME_BYTES])
{
    (void)snprintf(text, TIME_BYTES, is_there ? "%" PRId64 : "-", time_ms);
    return text;
}

static void add_difference(struct table *table, const ProtobufCMessage *item)
{
    const Pb__Difference *difference = (const Pb__Difference *)item;
    char source[TIME_BYTES], destination[TIME_BYTES];
    struct buf row = {0}, column = {0};

    show_bytes(difference->row, &row);
    show_bytes(difference->family, &column);
    buf_append_char(&column, ':');
    show_bytes(difference->qualifier, &column);
    const char *cells[] = {
        difference->table,
        session_name_value(&pb__difference_type__descriptor, (int)difference->type),
        buf_get_text(&row),
        buf_get_text(&column),
        show_time(difference->source_timestamp,
                  difference->type != PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_EXTRA, source),
        show_time(difference->destination_timestamp,
                  difference->type != PB__DIFFERENCE_TYPE__DIFFERENCE_TYPE_MISSING, destination),
        difference->is_repaired ? "yes" : "no",
    };
    table_add(table, cells);
    buf_deinit(&row);
    buf_deinit(&column);
}

struct status task_differences(const struct cli_settings *settings, const char *const *operands,
                               int *ret_exit)
{
    static const char *const titles[] = {"TABLE",  "DIFFERENCE",  "ROW",     "COLUMN",
                                         "SOURCE", "DESTINATION", "REPAIRED"};
    static const struct list list = {
        "/sluice.v1.TaskService/ListDifferences",
        &pb__list_differences_response__descriptor,
        "differences",
        titles,
        ARRAY_LEN(titles),
        add_difference,
    };
    Pb__ListDifferencesRequest request = PB__LIST_DIFFERENCES_REQUEST__INIT;

    (void)ret_exit;
    request.id = (char *)(uintptr_t)operands[0];
    return list_print(settings, &list, &request.base, INT64_MAX);
}
