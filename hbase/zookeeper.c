#include "hbase/zookeeper.h"

#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "hbase/socket.h"
#include "hbase/zookeeper_wire.h"

enum {
    SESSION_MS = 10000,
    MAX_SKIPPED =
        16, /* frames that are about something else: ZooKeeper has no reason to send any */
    CLOSE_MS = 1000,
};

static struct status send_all(int fd, const struct zookeeper_options *options, struct str bytes,
                              int64_t deadline_ms)
{
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes.data, .iov_len = bytes.len};
    size_t nsent;

    return hbase_socket_send(fd, &part, 1, options->stop, deadline_ms, &nsent);
}

static struct status receive_frame(int fd, const struct zookeeper_options *options,
                                   struct buf *frame)
{
    char head[ZOOKEEPER_LENGTH_BYTES];
    size_t len = 0;
    struct status st =
        hbase_socket_receive(fd, head, sizeof(head), options->stop, options->deadline_ms);

    if (st.code == STATUS_OK)
        st = zookeeper_read_length(head, &len);
    if (st.code != STATUS_OK)
        return st;
    buf_clear(frame);
    st =
        hbase_socket_receive(fd, buf_reserve(frame, len), len, options->stop, options->deadline_ms);
    frame->len = len;
    return st;
}

static struct status open_session(int fd, const struct zookeeper_options *options,
                                  struct buf *frame)
{
    struct buf request = {0};

    zookeeper_write_connect(&request, SESSION_MS);
    struct status st = send_all(fd, options, buf_get(&request), options->deadline_ms);
    buf_deinit(&request);
    if (st.code == STATUS_OK)
        st = receive_frame(fd, options, frame);
    if (st.code == STATUS_OK)
        st = zookeeper_read_connected(buf_get(frame));
    if (st.code == STATUS_DEADLINE_EXCEEDED)
        return status_error(st.code, "no answer in time; is it the port of ZooKeeper?");
    if (st.code == STATUS_UNAVAILABLE)
        return status_error(STATUS_UNAVAILABLE,
                            "%s; it is no ZooKeeper, or takes TLS only, or has no quorum", st.text);
    return st;
}

/* The answer to the one request is in frame then. */
static struct status receive_answer(int fd, const struct zookeeper_options *options,
                                    struct buf *frame)
{
    for (unsigned i = 0; i < MAX_SKIPPED; i++) {
        int32_t id = 0;
        struct status st = receive_frame(fd, options, frame);

        if (st.code == STATUS_OK)
            st = zookeeper_read_id(buf_get(frame), &id);
        if (st.code != STATUS_OK || id == ZOOKEEPER_READ_ID)
            return st;
    }
    return status_error(STATUS_DATA_LOSS, "it answers anything but the question");
}

/* The server is told, so that it need not wait for the session's end; nothing is amiss if that does not work. */
static void end_session(int fd, const struct zookeeper_options *options)
{
    struct buf request = {0};

    zookeeper_write_close(&request);
    (void)send_all(fd, options, buf_get(&request), clock_get_monotonic_ms() + CLOSE_MS).code;
    buf_deinit(&request);
}

static struct status read_node(int fd, const struct zookeeper_options *options, const char *path,
                               struct buf *frame, struct buf *ret)
{
    struct buf request = {0};
    struct str data;
    struct status st = open_session(fd, options, frame);

    if (st.code != STATUS_OK)
        return st;
    zookeeper_write_read(&request, path);
    st = send_all(fd, options, buf_get(&request), options->deadline_ms);
    if (st.code == STATUS_OK)
        st = receive_answer(fd, options, frame);
    if (st.code == STATUS_OK)
        st = zookeeper_read_data(buf_get(frame), &data);
    if (st.code == STATUS_OK)
        buf_append_str(ret, data);
    buf_deinit(&request);
    end_session(fd, options);
    return st;
}

struct status zookeeper_read(const struct zookeeper_options *options, const char *path,
                             struct buf *ret)
{
    const struct hbase_address to = {options->host, options->address, options->port};
    struct buf frame = {0};
    int fd = -1;
    struct status st = hbase_socket_connect(&to, options->stop, options->deadline_ms, &fd);

    if (st.code != STATUS_OK)
        return st;
    st = read_node(fd, options, path, &frame, ret);
    buf_deinit(&frame);
    (void)close(fd);
    if (st.code == STATUS_OK || st.code == STATUS_CANCELLED)
        return st;
    return status_error(st.code == STATUS_DATA_LOSS ? STATUS_UNAVAILABLE : st.code, "%s:%d: %s",
                        options->host, options->port, st.text);
}
