#include "tests/unit/hbase/fake_server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/thread.h"
#include "hbase/bytes.h"
#include "hbase/hbase.pb-c.h"
#include "hbase/message.h"

enum {
    PREAMBLE_BYTES = 6,
    MAX_FRAME_BYTES = 64 * 1024 * 1024,
    MAX_ARENA_BYTES = 256 * 1024 * 1024,
    NO_CALL = -1,
};

struct fake_link {
    struct list link;
    struct fake_server *server;
    pthread_t thread;
    int fd;
    pthread_mutex_t send_mutex; /* whole frames */
    struct arena *arena;        /* the thread's: calls and their frames */
    Hb__ConnectionHeader *hello;
};

struct kept_call {
    struct list link;
    struct fake_call call;
};

struct fake_server {
    struct fake_server_options options;
    int port;
    int listen_fd;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards all below */
    pthread_cond_t changed;
    bool is_closing;
    struct list links;
    unsigned nlinks;
    struct list calls;   /* in the order in which they came */
    struct arena *arena; /* what fake_call_read makes */
};

static void give_up(const char *what)
{
    printf("fake_server: %s\n", what);
    exit(1);
}

/* ---- What comes in ---- */

static bool receive(int fd, void *data, size_t n)
{
    for (size_t done = 0; done < n;) {
        ssize_t len = recv(fd, (char *)data + done, n - done, 0);
        if (len <= 0 && errno != EINTR)
            return false;
        if (len == 0)
            return false;
        done += len > 0 ? (size_t)len : 0;
    }
    return true;
}

/* A length and as many bytes; {NULL, 0} at the end. */
static struct str receive_frame(struct fake_link *link)
{
    char head[4];

    if (!receive(link->fd, head, sizeof(head)))
        return (struct str){0};
    size_t len = hbase_get_u32(head);
    if (len > MAX_FRAME_BYTES)
        give_up("a request that is too long");
    char *data = arena_alloc(link->arena, len + 1);
    return receive(link->fd, data, len) ? str_from_bytes(data, len) : (struct str){0};
}

static struct str take_message(struct str *rest)
{
    size_t len = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        if (rest->len == 0)
            give_up("a request without a message");
        byte = (uint8_t)rest->data[0];
        len |= (size_t)(byte & 0x7f) << shift;
        shift += 7;
        *rest = str_skip(*rest, 1);
    } while (byte & 0x80);
    if (len > rest->len)
        give_up("a message that is longer than its request");
    struct str message = {rest->data, len};
    *rest = str_skip(*rest, len);
    return message;
}

static const ProtobufCMessage *read_message(struct arena *arena, struct str bytes,
                                            const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *message = NULL;

    if (hbase_message_read(bytes, type, arena, &message).code != STATUS_OK)
        give_up("a message that cannot be read");
    return message;
}

static struct fake_call *read_call(struct fake_link *link, struct str frame)
{
    const Hb__RequestHeader *header = (const Hb__RequestHeader *)read_message(
        link->arena, take_message(&frame), &hb__request_header__descriptor);
    struct kept_call *kept = arena_alloc(link->arena, sizeof(*kept));

    if (!header->has_call_id || !header->request_param)
        give_up("a request without an id, or without a parameter");
    kept->call = (struct fake_call){
        .server = link->server,
        .link = link,
        .service = link->hello->service_name,
        .user = link->hello->user_info->effective_user,
        .method = header->method_name,
        .id = header->call_id,
        .priority = header->priority,
        .timeout_ms = header->timeout,
        .message = take_message(&frame),
        .block = frame,
    };
    if (frame.len != (header->cell_block_meta ? header->cell_block_meta->length : 0))
        give_up("a cell block that is not as long as it says");
    return &kept->call;
}

static void keep_call(struct fake_server *server, struct fake_call *call)
{
    pthread_mutex_lock(&server->mutex);
    list_add_last(&server->calls, &container_of(call, struct kept_call, call)->link);
    pthread_cond_broadcast(&server->changed);
    pthread_mutex_unlock(&server->mutex);
}

static bool receive_hello(struct fake_link *link)
{
    char preamble[PREAMBLE_BYTES];
    struct str header;

    if (!receive(link->fd, preamble, sizeof(preamble)))
        return false;
    if (memcmp(preamble, "HBas\0P", sizeof(preamble)) != 0)
        give_up("a preamble that is none of HBase's");
    header = receive_frame(link);
    if (!header.data)
        return false;
    link->hello = (Hb__ConnectionHeader *)(uintptr_t)read_message(
        link->arena, header, &hb__connection_header__descriptor);
    const char *offered = link->server->options.service;
    return !offered || strcmp(offered, link->hello->service_name) == 0;
}

