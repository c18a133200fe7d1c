/*
 * tests/unit/rpc/echo_fixture.h - a server with one service, and a client of it, in this process.
 *
 * The service has the names of TaskService and does something else by each of them.
 */
#ifndef TESTS_UNIT_RPC_ECHO_FIXTURE_H
#define TESTS_UNIT_RPC_ECHO_FIXTURE_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/arena.h"
#include "rpc/call.h"
#include "rpc/client.h"
#include "rpc/loop.h"
#include "rpc/server.h"
#include "sluice/v1/task_service.pb-c.h"

/* Something that one thread waits for and another one brings about. */
struct event {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned count;
};

void event_init(struct event *event);

void event_add(struct event *event);

/* Waits until it was added count times in all; false after ten seconds. */
bool event_wait(struct event *event, unsigned count);

struct echo {
    struct rpc_loop *loop;
    struct rpc_server *server;
    struct rpc_channel *channel;
    struct arena *arena; /* of replies */
    char target[160];
    char folder[64]; /* with the socket; "" if there is none */

    struct event started;          /* a handler that waits has begun */
    struct event cancelled;        /* an on_cancel has run */
    struct rpc_call *_Atomic held; /* the last call that HOLD has begun */
    unsigned time_left_ms;         /* of the last call that asked */
    atomic_uint nsent;             /* messages of the last stream */
};

/*
 * What the methods do, all but LIST with a message whose first field is an id (TIME: none):
 *     ECHO   the reply has the request's id
 *     LIST   a stream of page_size messages (0: without end), numbered in next_page_token
 *     FAIL   fails with all the details there are, the id in the text
 *     WAIT   ends when it is cancelled, as UNAVAILABLE
 *     HOLD   begins; the test ends it
 *     BREAK  fails as INTERNAL
 *     TIME   notes the time left, and waits as WAIT
 */
#define ECHO "/sluice.v1.TaskService/GetTask"
#define LIST "/sluice.v1.TaskService/ListTasks"
#define FAIL "/sluice.v1.TaskService/AbortTask"
#define WAIT "/sluice.v1.TaskService/RetryTask"
#define HOLD "/sluice.v1.TaskService/DeleteTask"
#define BREAK "/sluice.v1.TaskService/ListBadRows"
#define TIME "/sluice.v1.TaskService/CreateTask"

extern struct rpc_service echo_service; /* filled before main */

/* Starts all on a port of its own; options may be NULL, and otherwise gives the limits and the gate. */
void echo_open(struct echo *echo, const struct rpc_server_options *options);

/* As echo_open, on a unix socket in a folder of its own. */
void echo_open_unix(struct echo *echo, const struct rpc_server_options *options);

void echo_close(struct echo *echo);

/* Opens a channel to target for the echo's loop. Owned by the caller. */
struct rpc_channel *echo_connect(struct echo *echo, const char *target);

/* Calls a method with an id and waits. *ret_reply may be NULL; it is a Task, or of the method's own type. */
struct status echo_call(struct echo *echo, const char *method, const char *id,
                        const ProtobufCMessage **ret_reply);

/* A call under way, whose end is noted. */
struct pending {
    struct rpc_client_call call;
    struct event done;
    struct status st;
    char details[4096]; /* packed; cut to fit */
    size_t details_len;
    char reply_id[64]; /* of a Task; cut to fit */
};

/* Starts a call of a method whose reply is a Task. */
void pending_start(struct pending *pending, struct echo *echo, const char *method, const char *id,
                   unsigned timeout_ms);

/* As pending_start, for a call that waits for a connection. */
void pending_start_waiting(struct pending *pending, struct echo *echo, const char *method,
                           const char *id, unsigned timeout_ms);

/* As pending_start, for an id of the fixture's choice, with headers. */
void pending_start_with(struct pending *pending, struct echo *echo, const char *method,
                        const struct rpc_header *headers, size_t nheaders);

/* Waits for its end. */
struct status pending_wait(struct pending *pending);

#endif
