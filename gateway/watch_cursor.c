/*
 * gateway/watch_cursor.c - what is in a cursor:
 *
 *     byte     1, the version
 *     byte     whether the point is between two snapshots
 *     8 bytes  the origin, lowest first
 *     varint   the time
 *     snapshot told: varints of start, end - start, nopen, and the distance of each open one to the one before
 *     snapshot next, and varint seq, if it is between
 *     4 bytes  the beginning of the SHA-256 of all that
 *
 * A varint is that of protobuf, of 63 bits, in its shortest form.
 */
#include "gateway/watch_cursor.h"

#include <inttypes.h>

#include "base/base64.h"
#include "base/number.h"
#include "base/sha256.h"

enum {
    VERSION = 1,
    ORIGIN_BYTES = 8,
    DIGEST_BYTES = 4,
    VARINT_MAX_BYTES = 9,
};

/* Snapshots as texts. */

static struct status refuse(const char *what)
{
    return status_error(STATUS_INVALID_ARGUMENT, "%s", what);
}

static bool read_number(struct str text, int64_t *ret)
{
    return number_read("snapshot", text, 1, INT64_MAX, ret).code == STATUS_OK;
}

/* Whether the next open transaction is at its place. */
static bool add_open(struct watch_snapshot *snapshot, int64_t xid)
{
    int64_t least = snapshot->nopen ? snapshot->open[snapshot->nopen - 1] + 1 : snapshot->start;

    if (snapshot->nopen == TASK_WATCH_MAX_OPEN || xid < least || xid >= snapshot->end)
        return false;
    snapshot->open[snapshot->nopen++] = xid;
    return true;
}

struct status watch_snapshot_read(struct str text, struct watch_snapshot *ret)
{
    struct watch_snapshot snapshot = {.nopen = 0};
    struct str rest = text;
    struct str start = str_cut(&rest, ':');
    struct str end = str_cut(&rest, ':');
    bool is_right = rest.data && read_number(start, &snapshot.start) &&
                    read_number(end, &snapshot.end) && snapshot.start <= snapshot.end;

    while (is_right && rest.len > 0) {
        int64_t xid;
        struct str one = str_cut(&rest, ',');
        is_right =
            read_number(one, &xid) && add_open(&snapshot, xid) && (!rest.data || rest.len > 0);
    }
    if (!is_right)
        return refuse("the database's snapshot cannot be read");
    *ret = snapshot;
    return status_ok();
}

void watch_snapshot_write(const struct watch_snapshot *snapshot, struct buf *buf)
{
    buf_printf(buf, "%" PRId64 ":%" PRId64 ":", snapshot->start, snapshot->end);
    for (unsigned i = 0; i < snapshot->nopen; i++)
        buf_printf(buf, "%s%" PRId64, i ? "," : "", snapshot->open[i]);
}

/* Writing. */

static void write_varint(struct buf *buf, int64_t value)
{
    uint64_t rest = (uint64_t)value;

    for (; rest >= 0x80; rest >>= 7)
        buf_append_char(buf, (char)(rest | 0x80));
    buf_append_char(buf, (char)rest);
}

static void write_snapshot(struct buf *buf, const struct watch_snapshot *snapshot)
{
    int64_t last = snapshot->start;

    write_varint(buf, snapshot->start);
    write_varint(buf, snapshot->end - snapshot->start);
    write_varint(buf, snapshot->nopen);
    for (unsigned i = 0; i < snapshot->nopen; i++) {
        write_varint(buf, snapshot->open[i] - last);
        last = snapshot->open[i];
    }
}

void watch_cursor_write(const struct watch_point *point, struct buf *buf)
{
    struct buf bytes = {0};
    uint8_t digest[SHA256_BYTES];

    buf_append_char(&bytes, VERSION);
    buf_append_char(&bytes, point->is_between);
    for (unsigned i = 0; i < ORIGIN_BYTES; i++)
        buf_append_char(&bytes, (char)((uint64_t)point->origin >> (8 * i)));
    write_varint(&bytes, point->time_us);
    write_snapshot(&bytes, &point->told);
    if (point->is_between) {
        write_snapshot(&bytes, &point->next);
        write_varint(&bytes, point->seq);
    }
    sha256_make(buf_get(&bytes), digest);
    buf_append(&bytes, digest, DIGEST_BYTES);
    base64_write(buf, BASE64_URL, buf_get(&bytes));
    buf_deinit(&bytes);
}

/* Reading. What is left gets shorter; a failure leaves it without data. */

static uint8_t read_byte(struct str *rest)
{
    if (rest->len == 0) {
        rest->data = NULL;
        return 0;
    }
    uint8_t byte = (uint8_t)rest->data[0];
    *rest = str_skip(*rest, 1);
    return byte;
}

static int64_t read_varint(struct str *rest)
{
    uint64_t value = 0;

    for (unsigned i = 0; i < VARINT_MAX_BYTES; i++) {
        uint8_t byte = read_byte(rest);
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (byte < 0x80 && (byte > 0 || i == 0))
            return (int64_t)value;
        if (byte == 0)
            break;
    }
    *rest = (struct str){NULL, 0};
    return 0;
}

static bool read_snapshot(struct str *rest, struct watch_snapshot *ret)
{
    ret->start = read_varint(rest);
    int64_t distance = read_varint(rest);
    int64_t nopen = read_varint(rest);
    int64_t last = ret->start;

    if (!rest->data || ret->start < 1 || distance > INT64_MAX - ret->start)
        return false;
    ret->end = ret->start + distance;
    ret->nopen = 0;
    for (int64_t i = 0; i < nopen; i++) {
        distance = read_varint(rest);
        if (!rest->data || distance > INT64_MAX - last || !add_open(ret, last + distance))
            return false;
        last += distance;
    }
    return true;
}

static bool read_point(struct str rest, struct watch_point *ret)
{
    uint64_t origin = 0;
    uint8_t version = read_byte(&rest);
    uint8_t is_between = read_byte(&rest);

    for (unsigned i = 0; i < ORIGIN_BYTES; i++)
        origin |= (uint64_t)read_byte(&rest) << (8 * i);
    ret->origin = (int64_t)origin;
    ret->time_us = read_varint(&rest);
    ret->next_time_us = ret->time_us;
    ret->is_between = is_between == 1;
    ret->seq = 0;
    if (version != VERSION || is_between > 1 || !read_snapshot(&rest, &ret->told))
        return false;
    if (ret->is_between) {
        if (!read_snapshot(&rest, &ret->next))
            return false;
        ret->seq = read_varint(&rest);
    }
    return rest.data && rest.len == 0;
}

static bool read_bytes(struct str bytes, struct watch_point *ret)
{
    uint8_t digest[SHA256_BYTES];

    if (bytes.len < DIGEST_BYTES)
        return false;
    struct str body = str_from_bytes(bytes.data, bytes.len - DIGEST_BYTES);
    sha256_make(body, digest);
    return memcmp(digest, bytes.data + body.len, DIGEST_BYTES) == 0 && read_point(body, ret);
}

struct status watch_cursor_read(const char *text, struct watch_point *ret)
{
    struct str given = str_from(text);
    struct buf bytes = {0};
    struct watch_point point;
    bool is_ours = given.len <= WATCH_CURSOR_MAX_BYTES && base64_read(given, &bytes) &&
                   read_bytes(buf_get(&bytes), &point);

    buf_deinit(&bytes);
    if (!is_ours)
        return refuse("cursor is not one that a watch gave");
    *ret = point;
    return status_ok();
}