static void *run_link(void *arg)
{
    struct fake_link *link = arg;
    struct fake_server *server = link->server;

    if (receive_hello(link)) {
        struct str frame;

        while ((frame = receive_frame(link)).data) {
            struct fake_call *call = read_call(link, frame);

            keep_call(server, call);
            if (server->options.on_call)
                server->options.on_call(server->options.self, call);
        }
    }
    (void)shutdown(link->fd, SHUT_RDWR);
    return NULL;
}

/* ---- What goes out ---- */

static void send_bytes(struct fake_link *link, struct str bytes)
{
    pthread_mutex_lock(&link->send_mutex);
    for (size_t done = 0; done < bytes.len;) {
        ssize_t n = send(link->fd, bytes.data + done, bytes.len - done, MSG_NOSIGNAL);
        if (n < 0)
            break; /* the client is gone */
        done += (size_t)n;
    }
    pthread_mutex_unlock(&link->send_mutex);
}

static void append_message(struct buf *out, const ProtobufCMessage *message)
{
    size_t len = protobuf_c_message_get_packed_size(message);

    for (; len >= 0x80; len >>= 7)
        buf_append_char(out, (char)(0x80 | (len & 0x7f)));
    buf_append_char(out, (char)len);
    hbase_message_write(out, message);
}

static void send_answer(struct fake_link *link, const Hb__ResponseHeader *header,
                        const ProtobufCMessage *message, struct str block)
{
    struct buf out = {0};

    buf_append(&out, "\0\0\0\0", 4);
    append_message(&out, &header->base);
    if (message)
        append_message(&out, message);
    buf_append_str(&out, block);
    (void)hbase_put_u32(out.data, (uint32_t)(out.len - 4));
    send_bytes(link, buf_get(&out));
    buf_deinit(&out);
}

static Hb__ResponseHeader make_header(uint32_t id)
{
    Hb__ResponseHeader header = HB__RESPONSE_HEADER__INIT;

    header.has_call_id = 1;
    header.call_id = id;
    return header;
}

void fake_call_reply(struct fake_call *call, const ProtobufCMessage *message, struct str block)
{
    Hb__ResponseHeader header = make_header(call->id);
    Hb__CellBlockMeta meta = HB__CELL_BLOCK_META__INIT;

    if (block.len > 0) {
        meta.has_length = 1;
        meta.length = (uint32_t)block.len;
        header.cell_block_meta = &meta;
    }
    send_answer(call->link, &header, message, block);
}

static void send_exception(struct fake_link *link, uint32_t id, const char *class_name,
                           const char *text, bool do_not_retry)
{
    Hb__ResponseHeader header = make_header(id);
    Hb__ExceptionResponse exception = HB__EXCEPTION_RESPONSE__INIT;
    struct buf trace = {0};

    buf_printf(&trace, "%s: %s\n\tat org.apache.hadoop.hbase.Server.run(Server.java:1)\n",
               class_name, text);
    exception.exception_class_name = (char *)(uintptr_t)class_name;
    exception.stack_trace = trace.data;
    exception.has_do_not_retry = 1;
    exception.do_not_retry = do_not_retry;
    header.exception = &exception;
    send_answer(link, &header, NULL, (struct str){0});
    buf_deinit(&trace);
}

void fake_call_throw(struct fake_call *call, const char *class_name, const char *text,
                     enum fake_retry retry)
{
    send_exception(call->link, call->id, class_name, text, retry == FAKE_DO_NOT_RETRY);
}

void fake_call_refuse(struct fake_call *call, const char *class_name, const char *text)
{
    send_exception(call->link, (uint32_t)NO_CALL, class_name, text, true);
}

void fake_call_send(struct fake_call *call, struct str bytes)
{
    send_bytes(call->link, bytes);
}

void fake_call_hang_up(struct fake_call *call)
{
    (void)shutdown(call->link->fd, SHUT_RDWR);
}

const ProtobufCMessage *fake_call_read(struct fake_call *call,
                                       const ProtobufCMessageDescriptor *type)
{
    struct fake_server *server = call->server;

    pthread_mutex_lock(&server->mutex);
    const ProtobufCMessage *message = read_message(server->arena, call->message, type);
    pthread_mutex_unlock(&server->mutex);
    return message;
}

/* ---- Calls that came ---- */

