#include "hbase/znode.h"

#include <stdint.h>

#include "base/arena.h"
#include "hbase/bytes.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/message.h"
#include "hbase/server.h"

enum {
    META_IS_OPEN = 3, /* RegionState.State: OPEN */
    ID_LENGTH_BYTES = 4,
    ARENA_BYTES = 64 * 1024, /* of a message that names a server, or an id */
};

/* What stands behind the writer's id, if there is one. */
static struct status skip_writer(struct str data, struct str *ret)
{
    if (data.len > 0 && (uint8_t)data.data[0] == 0xff) {
        data = str_skip(data, 1);
        if (data.len < ID_LENGTH_BYTES || hbase_get_u32(data.data) > data.len - ID_LENGTH_BYTES)
            return status_error(STATUS_DATA_LOSS, "what HBase has stored is cut short");
        data = str_skip(data, ID_LENGTH_BYTES + hbase_get_u32(data.data));
    }
    *ret = data;
    return status_ok();
}

static struct status read_message(struct str data, const ProtobufCMessageDescriptor *type,
                                  struct arena *arena, ProtobufCMessage **ret)
{
    struct str rest;
    struct status st = skip_writer(data, &rest);

    return st.code == STATUS_OK ? hbase_message_read_stored(rest, type, arena, ret) : st;
}

struct status hbase_znode_read_master(struct str data, struct hbase_server *ret)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    ProtobufCMessage *message;
    struct status st = read_message(data, &hb__master__descriptor, arena, &message);

    if (st.code == STATUS_OK)
        st = hbase_server_read(((const Hb__Master *)message)->master, ret);
    arena_destroy(arena);
    return st;
}

static struct status check_meta(const Hb__MetaRegionServer *meta, struct hbase_server *ret)
{
    if (meta->has_state && meta->state != META_IS_OPEN)
        return status_error(STATUS_UNAVAILABLE,
                            "hbase:meta is not open: HBase is starting, or moves it");
    return hbase_server_read(meta->server, ret);
}

struct status hbase_znode_read_meta(struct str data, struct hbase_server *ret)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    ProtobufCMessage *message;
    struct status st = read_message(data, &hb__meta_region_server__descriptor, arena, &message);

    if (st.code == STATUS_OK)
        st = check_meta((const Hb__MetaRegionServer *)message, ret);
    arena_destroy(arena);
    return st;
}

struct status hbase_cluster_id_read(struct str text, char ret[HBASE_CLUSTER_ID_BYTES])
{
    if (text.len == 0 || text.len >= HBASE_CLUSTER_ID_BYTES)
        return status_error(STATUS_DATA_LOSS, "HBase has an id of %zu bytes", text.len);
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] <= ' ' || text.data[i] > '~')
            return status_error(STATUS_DATA_LOSS, "HBase has an id that is no text");
    memcpy(ret, text.data, text.len);
    ret[text.len] = '\0';
    return status_ok();
}

struct status hbase_znode_read_id(struct str data, char ret[HBASE_CLUSTER_ID_BYTES])
{
    ProtobufCMessage *message;
    struct str text;
    struct status st = skip_writer(data, &text);

    if (st.code != STATUS_OK || !str_has_prefix(text, "PBUF"))
        return st.code == STATUS_OK ? hbase_cluster_id_read(text, ret) : st;

    struct arena *arena = arena_create(ARENA_BYTES);
    st = hbase_message_read_stored(text, &hb__cluster_id__descriptor, arena, &message);
    if (st.code == STATUS_OK)
        st = hbase_cluster_id_read(str_from(((const Hb__ClusterId *)message)->cluster_id), ret);
    arena_destroy(arena);
    return st;
}
