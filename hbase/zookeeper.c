#include "hbase/zookeeper.h"

#include <stdbool.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "hbase/socket.h"
#include "hbase/zookeeper_wire.h"

enum {
    SESSION_MS = 10000,
    MAX_SKIPPED =
        16, /* frames that are about something else: ZooKeeper has no reason to send any */
    CLOSE_MS = 1000,
};

struct zookeeper {
    struct zookeeper_options options;
    int fd;
    bool is_open;
    struct buf frame; /* the last one that came */
};

static struct status send_all(struct zookeeper *zookeeper, struct str bytes, int64_t deadline_ms)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.len};
    size_t nsent;

    return hbase_socket_send(zookeeper->fd, &part, 1, zookeeper->options.stop, deadline_ms, &nsent);
}

static struct status receive(struct zookeeper *zookeeper, char *data, size_t len)
{
    return hbase_socket_receive(zookeeper->fd, data, len, zookeeper->options.stop,
                                zookeeper->options.deadline_ms);
}

static struct status receive_frame(struct zookeeper *zookeeper)
{
    struct buf *frame = &zookeeper->frame;
    char head[ZOOKEEPER_LENGTH_BYTES];
    size_t len = 0;
    struct status st = receive(zookeeper, head, sizeof(head));

    if (st.code == STATUS_OK)
        st = zookeeper_read_length(head, &len);
    if (st.code != STATUS_OK)
        return st;
    buf_clear(frame);
    st = receive(zookeeper, buf_reserve(frame, len), len);
    frame->len = len;
    return st;
}

static struct status open_session(struct zookeeper *zookeeper)
{
    struct buf request = {0};

    zookeeper_write_connect(&request, SESSION_MS);
    struct status st = send_all(zookeeper, buf_get(&request), zookeeper->options.deadline_ms);
    buf_deinit(&request);
    if (st.code == STATUS_OK)
        st = receive_frame(zookeeper);
    if (st.code == STATUS_OK)
        st = zookeeper_read_connected(buf_get(&zookeeper->frame));
    if (st.code == STATUS_OK)
        zookeeper->is_open = true;
    if (st.code == STATUS_DEADLINE_EXCEEDED)
        return status_error(st.code, "no answer in time; is it the port of ZooKeeper?");
    if (st.code == STATUS_UNAVAILABLE)
        return status_error(STATUS_UNAVAILABLE,
                            "%s; it is no ZooKeeper, or takes TLS only, or has no quorum", st.text);
    return st;
}

/* The answer to the one request is in the frame then. */
static struct status receive_answer(struct zookeeper *zookeeper)
{
    for (unsigned i = 0; i < MAX_SKIPPED; i++) {
        int32_t id = 0;
        struct status st = receive_frame(zookeeper);

        if (st.code == STATUS_OK)
            st = zookeeper_read_id(buf_get(&zookeeper->frame), &id);
        if (st.code != STATUS_OK || id == ZOOKEEPER_READ_ID)
            return st;
    }
    return status_error(STATUS_DATA_LOSS, "it answers anything but the question");
}

static struct status name_server(const struct zookeeper_options *options, struct status st)
{
    if (st.code == STATUS_OK || st.code == STATUS_CANCELLED)
        return st;
    return status_error(st.code == STATUS_DATA_LOSS ? STATUS_UNAVAILABLE : st.code, "%s:%d: %s",
                        options->host, options->port, st.text);
}

struct status zookeeper_open(const struct zookeeper_options *options, struct zookeeper **ret)
{
    const struct hbase_address to = {options->host, options->address, options->port};
    int fd = -1;
    struct status st = hbase_socket_connect(&to, options->stop, options->deadline_ms, &fd);

    if (st.code != STATUS_OK)
        return st;

    struct zookeeper *zookeeper = mem_alloc(sizeof(*zookeeper));
    zookeeper->options = *options;
    zookeeper->fd = fd;
    st = open_session(zookeeper);
    if (st.code == STATUS_OK)
        *ret = zookeeper;
    else
        zookeeper_close(zookeeper);
    return name_server(options, st);
}

/* The server is told, so that it need not wait for the session's end; nothing is amiss if that does not work. */
static void end_session(struct zookeeper *zookeeper)
{
    struct buf request = {0};

    zookeeper_write_close(&request);
    (void)send_all(zookeeper, buf_get(&request), clock_get_monotonic_ms() + CLOSE_MS).code;
    buf_deinit(&request);
}

void zookeeper_set_deadline(struct zookeeper *zookeeper, int64_t deadline_ms)
{
    zookeeper->options.deadline_ms = deadline_ms;
}

void zookeeper_close(struct zookeeper *zookeeper)
{
    if (!zookeeper)
        return;
    if (zookeeper->is_open)
        end_session(zookeeper);
    buf_deinit(&zookeeper->frame);
    (void)close(zookeeper->fd);
    mem_free(zookeeper);
}

static struct status ask(struct zookeeper *zookeeper, struct buf *request)
{
    struct status st = send_all(zookeeper, buf_get(request), zookeeper->options.deadline_ms);

    buf_deinit(request);
    return st.code == STATUS_OK ? receive_answer(zookeeper) : st;
}

struct status zookeeper_read(struct zookeeper *zookeeper, const char *path, struct buf *ret)
{
    struct buf request = {0};
    struct str data;

    zookeeper_write_read(&request, path);
    struct status st = ask(zookeeper, &request);
    if (st.code == STATUS_OK)
        st = zookeeper_read_data(buf_get(&zookeeper->frame), &data);
    if (st.code == STATUS_OK)
        buf_append_str(ret, data);
    return name_server(&zookeeper->options, st);
}

struct status zookeeper_list(struct zookeeper *zookeeper, const char *path, struct arena *arena,
                             struct zookeeper_names *ret)
{
    struct buf request = {0};

    zookeeper_write_list(&request, path);
    struct status st = ask(zookeeper, &request);
    if (st.code == STATUS_OK)
        st = zookeeper_read_names(buf_get(&zookeeper->frame), arena, ret);
    return name_server(&zookeeper->options, st);
}