/* Call number n of a method, or NULL; *ret_count is how many there are. The mutex is held. */
static struct fake_call *find_call(struct fake_server *server, const char *method, unsigned n,
                                   unsigned *ret_count)
{
    struct fake_call *found = NULL;
    struct list *link;

    *ret_count = 0;
    list_for_each (link, &server->calls) {
        struct fake_call *call = &container_of(link, struct kept_call, link)->call;

        if (method && strcmp(call->method, method) != 0)
            continue;
        if ((*ret_count)++ == n)
            found = call;
    }
    return found;
}

unsigned fake_server_count_calls(struct fake_server *server, const char *method)
{
    unsigned count;

    pthread_mutex_lock(&server->mutex);
    (void)find_call(server, method, 0, &count);
    pthread_mutex_unlock(&server->mutex);
    return count;
}

struct fake_call *fake_server_wait_call(struct fake_server *server, const char *method, unsigned n)
{
    struct fake_call *call;
    unsigned count;

    pthread_mutex_lock(&server->mutex);
    while (!(call = find_call(server, method, n, &count)))
        pthread_cond_wait(&server->changed, &server->mutex);
    pthread_mutex_unlock(&server->mutex);
    return call;
}

unsigned fake_server_count_links(struct fake_server *server)
{
    pthread_mutex_lock(&server->mutex);
    unsigned count = server->nlinks;
    pthread_mutex_unlock(&server->mutex);
    return count;
}

/* ---- The server ---- */

/* Links live as long as the server, since calls point to them. */
static void add_link(struct fake_server *server, int fd)
{
    struct fake_link *link = mem_alloc(sizeof(*link));
    const int on = 1;

    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    link->server = server;
    link->fd = fd;
    link->arena = arena_create(MAX_ARENA_BYTES);
    pthread_mutex_init(&link->send_mutex, NULL);
    pthread_mutex_lock(&server->mutex);
    list_add_last(&server->links, &link->link);
    server->nlinks++;
    if (server->is_closing)
        (void)shutdown(fd, SHUT_RDWR);
    if (thread_start("fake-link", run_link, link, &link->thread).code != STATUS_OK)
        give_up("no thread");
    pthread_mutex_unlock(&server->mutex);
}

static void *run_server(void *arg)
{
    struct fake_server *server = arg;

    for (;;) {
        int fd = accept(server->listen_fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        add_link(server, fd);
    }
}

static void listen_on(struct fake_server *server, int port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET,
        .sin_port = htons((uint16_t)port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    socklen_t len = sizeof(address);
    const int on = 1;

    server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(server->listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(server->listen_fd, (struct sockaddr *)&address, len) != 0 ||
        listen(server->listen_fd, SOMAXCONN) != 0 ||
        getsockname(server->listen_fd, (struct sockaddr *)&address, &len) != 0)
        give_up("the port cannot be listened on");
    server->port = ntohs(address.sin_port);
}

struct fake_server *fake_server_open(const struct fake_server_options *options)
{
    struct fake_server *server = mem_alloc(sizeof(*server));

    server->options = *options;
    server->arena = arena_create(MAX_ARENA_BYTES);
    list_init(&server->links);
    list_init(&server->calls);
    pthread_mutex_init(&server->mutex, NULL);
    thread_init_condition(&server->changed);
    listen_on(server, options->port);
    if (thread_start("fake-server", run_server, server, &server->thread).code != STATUS_OK)
        give_up("no thread");
    return server;
}

int fake_server_get_port(const struct fake_server *server)
{
    return server->port;
}

static void close_link(struct fake_link *link)
{
    (void)pthread_join(link->thread, NULL);
    (void)close(link->fd);
    pthread_mutex_destroy(&link->send_mutex);
    arena_destroy(link->arena);
    mem_free(link);
}

void fake_server_close(struct fake_server *server)
{
    struct list *link;

    if (!server)
        return;
    pthread_mutex_lock(&server->mutex);
    server->is_closing = true;
    list_for_each (link, &server->links)
        (void)shutdown(container_of(link, struct fake_link, link)->fd, SHUT_RDWR);
    pthread_mutex_unlock(&server->mutex);
    (void)shutdown(server->listen_fd, SHUT_RDWR);
    (void)pthread_join(server->thread, NULL);
    (void)close(server->listen_fd);
    while ((link = list_take_first(&server->links)) != NULL)
        close_link(container_of(link, struct fake_link, link));
    pthread_cond_destroy(&server->changed);
    pthread_mutex_destroy(&server->mutex);
    arena_destroy(server->arena);
    mem_free(server);
}
