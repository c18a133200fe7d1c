/*
 * tests/unit/connectors/test_check.c - what checks of data sources try, and how they end when they are not let.
 */
#include "connectors/check.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compiler.h"
#include "tests/harness/test.h"

enum { MAX_STEPS = 16, TEXT_BYTES = 300 };

/* What a check told. */
struct told {
    struct check_log log;
    struct stop stop;
    unsigned nsteps;
    bool is_in_step;
    struct told_step {
        char name[TEXT_BYTES];
        char target[TEXT_BYTES];
        char message[TEXT_BYTES];
        bool is_ok;
    } steps[MAX_STEPS];
};

static void begin(struct check_log *log, const char *name, const char *target)
{
    struct told *told = container_of(log, struct told, log);
    struct told_step *step = &told->steps[told->nsteps++];

    check(!told->is_in_step && told->nsteps <= MAX_STEPS);
    told->is_in_step = true;
    (void)snprintf(step->name, TEXT_BYTES, "%s", name);
    (void)snprintf(step->target, TEXT_BYTES, "%s", target);
}

static void end(struct check_log *log, bool is_ok, const char *message)
{
    struct told *told = container_of(log, struct told, log);
    struct told_step *step = &told->steps[told->nsteps - 1];

    check(told->is_in_step);
    told->is_in_step = false;
    step->is_ok = is_ok;
    (void)snprintf(step->message, TEXT_BYTES, "%s", message);
}

static void try_all(struct told *told, Pb__DataSourceType type, const char *parameters,
                    int64_t time_ms)
{
    told->log = (struct check_log){.begin = begin, .end = end};
    check_try_all(&(struct check_options){.type = type,
                                          .parameters_json = parameters,
                                          .stop = &told->stop,
                                          .deadline_ms = clock_get_monotonic_ms() + time_ms,
                                          .log = &told->log});
    check(!told->is_in_step);
    check(told->nsteps > 0);
}

/* A socket that listens on a port of its own, with room for one connection that nobody takes. */
static int listen_somewhere(int *ret_port)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(address);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, 0) != 0 ||
        getsockname(fd, (struct sockaddr *)&address, &len) != 0)
        abort();
    *ret_port = ntohs(address.sin_port);
    return fd;
}

/* Fills the room, so that the next one to connect hears nothing. */
static void fill(int port, int *ret_fds, unsigned n)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons((uint16_t)port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    for (unsigned i = 0; i < n; i++) {
        ret_fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(ret_fds[i], (struct sockaddr *)&address, sizeof(address));
    }
}

test(every_type_of_data_source_can_be_checked)
{
    const ProtobufCEnumDescriptor *types = &pb__data_source_type__descriptor;

    for (unsigned i = 0; i < types->n_values; i++) {
        struct told told = {.nsteps = 0};

        if (types->values[i].value == 0)
            continue;
        try_all(&told, (Pb__DataSourceType)types->values[i].value, "{}", 1000);
        check_str(told.steps[0].name, "read parameters");
        check(!told.steps[0].is_ok);
    }
}

test(a_type_from_the_future_is_told_of)
{
    struct told told = {.nsteps = 0};

    try_all(&told, (Pb__DataSourceType)99, "{}", 1000);
    check(!told.steps[0].is_ok);
    check_str(told.steps[0].message, "this worker knows no such type of data source");
}

test(entries_of_a_folder_are_counted_up_to_a_limit)
{
    char folder[] = "/tmp/sluice-check-XXXXXX";
    char parameters[100], path[60];
    struct told few = {.nsteps = 0}, many = {.nsteps = 0};

    if (!mkdtemp(folder))
        abort();
    (void)snprintf(parameters, sizeof(parameters), "{\"root\":\"%s\"}", folder);
    for (int i = 0; i <= 10000; i++) {
        (void)snprintf(path, sizeof(path), "%s/%d", folder, i);
        check(mknod(path, S_IFREG | 0600, 0) == 0);
        if (i == 0)
            try_all(&few, PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE, parameters, 1000);
    }
    try_all(&many, PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE, parameters, 1000);
    check_str(few.steps[1].message, "1 entry");
    check_str(many.steps[1].message, "more than 10000 entries");
    for (int i = 0; i <= 10000; i++) {
        (void)snprintf(path, sizeof(path), "%s/%d", folder, i);
        check(unlink(path) == 0);
    }
    check(rmdir(folder) == 0);
}

test(a_file_is_no_folder)
{
    struct told told = {.nsteps = 0};

    try_all(&told, PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_FILE, "{\"root\":\"/etc/passwd\"}", 1000);
    check_int(told.nsteps, 1);
    check_str(told.steps[0].message, "'/etc/passwd' is not a folder");
}

test(a_server_that_hears_nothing_is_not_waited_for_beyond_the_time)
{
    struct told told = {.nsteps = 0};
    char parameters[100];
    int port, fds[4];
    int fd = listen_somewhere(&port);

    fill(port, fds, ARRAY_LEN(fds));
    (void)snprintf(parameters, sizeof(parameters), "{\"url\":\"http://127.0.0.1:%d\"}", port);
    int64_t start_ms = clock_get_monotonic_ms();
    try_all(&told, PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HDFS, parameters, 300);
    check(clock_get_monotonic_ms() - start_ms < 20000); /* a system tries for minutes */
    check_int(told.nsteps, 2);
    check(told.steps[0].is_ok && !told.steps[1].is_ok);
    check(strstr(told.steps[1].message, "no answer in time"));
    for (unsigned i = 0; i < ARRAY_LEN(fds); i++)
        (void)close(fds[i]);
    (void)close(fd);
}

test(a_check_that_is_stopped_tries_no_more_servers)
{
    struct told told = {.nsteps = 0};

    stop_request(&told.stop);
    told.log = (struct check_log){.begin = begin, .end = end};
    check_try_all(&(struct check_options){.type = PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_HDFS,
                                          .parameters_json =
                                              "{\"url\":\"http://127.0.0.1:1,http://127.0.0.1:2\"}",
                                          .stop = &told.stop,
                                          .deadline_ms = clock_get_monotonic_ms() + 60000,
                                          .log = &told.log});
    check(told.nsteps >= 1 && told.nsteps <= 2);
}

test(secrets_are_in_no_step)
{
    static const struct {
        Pb__DataSourceType type;
        const char *parameters;
    } cases[] = {
        {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES,
         "{\"url\":\"postgresql://u:hush@127.0.0.1:1/x\"}"},
        {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_POSTGRES,
         "{\"url\":\"postgresql://u:hu@sh@127.0.0.1:1/x\",\"password\":\"hush\"}"},
        {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_LINDORM,
         "{\"clusterKey\":\"127.0.0.1:1:root:hush\"}"},
        {PB__DATA_SOURCE_TYPE__DATA_SOURCE_TYPE_S3,
         "{\"endpoint\":\"http://127.0.0.1:1\",\"bucket\":\"bucket\",\"accessKeyId\":\"a\","
         "\"secretAccessKey\":\"hush\"}"},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct told told = {.nsteps = 0};

        try_all(&told, cases[i].type, cases[i].parameters, 1000);
        for (unsigned j = 0; j < told.nsteps; j++) {
            check(!strstr(told.steps[j].target, "hush"));
            check(!strstr(told.steps[j].message, "hush"));
        }
    }
}
