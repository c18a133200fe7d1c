#include "tests/store/cut_proxy.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/thread.h"

enum { PATH_BYTES = 100, BUFFER_BYTES = 16384, MAX_LINKS = 64 };

static const char socket_name[] = ".s.PGSQL.5432";

/* A client and its way to the server. */
struct link {
    int fds[2];       /* by cut_direction: where what goes in that direction is read from */
    size_t budget[2]; /* bytes that still pass */
};

struct cut_proxy {
    char target[PATH_BYTES];
    char folder[PATH_BYTES];
    int listen_fd;
    int stop_fds[2];
    pthread_t thread;
    pthread_mutex_t mutex; /* guards the next group */
    enum cut_direction direction;
    size_t nbytes;
    unsigned nconnections;

    struct link links[MAX_LINKS]; /* the thread's */
    unsigned nlinks;
};

static void give_up(const char *what)
{
    printf("cut_proxy: %s\n", what);
    exit(1);
}

static struct sockaddr_un make_address(const char *folder)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", folder, socket_name);
    return address;
}

static void close_link(struct cut_proxy *proxy, unsigned i)
{
    (void)close(proxy->links[i].fds[0]);
    (void)close(proxy->links[i].fds[1]);
    proxy->links[i] = proxy->links[--proxy->nlinks];
}

static void accept_link(struct cut_proxy *proxy)
{
    struct sockaddr_un address = make_address(proxy->target);
    struct link link = {.budget = {SIZE_MAX, SIZE_MAX}};

    link.fds[CUT_TO_SERVER] = accept(proxy->listen_fd, NULL, NULL);
    link.fds[CUT_TO_CLIENT] = socket(AF_UNIX, SOCK_STREAM, 0);
    if (connect(link.fds[CUT_TO_CLIENT], (struct sockaddr *)&address, sizeof(address)) != 0 ||
        proxy->nlinks == MAX_LINKS)
        give_up("the server cannot be reached");
    pthread_mutex_lock(&proxy->mutex);
    if (proxy->nconnections > 0) {
        proxy->nconnections--;
        link.budget[proxy->direction] = proxy->nbytes;
    }
    pthread_mutex_unlock(&proxy->mutex);
    proxy->links[proxy->nlinks++] = link;
}

/* Passes on what there is. False: the link is to be closed. */
static bool pass(struct link *link, unsigned direction)
{
    char buffer[BUFFER_BYTES];
    ssize_t n = read(link->fds[direction], buffer, sizeof(buffer));

    if (n <= 0)
        return false;

    size_t len = (size_t)n < link->budget[direction] ? (size_t)n : link->budget[direction];
    for (size_t done = 0; done < len;) {
        ssize_t written = send(link->fds[1 - direction], buffer + done, len - done, MSG_NOSIGNAL);
        if (written < 0)
            return false;
        done += (size_t)written;
    }
    if (link->budget[direction] != SIZE_MAX)
        link->budget[direction] -= len;
    return link->budget[direction] > 0;
}

static void *run(void *arg)
{
    struct cut_proxy *proxy = arg;

    for (;;) {
        struct pollfd polls[2 + 2 * MAX_LINKS] = {
            {.fd = proxy->stop_fds[0], .events = POLLIN},
            {.fd = proxy->listen_fd, .events = POLLIN},
        };
        unsigned nlinks = proxy->nlinks;

        for (unsigned i = 0; i < 2 * nlinks; i++)
            polls[2 + i] = (struct pollfd){.fd = proxy->links[i / 2].fds[i % 2], .events = POLLIN};
        if (poll(polls, 2 + 2 * nlinks, -1) < 0 && errno != EINTR)
            give_up("poll failed");
        for (unsigned i = nlinks; i-- > 0;) {
            if ((polls[2 + 2 * i].revents && !pass(&proxy->links[i], 0)) ||
                (polls[3 + 2 * i].revents && !pass(&proxy->links[i], 1)))
                close_link(proxy, i);
        }
        if (polls[1].revents)
            accept_link(proxy);
        if (polls[0].revents)
            return NULL;
    }
}

struct cut_proxy *cut_proxy_open(const char *target)
{
    struct cut_proxy *proxy = mem_alloc(sizeof(*proxy));

    (void)snprintf(proxy->target, sizeof(proxy->target), "%s", target);
    (void)snprintf(proxy->folder, sizeof(proxy->folder), "/tmp/sluice-proxy-XXXXXX");
    if (!mkdtemp(proxy->folder) || pipe2(proxy->stop_fds, O_CLOEXEC) != 0)
        give_up("no folder in /tmp");

    struct sockaddr_un address = make_address(proxy->folder);
    proxy->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(proxy->listen_fd, (struct sockaddr *)&address, sizeof(address)) != 0 ||
        listen(proxy->listen_fd, MAX_LINKS) != 0)
        give_up("no socket in /tmp");
    pthread_mutex_init(&proxy->mutex, NULL);
    if (thread_start("cut-proxy", run, proxy, &proxy->thread).code != STATUS_OK)
        give_up("no thread");
    return proxy;
}

const char *cut_proxy_get_folder(const struct cut_proxy *proxy)
{
    return proxy->folder;
}

void cut_proxy_arm(struct cut_proxy *proxy, enum cut_direction direction, size_t nbytes,
                   unsigned nconnections)
{
    pthread_mutex_lock(&proxy->mutex);
    proxy->direction = direction;
    proxy->nbytes = nbytes;
    proxy->nconnections = nconnections;
    pthread_mutex_unlock(&proxy->mutex);
}

void cut_proxy_close(struct cut_proxy *proxy)
{
    struct sockaddr_un address = make_address(proxy->folder);

    (void)!write(proxy->stop_fds[1], "", 1);
    (void)pthread_join(proxy->thread, NULL);
    while (proxy->nlinks > 0)
        close_link(proxy, proxy->nlinks - 1);
    (void)close(proxy->listen_fd);
    (void)close(proxy->stop_fds[0]);
    (void)close(proxy->stop_fds[1]);
    (void)unlink(address.sun_path);
    (void)rmdir(proxy->folder);
    pthread_mutex_destroy(&proxy->mutex);
    mem_free(proxy);
}
