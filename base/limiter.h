/*
 * base/limiter.h - how much one client may ask for: calls a second, and calls under way.
 *
 * A client has a bucket, which holds the calls of one second and is filled again at that rate. The table has a fixed size,
 * whatever clients come: one that is new takes the place of one that has been away for longest. Only if so many others have
 * calls under way that none can go are its calls counted with those of another one.
 */
#ifndef BASE_LIMITER_H
#define BASE_LIMITER_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/options.h"
#include "base/str.h"

struct cidr_address;
struct limiter;
struct limiter_client;

enum {
    LIMITER_NCLIENTS = 4096,
    LIMITER_BUSY_RETRY_MS =
        1000, /* who has too many calls under way is told to wait for that long */
};

/* What a program that limits its clients has in its settings. */
struct limiter_settings {
    int64_t calls_s; /* a second, of one client; 0: any number */
    int64_t running; /* under way, of one client; 0: any number */
};

#define LIMITER_ROWS(type, member) \
    {.name = "client-calls-per-second", \
     .kind = OPTION_NUMBER, \
     .field = offsetof(type, member.calls_s), \
     .default_value = "0", \
     .min = 0, \
     .max = 1000000, \
     .value_name = "N", \
     .help = "calls that one client may make in a second; 0: any number"}, \
        {.name = "client-calls-at-a-time", \
         .kind = OPTION_NUMBER, \
         .field = offsetof(type, member.running), \
         .default_value = "0", \
         .min = 0, \
         .max = 1000000, \
         .value_name = "N", \
         .help = "calls that one client may have under way; 0: any number"}

/* NULL: the settings limit nothing. */
struct limiter *limiter_create(const struct limiter_settings *settings) MUST_CHECK;

/* NULL is allowed. */
void limiter_destroy(struct limiter *limiter);

/* The number that stands for a client: by a name, or by its address; one of IPv6 stands for its /64, which a host has whole. */
uint64_t limiter_make_key(struct str name);
uint64_t limiter_make_address_key(const struct cidr_address *address);

/*
 * A call of a client begins at now_ms, by clock_get_monotonic_ms. 0: it may, and *ret is for limiter_leave. Otherwise it
 * may not, and the result is when to try again, in milliseconds. Any thread.
 */
unsigned limiter_enter(struct limiter *limiter, uint64_t key, int64_t now_ms,
                       struct limiter_client **ret) MUST_CHECK;

/* A call that had begun has ended. Any thread. */
void limiter_leave(struct limiter *limiter, struct limiter_client *client);

#endif
