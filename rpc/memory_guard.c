#include "rpc/memory_guard.h"

#include <linux/tcp.h>
#include <malloc.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/metrics.h"
#include "base/timers.h"
#include "rpc/own_sockets.h"

enum {
    CALM_PERIOD_MS = 100,
    PERIOD_MS = 20,         /* while there is too much */
    FLOOD_BYTES = 64 << 10, /* in such a period; who sends less is left alone */
};

struct rpc_memory_guard {
    int port;
    size_t max_bytes;
    struct metric *ncut; /* or NULL */
    struct timers *timers;
    struct timer timer;
    uint64_t *received; /* by file descriptor, as of the last look while there was too much */
    size_t nreceived;
};

/* A connection, and what it has sent since the last look. */
struct sender {
    int fd;
    uint64_t size_bytes;
};

static size_t get_resident_bytes(void)
{
    unsigned long pages = 0, resident = 0;
    FILE *file = fopen("/proc/self/statm", "re");

    if (!file)
        return 0;
    if (fscanf(file, "%lu %lu", &pages, &resident) != 2)
        resident = 0;
    (void)fclose(file);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

static uint64_t note_received(struct rpc_memory_guard *guard, size_t fd, uint64_t received)
{
    while (fd >= guard->nreceived) {
        guard->received =
            mem_realloc_array(guard->received, guard->nreceived + 1, sizeof(*guard->received));
        guard->received[guard->nreceived++] = 0;
    }
    uint64_t before = guard->received[fd];
    guard->received[fd] = received;
    return received > before ? received - before : 0; /* less: another connection by now */
}

/* Who has sent most since the last look. */
struct search {
    struct own_sockets sockets;
    struct rpc_memory_guard *guard;
    struct sender busiest;
};

static void compare(struct own_sockets *sockets, int fd)
{
    struct search *search = container_of(sockets, struct search, sockets);
    struct tcp_info info = {0};
    socklen_t len = sizeof(info);

    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len) != 0)
        return;
    const struct sender sender = {
        fd, note_received(search->guard, (size_t)fd, info.tcpi_bytes_received)};
    if (sender.size_bytes > search->busiest.size_bytes)
        search->busiest = sender;
}

static struct sender find_busiest(struct rpc_memory_guard *guard)
{
    struct search search = {.sockets = {.take = compare}, .guard = guard, .busiest = {.fd = -1}};

    own_sockets_find(guard->port, &search.sockets);
    return search.busiest;
}

/* Unlike shutdown(2) this drops what has come in already; core finds the connection closed. */
static void cut(struct rpc_memory_guard *guard, struct sender sender, size_t used_bytes)
{
    const struct sockaddr nowhere = {.sa_family = AF_UNSPEC};

    if (connect(sender.fd, &nowhere, sizeof(nowhere)) != 0)
        return;
    metric_add(guard->ncut, 1);
    log_warn("connection cut", log_str("error", "too much memory, and it sends most"),
             log_int("allocated_bytes", (int64_t)used_bytes),
             log_int("sent_bytes", (int64_t)sender.size_bytes));
}

/* Returns when to look again. */
static unsigned look(struct rpc_memory_guard *guard)
{
    if (get_resident_bytes() <= guard->max_bytes) {
        guard->nreceived = 0;
        return CALM_PERIOD_MS;
    }
    struct mallinfo2 info = mallinfo2();
    size_t used_bytes = info.uordblks + info.hblkhd;
    if (used_bytes <= guard->max_bytes) {
        (void)malloc_trim(0);
        return CALM_PERIOD_MS;
    }
    bool is_first = guard->nreceived == 0;
    struct sender busiest = find_busiest(guard);
    if (!is_first && busiest.size_bytes >= FLOOD_BYTES)
        cut(guard, busiest, used_bytes);
    return PERIOD_MS;
}

static void on_time(struct timer *timer)
{
    struct rpc_memory_guard *guard = container_of(timer, struct rpc_memory_guard, timer);

    timers_set(guard->timers, timer, look(guard));
}

struct status rpc_memory_guard_create(int port, size_t max_bytes, struct metric *ncut,
                                      struct rpc_memory_guard **ret)
{
    struct rpc_memory_guard *guard = mem_alloc(sizeof(*guard));
    struct status st = timers_create(&guard->timers);

    if (st.code != STATUS_OK) {
        mem_free(guard);
        return st;
    }
    guard->port = port;
    guard->max_bytes = max_bytes;
    guard->ncut = ncut;
    guard->timer.on_fire = on_time;
    timers_set(guard->timers, &guard->timer, CALM_PERIOD_MS);
    *ret = guard;
    return status_ok();
}

void rpc_memory_guard_destroy(struct rpc_memory_guard *guard)
{
    if (!guard)
        return;
    timers_destroy(guard->timers);
    mem_free(guard->received);
    mem_free(guard);
}
