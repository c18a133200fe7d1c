#include "tests/unit/hbase/fake_zookeeper.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/thread.h"
#include "hbase/bytes.h"

enum {
    MAX_FRAME_BYTES = 4096,
    MAX_CHILDREN = 16,
    TYPE_READ = 4,
    TYPE_LIST = 8,
    NO_NODE = -101,
    NO_AUTH = -102,
    STAT_BYTES = 68,
};

struct fake_zookeeper {
    struct fake_zookeeper_options options;
    int listener;
    int port;
    pthread_t thread;
    atomic_uint nclosed;
    atomic_bool is_stopping;
};

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static bool receive(int fd, void *data, size_t len)
{
    return recv(fd, data, len, MSG_WAITALL) == (ssize_t)len;
}

/* Receives a frame without its length; false at the end of the connection. */
static bool receive_frame(int fd, char ret[MAX_FRAME_BYTES], size_t *ret_len)
{
    char head[4];

    if (!receive(fd, head, sizeof(head)))
        return false;
    *ret_len = hbase_get_u32(head);
    require(*ret_len <= MAX_FRAME_BYTES);
    return receive(fd, ret, *ret_len);
}

static void add_u32(struct buf *out, uint32_t number)
{
    char bytes[4];

    (void)hbase_put_u32(bytes, number);
    buf_append(out, bytes, sizeof(bytes));
}

static void send_frame(int fd, struct str frame)
{
    struct buf out = {0};

    add_u32(&out, (uint32_t)frame.len);
    buf_append_str(&out, frame);
    (void)!send(fd, out.data, out.len, MSG_NOSIGNAL);
    buf_deinit(&out);
}

static void send_connected(const struct fake_zookeeper *server, int fd)
{
    char frame[37] = {0};

    (void)hbase_put_u32(frame + 4, server->options.mood == FAKE_ZOOKEEPER_EXPIRES ? 0 : 10000);
    (void)hbase_put_u64(frame + 8, 77);
    (void)hbase_put_u32(frame + 16, 16);
    send_frame(fd, str_from_bytes(frame, sizeof(frame)));
}

static const struct fake_node *find_node(const struct fake_zookeeper *server, struct str path)
{
    for (size_t i = 0; i < server->options.nnodes; i++)
        if (str_is(path, server->options.nodes[i].path))
            return &server->options.nodes[i];
    return NULL;
}

static void add_data(const struct fake_node *node, struct buf *out)
{
    const char stat[STAT_BYTES] = {0};

    add_u32(out, (uint32_t)node->data.len);
    buf_append_str(out, node->data);
    buf_append(out, stat, sizeof(stat));
}

/* The name of a node that is right below path, or NULL. */
static const char *find_child_name(const struct fake_node *node, struct str path)
{
    const char *name = node->path + path.len + 1;

    if (!str_has_prefix(str_from(node->path), path.data) || node->path[path.len] != '/')
        return NULL;
    return strchr(name, '/') ? NULL : name;
}

static void add_children(const struct fake_zookeeper *server, const char *path, struct buf *out)
{
    const char *names[MAX_CHILDREN];
    uint32_t count = 0;

    for (size_t i = 0; i < server->options.nnodes; i++) {
        const char *name = find_child_name(&server->options.nodes[i], str_from(path));

        require(count < MAX_CHILDREN);
        if (name)
            names[count++] = name;
    }
    add_u32(out, count);
    for (uint32_t i = 0; i < count; i++) {
        add_u32(out, (uint32_t)strlen(names[i]));
        buf_append_text(out, names[i]);
    }
}

static void answer(const struct fake_zookeeper *server, int fd, const char *request,
                   struct str path)
{
    const struct fake_node *node = find_node(server, path);
    struct buf out = {0};
    int32_t error = node ? 0 : NO_NODE;

    if (server->options.mood == FAKE_ZOOKEEPER_DENIES)
        error = NO_AUTH;
    add_u32(&out, hbase_get_u32(request));
    buf_append(&out, "\0\0\0\0\0\0\0\0", 8);
    add_u32(&out, (uint32_t)error);
    if (error == 0 && hbase_get_u32(request + 4) == TYPE_READ)
        add_data(node, &out);
    else if (error == 0)
        add_children(server, node->path, &out);
    send_frame(fd, buf_get(&out));
    buf_deinit(&out);
}

/* An event, as a watch would give: for nobody. */
static void send_chatter(int fd)
{
    char frame[16] = {0};

    (void)hbase_put_u32(frame, (uint32_t)-1);
    send_frame(fd, str_from_bytes(frame, sizeof(frame)));
}

static void serve_requests(struct fake_zookeeper *server, int fd)
{
    char frame[MAX_FRAME_BYTES];
    size_t len;

    while (receive_frame(fd, frame, &len)) {
        if ((int32_t)hbase_get_u32(frame + 4) == -11) {
            atomic_fetch_add(&server->nclosed, 1);
            continue;
        }
        uint32_t type = hbase_get_u32(frame + 4);
        require((type == TYPE_READ || type == TYPE_LIST) && hbase_get_u32(frame + 8) == len - 13);
        if (server->options.mood == FAKE_ZOOKEEPER_CHATTERS)
            send_chatter(fd);
        answer(server, fd, frame, str_from_bytes(frame + 12, len - 13));
    }
}

static void serve(struct fake_zookeeper *server, int fd)
{
    static const char babble[] = "HTTP/1.1 400 Bad Request\r\n\r\n";
    char frame[MAX_FRAME_BYTES];
    size_t len;

    if (!receive_frame(fd, frame, &len) || server->options.mood == FAKE_ZOOKEEPER_HANGS_UP)
        return;
    if (server->options.mood == FAKE_ZOOKEEPER_BABBLES) {
        (void)!send(fd, babble, sizeof(babble) - 1, MSG_NOSIGNAL);
        return;
    }
    if (server->options.mood != FAKE_ZOOKEEPER_IS_MUTE)
        send_connected(server, fd);
    serve_requests(server, fd);
}

/* One client after the other. */
static void *run(void *arg)
{
    struct fake_zookeeper *server = arg;

    for (;;) {
        int fd = accept(server->listener, NULL, NULL);

        if (fd < 0 || atomic_load(&server->is_stopping)) {
            if (fd >= 0)
                (void)close(fd);
            return NULL;
        }
        serve(server, fd);
        (void)close(fd);
    }
}

struct fake_zookeeper *fake_zookeeper_open(const struct fake_zookeeper_options *options)
{
    struct fake_zookeeper *server = mem_alloc(sizeof(*server));
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);

    server->options = *options;
    server->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    require(bind(server->listener, (struct sockaddr *)&address, len) == 0);
    require(listen(server->listener, 16) == 0);
    require(getsockname(server->listener, (struct sockaddr *)&address, &len) == 0);
    server->port = ntohs(address.sin_port);
    require(thread_start("zookeeper", run, server, &server->thread).code == STATUS_OK);
    return server;
}

void fake_zookeeper_close(struct fake_zookeeper *server)
{
    atomic_store(&server->is_stopping, true);
    (void)shutdown(server->listener, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->listener);
    mem_free(server);
}

int fake_zookeeper_get_port(const struct fake_zookeeper *server)
{
    return server->port;
}

unsigned fake_zookeeper_count_closed(const struct fake_zookeeper *server)
{
    return atomic_load(&server->nclosed);
}
