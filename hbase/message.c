#include "hbase/message.h"

static const char STORED_MAGIC[] = "PBUF";

static void *allocate(void *arena, size_t size)
{
    return arena_try_alloc(arena, size);
}

static void release(void *arena, void *memory)
{
    (void)arena;
    (void)memory;
}

struct status hbase_message_read(struct str bytes, const ProtobufCMessageDescriptor *type,
                                 struct arena *arena, ProtobufCMessage **ret)
{
    ProtobufCAllocator allocator = {allocate, release, arena};
    ProtobufCMessage *message =
        protobuf_c_message_unpack(type, &allocator, bytes.len, (const uint8_t *)bytes.data);

    if (!message && arena_is_full(arena))
        return status_error(STATUS_RESOURCE_EXHAUSTED,
                            "a %s of %zu bytes takes more memory than is allowed", type->short_name,
                            bytes.len);
    if (!message)
        return status_error(STATUS_DATA_LOSS, "what HBase sent is no %s", type->short_name);
    *ret = message;
    return status_ok();
}

struct status hbase_message_read_stored(struct str bytes, const ProtobufCMessageDescriptor *type,
                                        struct arena *arena, ProtobufCMessage **ret)
{
    if (!str_has_prefix(bytes, STORED_MAGIC))
        return status_error(STATUS_DATA_LOSS, "what HBase has stored is no %s", type->short_name);
    return hbase_message_read(str_skip(bytes, sizeof(STORED_MAGIC) - 1), type, arena, ret);
}

void hbase_message_write(struct buf *out, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *at = buf_reserve(out, len);

    if (at)
        out->len += protobuf_c_message_pack(message, at);
}
