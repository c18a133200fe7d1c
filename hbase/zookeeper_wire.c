#include "hbase/zookeeper_wire.h"

#include "hbase/bytes.h"
#include "hbase/zookeeper.h"

enum {
    TYPE_READ = 4, /* OpCode.getData */
    TYPE_LIST = 8, /* OpCode.getChildren */
    TYPE_CLOSE = -11,
    PASSWORD_BYTES = 16,

    CONNECT_BYTES = 4 + 8 + 4 + 8 + 4 + PASSWORD_BYTES + 1,
    CONNECTED_BYTES = 4 + 4 + 8 + 4 + PASSWORD_BYTES, /* without the flag that 3.4 put behind it */
    HEADER_BYTES = 4 + 8 + 4,                         /* ReplyHeader: xid, zxid, err */
    STAT_BYTES = 68,
    NAME_LENGTH_BYTES = 4, /* in front of each name, and of all: their number */
    MAX_FRAME_BYTES = HEADER_BYTES + 4 + ZOOKEEPER_MAX_NODE_BYTES + STAT_BYTES,

    ERROR_NO_NODE = -101, /* KeeperException.Code */
    ERROR_NO_AUTH = -102,
    ERROR_SESSION_CLOSED_REQUIRE_SASL = -124,
    ERROR_AUTH_FAILED = -115,
};

static void write_u32(struct buf *out, uint32_t number)
{
    char *at = buf_reserve(out, sizeof(number));

    if (at)
        out->len += (size_t)(hbase_put_u32(at, number) - at);
}

static void write_u64(struct buf *out, uint64_t number)
{
    char *at = buf_reserve(out, sizeof(number));

    if (at)
        out->len += (size_t)(hbase_put_u64(at, number) - at);
}

void zookeeper_write_connect(struct buf *out, int32_t timeout_ms)
{
    const char no_password[PASSWORD_BYTES] = {0};

    write_u32(out, CONNECT_BYTES);
    write_u32(out, 0); /* the protocol's version */
    write_u64(out, 0); /* the last zxid seen: none */
    write_u32(out, (uint32_t)timeout_ms);
    write_u64(out, 0); /* a new session */
    write_u32(out, PASSWORD_BYTES);
    buf_append(out, no_password, sizeof(no_password));
    buf_append_char(out, 0); /* a server that is cut off from the others will not do */
}

static void write_question(struct buf *out, uint32_t type, const char *path)
{
    struct str text = str_from(path);

    write_u32(out, (uint32_t)(4 + 4 + 4 + text.len + 1));
    write_u32(out, ZOOKEEPER_READ_ID);
    write_u32(out, type);
    write_u32(out, (uint32_t)text.len);
    buf_append_str(out, text);
    buf_append_char(out, 0); /* no watch */
}

void zookeeper_write_read(struct buf *out, const char *path)
{
    write_question(out, TYPE_READ, path);
}

void zookeeper_write_list(struct buf *out, const char *path)
{
    write_question(out, TYPE_LIST, path);
}

void zookeeper_write_close(struct buf *out)
{
    write_u32(out, 4 + 4);
    write_u32(out, ZOOKEEPER_READ_ID + 1);
    write_u32(out, (uint32_t)TYPE_CLOSE);
}

static struct status make_foreign(void)
{
    return status_error(STATUS_DATA_LOSS,
                        "what answers there is no ZooKeeper; is it the port of something else?");
}

struct status zookeeper_read_length(const char *head, size_t *ret)
{
    uint32_t length = hbase_get_u32(head);

    if (length < HEADER_BYTES || length > MAX_FRAME_BYTES)
        return make_foreign();
    *ret = length;
    return status_ok();
}

struct status zookeeper_read_connected(struct str frame)
{
    if (frame.len < CONNECTED_BYTES || frame.len > CONNECTED_BYTES + 1 ||
        hbase_get_u32(frame.data) != 0 || hbase_get_u32(frame.data + 16) != PASSWORD_BYTES)
        return make_foreign();
    if (hbase_get_u32(frame.data + 4) == 0) /* the session's time-out */
        return status_error(STATUS_UNAVAILABLE, "it opens no session");
    return status_ok();
}

struct status zookeeper_read_id(struct str frame, int32_t *ret)
{
    if (frame.len < HEADER_BYTES)
        return make_foreign();
    *ret = (int32_t)hbase_get_u32(frame.data);
    return status_ok();
}

static struct status make_error(int32_t error)
{
    switch (error) {
    case ERROR_NO_NODE:
        return status_error(STATUS_NOT_FOUND, "there is no such node");
    case ERROR_NO_AUTH:
    case ERROR_AUTH_FAILED:
    case ERROR_SESSION_CLOSED_REQUIRE_SASL:
        return status_error(STATUS_PERMISSION_DENIED, "the node may not be read without a login");
    default:
        return status_error(STATUS_UNAVAILABLE, "it answers with the error %d", error);
    }
}

/* What is behind the header of an answer that is no error. */
static struct status read_header(struct str frame, struct str *ret)
{
    if (frame.len < HEADER_BYTES)
        return make_foreign();

    int32_t error = (int32_t)hbase_get_u32(frame.data + HEADER_BYTES - 4);
    if (error != 0)
        return make_error(error);
    *ret = str_skip(frame, HEADER_BYTES);
    return status_ok();
}

struct status zookeeper_read_data(struct str frame, struct str *ret)
{
    struct str rest = {0};
    struct status st = read_header(frame, &rest);

    if (st.code != STATUS_OK)
        return st;
    if (rest.len < 4 + STAT_BYTES)
        return make_foreign();
    int32_t length = (int32_t)hbase_get_u32(rest.data); /* -1: a node that holds nothing */
    if (length < -1 || (size_t)(length > 0 ? length : 0) != rest.len - 4 - STAT_BYTES)
        return make_foreign();
    *ret = str_from_bytes(rest.data + 4, rest.len - 4 - STAT_BYTES);
    return status_ok();
}

struct status zookeeper_read_names(struct str frame, struct arena *arena,
                                   struct zookeeper_names *ret)
{
    struct str rest = {0};
    struct status st = read_header(frame, &rest);

    if (st.code != STATUS_OK)
        return st;
    if (rest.len < NAME_LENGTH_BYTES ||
        hbase_get_u32(rest.data) > (rest.len - NAME_LENGTH_BYTES) / NAME_LENGTH_BYTES)
        return make_foreign();

    struct zookeeper_names found = {.count = hbase_get_u32(rest.data)};
    found.names = arena_alloc(arena, found.count * sizeof(*found.names));
    rest = str_skip(rest, NAME_LENGTH_BYTES);
    for (size_t i = 0; i < found.count; i++) {
        if (rest.len < NAME_LENGTH_BYTES || hbase_get_u32(rest.data) > rest.len - NAME_LENGTH_BYTES)
            return make_foreign();
        size_t len = hbase_get_u32(rest.data);
        found.names[i] = arena_copy_str(arena, str_from_bytes(rest.data + NAME_LENGTH_BYTES, len));
        rest = str_skip(rest, NAME_LENGTH_BYTES + len);
    }
    if (rest.len > 0)
        return make_foreign();
    *ret = found;
    return status_ok();
}
