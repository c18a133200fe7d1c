#include "tests/unit/connectors/postgres_proxy.h"

#include <assert.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"

enum { MAX_PAIRS = 32, PATH_BYTES = 90, CHUNK_BYTES = 256 * 1024 };

/* A connection: both ends, -1 when closed. */
struct pair {
    int client;
    int server;
    bool is_fatal; /* to be cut when the server has answered the COMMIT */
};

struct postgres_proxy {
    char folder[PATH_BYTES];
    char path[PATH_BYTES + 20];
    char server_path[PATH_BYTES + 20];
    int listener;
    pthread_t thread;
    atomic_bool is_stopping;
    atomic_int fault;
    struct pair pairs[MAX_PAIRS];
    size_t npairs;
    char chunk[CHUNK_BYTES];
};

static int open_socket(const char *path, bool listens)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
    int rc = listens ? bind(fd, (struct sockaddr *)&address, sizeof(address))
                     : connect(fd, (struct sockaddr *)&address, sizeof(address));
    if (rc != 0 || (listens && listen(fd, 16) != 0)) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void cut(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

static void cut_pair(struct pair *pair)
{
    cut(&pair->client);
    cut(&pair->server);
}

static void add_pair(struct postgres_proxy *proxy)
{
    assert(proxy->npairs < MAX_PAIRS);
    struct pair *pair = &proxy->pairs[proxy->npairs++];
    pair->client = accept(proxy->listener, NULL, NULL);
    pair->server = open_socket(proxy->server_path, false);
    if (pair->server < 0)
        cut_pair(pair);
}

static bool send_all(int fd, const char *data, size_t n)
{
    while (n > 0) {
        ssize_t sent = send(fd, data, n, MSG_NOSIGNAL);
        if (sent <= 0)
            return false;
        data += sent;
        n -= (size_t)sent;
    }
    return true;
}

static bool has_commit(const char *data, size_t n)
{
    static const char word[] = "COMMIT"; /* and the NUL behind it */

    return memmem(data, n, word, sizeof(word)) != NULL;
}

static void forward_request(struct postgres_proxy *proxy, struct pair *pair)
{
    ssize_t n = recv(pair->client, proxy->chunk, CHUNK_BYTES, 0);
    int fault = POSTGRES_FAULT_NONE;

    if (n > 0 && has_commit(proxy->chunk, (size_t)n))
        fault = atomic_exchange(&proxy->fault, POSTGRES_FAULT_NONE);
    if (n <= 0 || fault == POSTGRES_FAULT_BEFORE_COMMIT ||
        !send_all(pair->server, proxy->chunk, (size_t)n)) {
        cut_pair(pair);
        return;
    }
    pair->is_fatal = fault == POSTGRES_FAULT_AFTER_COMMIT;
    if (fault == POSTGRES_FAULT_IN_COMMIT)
        cut(&pair->client);
}

static void forward_answer(struct postgres_proxy *proxy, struct pair *pair)
{
    ssize_t n = recv(pair->server, proxy->chunk, CHUNK_BYTES, 0);

    if (n <= 0) {
        cut_pair(pair);
        return;
    }
    if (pair->is_fatal && has_commit(proxy->chunk, (size_t)n))
        cut_pair(pair);
    else if (!pair->is_fatal && !send_all(pair->client, proxy->chunk, (size_t)n))
        cut_pair(pair);
}

static void step(struct postgres_proxy *proxy)
{
    struct pollfd items[1 + 2 * MAX_PAIRS] = {{.fd = proxy->listener, .events = POLLIN}};
    size_t npairs = proxy->npairs;

    for (size_t i = 0; i < npairs; i++) {
        struct pair *pair = &proxy->pairs[i];
        items[1 + 2 * i] = (struct pollfd){.fd = pair->client, .events = POLLIN};
        /* Without its client a server is left as it is. */
        items[2 + 2 * i] =
            (struct pollfd){.fd = pair->client >= 0 ? pair->server : -1, .events = POLLIN};
    }
    if (poll(items, 1 + 2 * npairs, 10) <= 0)
        return;
    if (items[0].revents != 0)
        add_pair(proxy);
    for (size_t i = 0; i < npairs; i++) {
        if (items[1 + 2 * i].revents != 0)
            forward_request(proxy, &proxy->pairs[i]);
        else if (items[2 + 2 * i].revents != 0)
            forward_answer(proxy, &proxy->pairs[i]);
    }
}

static void *run(void *arg)
{
    struct postgres_proxy *proxy = arg;

    while (!atomic_load(&proxy->is_stopping))
        step(proxy);
    return NULL;
}

struct postgres_proxy *postgres_proxy_open(const char *server_folder)
{
    struct postgres_proxy *proxy = mem_alloc(sizeof(*proxy));

    (void)snprintf(proxy->folder, sizeof(proxy->folder), "/tmp/sluice-proxy-XXXXXX");
    if (!mkdtemp(proxy->folder))
        abort();
    (void)snprintf(proxy->path, sizeof(proxy->path), "%s/.s.PGSQL.5432", proxy->folder);
    (void)snprintf(proxy->server_path, sizeof(proxy->server_path), "%s/.s.PGSQL.5432",
                   server_folder);
    proxy->listener = open_socket(proxy->path, true);
    if (proxy->listener < 0 || pthread_create(&proxy->thread, NULL, run, proxy) != 0)
        abort();
    return proxy;
}

void postgres_proxy_close(struct postgres_proxy *proxy)
{
    atomic_store(&proxy->is_stopping, true);
    (void)pthread_join(proxy->thread, NULL);
    for (size_t i = 0; i < proxy->npairs; i++)
        cut_pair(&proxy->pairs[i]);
    cut(&proxy->listener);
    (void)unlink(proxy->path);
    (void)rmdir(proxy->folder);
    mem_free(proxy);
}

const char *postgres_proxy_get_folder(const struct postgres_proxy *proxy)
{
    return proxy->folder;
}

void postgres_proxy_arm(struct postgres_proxy *proxy, enum postgres_fault fault)
{
    atomic_store(&proxy->fault, fault);
}
