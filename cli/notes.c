#include "cli/notes.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "cli/table.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"
#include "rpc/message_wire.h"

static const char bad_request_url[] = "type.googleapis.com/google.rpc.BadRequest";

/* The message of that type in bytes, or NULL. */
static const ProtobufCMessage *find_message(struct str bytes,
                                            const ProtobufCMessageDescriptor *type,
                                            struct arena *arena)
{
    ProtobufCMessage *message = NULL;
    struct status st = message_wire_read(bytes, type, arena, NULL, &message);

    return st.code == STATUS_OK ? message : NULL;
}

static const Google__Rpc__BadRequest *find_bad_request(struct str details, struct arena *arena)
{
    const Google__Rpc__Status *status =
        (const Google__Rpc__Status *)find_message(details, &google__rpc__status__descriptor, arena);

    for (size_t i = 0; status && i < status->n_details; i++) {
        const Google__Protobuf__Any *any = status->details[i];

        if (strcmp(any->type_url, bad_request_url) == 0)
            return (const Google__Rpc__BadRequest *)find_message(
                str_from_bytes(any->value.data, any->value.len),
                &google__rpc__bad_request__descriptor, arena);
    }
    return NULL;
}

void notes_add_violations(struct str details, struct arena *arena, struct buf *notes)
{
    const Google__Rpc__BadRequest *bad = find_bad_request(details, arena);

    for (size_t i = 0; bad && bad->n_field_violations > 1 && i < bad->n_field_violations; i++) {
        char *field = table_copy_plain(str_from(bad->field_violations[i]->field));
        char *text = table_copy_plain(str_from(bad->field_violations[i]->description));

        buf_printf(notes, "  %s: %s\n", field, text);
        mem_free(field);
        mem_free(text);
    }
}
