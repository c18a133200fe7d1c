#include "rpc/details.h"

#include <string.h>

#include "base/arena.h"
#include "google/protobuf/any.pb-c.h"
#include "google/protobuf/duration.pb-c.h"
#include "google/rpc/error_details.pb-c.h"
#include "google/rpc/status.pb-c.h"

enum { MAX_DETAILS = 4 };

struct writer {
    struct arena *arena;
    Google__Rpc__Status status;
    Google__Protobuf__Any *list[MAX_DETAILS];
};

/* Adds a detail, or leaves it out if the whole would become too large. */
static void add(struct writer *writer, const ProtobufCMessage *message)
{
    Google__Protobuf__Any *any = arena_alloc(writer->arena, sizeof(*any));
    size_t len = protobuf_c_message_get_packed_size(message);

    google__protobuf__any__init(any);
    any->type_url =
        arena_printf(writer->arena, "type.googleapis.com/%s", message->descriptor->name);
    any->value.data = arena_alloc(writer->arena, len);
    any->value.len = protobuf_c_message_pack(message, any->value.data);
    writer->list[writer->status.n_details++] = any;
    if (google__rpc__status__get_packed_size(&writer->status) > RPC_DETAILS_MAX_BYTES)
        writer->status.n_details--;
}

/* protobuf-c's structs have no const, but packing does not write. */
static char *unconst(const char *text)
{
    return text ? (char *)(uintptr_t)text : (char *)(uintptr_t)"";
}

static void add_reason(struct writer *writer, const struct rpc_details *details)
{
    Google__Rpc__ErrorInfo info = GOOGLE__RPC__ERROR_INFO__INIT;
    Google__Rpc__ErrorInfo__MetadataEntry entry = GOOGLE__RPC__ERROR_INFO__METADATA_ENTRY__INIT;
    Google__Rpc__ErrorInfo__MetadataEntry *entries[] = {&entry};

    info.reason = unconst(details->reason);
    info.domain = unconst("sluice");
    if (details->metadata_key) {
        entry.key = unconst(details->metadata_key);
        entry.value = unconst(details->metadata_value);
        info.metadata = entries;
        info.n_metadata = 1;
    }
    add(writer, &info.base);
}

static void add_violations(struct writer *writer, const struct rpc_details *details)
{
    Google__Rpc__BadRequest__FieldViolation rows[RPC_DETAILS_MAX_VIOLATIONS];
    Google__Rpc__BadRequest__FieldViolation *list[RPC_DETAILS_MAX_VIOLATIONS];
    Google__Rpc__BadRequest bad = GOOGLE__RPC__BAD_REQUEST__INIT;

    bad.field_violations = list;
    for (size_t i = 0; i < details->nviolations; i++) {
        google__rpc__bad_request__field_violation__init(&rows[i]);
        rows[i].field = unconst(details->violations[i].field);
        rows[i].description = unconst(details->violations[i].description);
        list[bad.n_field_violations++] = &rows[i];
    }
    /* The first ones tell more than none. */
    while (google__rpc__bad_request__get_packed_size(&bad) > RPC_DETAILS_MAX_BYTES / 2)
        bad.n_field_violations--;
    add(writer, &bad.base);
}

static void add_retry(struct writer *writer, unsigned retry_ms)
{
    Google__Rpc__RetryInfo retry = GOOGLE__RPC__RETRY_INFO__INIT;
    Google__Protobuf__Duration delay = GOOGLE__PROTOBUF__DURATION__INIT;

    delay.seconds = retry_ms / 1000;
    delay.nanos = (int32_t)(retry_ms % 1000) * 1000000;
    retry.retry_delay = &delay;
    add(writer, &retry.base);
}

static void add_resource(struct writer *writer, const struct rpc_details *details)
{
    Google__Rpc__ResourceInfo resource = GOOGLE__RPC__RESOURCE_INFO__INIT;

    resource.resource_type = unconst(details->resource_type);
    resource.resource_name = unconst(details->resource_name);
    add(writer, &resource.base);
}

void rpc_details_write(const struct rpc_details *details, struct status st, struct arena *arena,
                       struct buf *out)
{
    struct writer writer = {.arena = arena, .status = GOOGLE__RPC__STATUS__INIT};

    writer.status.code = (int32_t)st.code;
    writer.status.message = st.text;
    writer.status.details = writer.list;
    if (details->reason)
        add_reason(&writer, details);
    if (details->nviolations > 0)
        add_violations(&writer, details);
    if (details->retry_ms > 0)
        add_retry(&writer, details->retry_ms);
    if (details->resource_type)
        add_resource(&writer, details);

    size_t len = google__rpc__status__get_packed_size(&writer.status);
    uint8_t *data = arena_alloc(arena, len);
    buf_append(out, data, google__rpc__status__pack(&writer.status, data));
}
