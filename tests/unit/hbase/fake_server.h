/*
 * tests/unit/hbase/fake_server.h - a server that speaks HBase's RPC on loopback, and says what the test wants it to.
 *
 *     static void answer(void *self, struct fake_call *call)
 *     {
 *         if (strcmp(call->method, "GetClusterId") == 0)
 *             fake_call_reply(call, &id.base, (struct str){0});
 *         else
 *             fake_call_throw(call, "org.apache.hadoop.hbase.PleaseHoldException", "x", FAKE_RETRY);
 *     }
 *
 * Calls are kept until the server is closed, so one may be answered late, out of order, twice or never, by on_call or by
 * the test itself. All functions may be called from any thread; what cannot be done ends the program.
 */
#ifndef TESTS_UNIT_HBASE_FAKE_SERVER_H
#define TESTS_UNIT_HBASE_FAKE_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/str.h"

struct fake_server;
struct fake_link;

/* What a client asked. */
struct fake_call {
    struct fake_server *server;
    struct fake_link *link; /* the connection that it came by */
    const char *service;
    const char *user;
    const char *method;
    uint32_t id;
    uint32_t priority;
    uint32_t timeout_ms;
    struct str message; /* packed */
    struct str block;
};

struct fake_server_options {
    /* Runs on the connection's thread for each call, one after another; may block. NULL: nothing is answered. */
    void (*on_call)(void *self, struct fake_call *call);
    void *self;
    /* The one service that is offered: a client that wants another sees the connection end after its hello. NULL: all. */
    const char *service;
    int port; /* 0: any that is free; one that a server had before: it is as if that was started again */
};

struct fake_server *fake_server_open(const struct fake_server_options *options);

/* Ends all connections; the port refuses connections from then on. NULL is allowed. */
void fake_server_close(struct fake_server *server);

/* Of 127.0.0.1. */
int fake_server_get_port(const struct fake_server *server);

/* How many connections were made, and how many calls of a method came (NULL: of all). */
unsigned fake_server_count_links(struct fake_server *server);
unsigned fake_server_count_calls(struct fake_server *server, const char *method);

/* Waits until call number n, from 0, of a method (NULL: of any) has come. Borrowed until the server is closed. */
struct fake_call *fake_server_wait_call(struct fake_server *server, const char *method, unsigned n);

/* The call's message, unpacked; borrowed until the server is closed. */
const ProtobufCMessage *fake_call_read(struct fake_call *call,
                                       const ProtobufCMessageDescriptor *type);

void fake_call_reply(struct fake_call *call, const ProtobufCMessage *message, struct str block);

enum fake_retry { FAKE_RETRY, FAKE_DO_NOT_RETRY };

/* Answers with an exception: the class's whole name, and the text, to which its name is added in front as servers do. */
void fake_call_throw(struct fake_call *call, const char *class_name, const char *text,
                     enum fake_retry retry);

/* Says that the connection cannot be used, by an exception that is for no call. */
void fake_call_refuse(struct fake_call *call, const char *class_name, const char *text);

/* Sends bytes as they are. */
void fake_call_send(struct fake_call *call, struct str bytes);

/* Closes the connection. */
void fake_call_hang_up(struct fake_call *call);

#endif
