/*
 * tests/unit/base/test_notify.c - what a service manager hears: messages, and the watchdog's.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/notify.h"
#include "base/timers.h"
#include "base/watchdog.h"
#include "tests/harness/test.h"

/* The manager's end of the socket. */
struct manager {
    int fd;
    char name[64]; /* as in NOTIFY_SOCKET; longer than any of ours */
};

static void open_manager(struct manager *manager, const char *form)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    (void)snprintf(manager->name, sizeof(manager->name), form, (int)getpid());
    size_t len = strlen(manager->name);
    memcpy(address.sun_path, manager->name, len);
    if (address.sun_path[0] == '@')
        address.sun_path[0] = '\0';
    manager->fd = socket(AF_UNIX, SOCK_DGRAM, 0);
    check_int(bind(manager->fd, (struct sockaddr *)&address,
                   (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
              0);
    (void)setenv("NOTIFY_SOCKET", manager->name, 1);
}

static void close_manager(struct manager *manager)
{
    (void)unsetenv("NOTIFY_SOCKET");
    (void)close(manager->fd);
    if (manager->name[0] == '/')
        (void)unlink(manager->name);
}

/* The next message; "" if none comes within wait_ms. */
static const char *hear(struct manager *manager, int wait_ms, char ret[256])
{
    struct pollfd socket = {.fd = manager->fd, .events = POLLIN};

    ret[0] = '\0';
    if (poll(&socket, 1, wait_ms) != 1)
        return ret;
    ssize_t len = recv(manager->fd, ret, 255, 0);
    ret[len > 0 ? len : 0] = '\0';
    return ret;
}

test(a_manager_hears_each_message_by_a_path_and_by_an_abstract_name)
{
    const char *const forms[] = {"/tmp/sluice-notify-%d", "@sluice-notify-%d"};
    char heard[256];

    for (size_t i = 0; i < 2; i++) {
        struct manager manager;
        open_manager(&manager, forms[i]);
        notify_ready();
        check_str(hear(&manager, 1000, heard), "READY=1\n");
        notify_status("waiting");
        check_str(hear(&manager, 1000, heard), "STATUS=waiting\n");
        notify_reloading();
        check(strncmp(hear(&manager, 1000, heard), "RELOADING=1\nMONOTONIC_USEC=", 27) == 0);
        notify_alive();
        check_str(hear(&manager, 1000, heard), "WATCHDOG=1\n");
        notify_stopping();
        check_str(hear(&manager, 1000, heard), "STOPPING=1\nSTATUS=stopping\n");
        close_manager(&manager);
    }
}

test(without_a_manager_or_a_name_that_a_socket_can_have_nothing_happens)
{
    char long_name[200];

    memset(long_name, 'x', sizeof(long_name) - 1);
    long_name[0] = '/';
    long_name[sizeof(long_name) - 1] = '\0';
    const char *const names[] = {NULL, "", "@", "relative", long_name, "/nobody/listens"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (names[i])
            (void)setenv("NOTIFY_SOCKET", names[i], 1);
        notify_alive();
        (void)unsetenv("NOTIFY_SOCKET");
    }
}

/* A thread that turns, until it is stopped. */
struct turning {
    struct timer timer;
    struct timers *timers;
    struct pulse pulse;
};

static void turn(struct timer *timer)
{
    struct turning *turning = (struct turning *)(void *)timer;

    pulse_beat(&turning->pulse);
    timers_set(turning->timers, timer, PULSE_MS);
}

test(a_watchdog_is_heard_while_all_pulses_beat_and_no_longer)
{
    struct manager manager;
    struct turning turning = {.timer.on_fire = turn};
    struct pulse other = {0};
    struct watchdog *watchdog = NULL;
    char heard[256];

    open_manager(&manager, "@sluice-watchdog-%d");
    (void)setenv("WATCHDOG_USEC", "2000000", 1);
    check_status(timers_create(&turning.timers), STATUS_OK);
    timers_set(turning.timers, &turning.timer, 0);

    check_status(watchdog_start((struct pulse *[]){&turning.pulse}, 1, &watchdog), STATUS_OK);
    check_str(hear(&manager, 5000, heard), "WATCHDOG=1\n");
    check_str(hear(&manager, 5000, heard), "WATCHDOG=1\n");
    watchdog_stop(watchdog);
    while (*hear(&manager, 0, heard)) /* on a busy machine it has said more */
        ;

    check_status(watchdog_start((struct pulse *[]){&turning.pulse, &other}, 2, &watchdog),
                 STATUS_OK);
    check_str(hear(&manager, 2500, heard), "");
    pulse_beat(&other);
    check_str(hear(&manager, 5000, heard), "WATCHDOG=1\n");
    watchdog_stop(watchdog);

    timers_destroy(turning.timers);
    close_manager(&manager);
    (void)unsetenv("WATCHDOG_USEC");
}

test(a_watchdog_is_for_who_is_asked)
{
    struct pulse pulse = {0};
    struct pulse *const pulses[] = {&pulse};
    struct watchdog *watchdog = NULL;
    char id[32];

    check_status(watchdog_start(pulses, 1, &watchdog), STATUS_OK);
    check(!watchdog);
    (void)setenv("WATCHDOG_USEC", "2000000", 1);
    (void)setenv("WATCHDOG_PID", "1", 1);
    check_status(watchdog_start(pulses, 1, &watchdog), STATUS_OK);
    check(!watchdog);
    (void)snprintf(id, sizeof(id), "%d", (int)getpid());
    (void)setenv("WATCHDOG_PID", id, 1);
    check_status(watchdog_start(pulses, 1, &watchdog), STATUS_OK);
    check(watchdog != NULL);
    watchdog_stop(watchdog);
    (void)setenv("WATCHDOG_USEC", "1999999", 1);
    check_status(watchdog_start(pulses, 1, &watchdog), STATUS_INVALID_ARGUMENT);
    (void)setenv("WATCHDOG_USEC", "soon", 1);
    check_status(watchdog_start(pulses, 1, &watchdog), STATUS_INVALID_ARGUMENT);
    (void)unsetenv("WATCHDOG_USEC");
    (void)unsetenv("WATCHDOG_PID");
}
