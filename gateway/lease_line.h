/*
 * gateway/lease_line.h - the lines that workers wait in, one for each set of things that they can do.
 *
 * A line that nobody waits in stays, for it knows where to go on in the database (lease_place.h), until another one needs its
 * room. No locks of its own: all of this is under the lock of the desk (lease_desk.c).
 */
#ifndef GATEWAY_LEASE_LINE_H
#define GATEWAY_LEASE_LINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/list.h"
#include "gateway/lease_place.h"
#include "gateway/lease_queue.h"
#include "gateway/worker_id.h"
#include "store/query.h"

struct capability_set;
struct lease_desk;

enum { LEASE_ID_BYTES = 64 }; /* the plan's ids are shorter */

/* A job or a check that is given back. */
struct lease_given {
    char id[LEASE_ID_BYTES];
    int64_t lease_token;
};

/* Those who wait and can do the same. */
struct lease_line {
    struct list link;   /* in the desk's lines */
    struct list errand; /* in what the desk has found to do */
    struct lease_desk *desk;
    char *jobs; /* what they can do: a struct capability_set of its own */
    char *checks;

    /* The question under way, or the releases that follow it; the texts are its parameters. */
    struct query query;
    char worker_id[WORKER_ID_MAX_BYTES + 1]; /* the first for whom it is */
    struct buf workers;                      /* all of them, an array */
    struct lease_place place;
    struct lease_given given[LEASE_QUEUE_MAX_ASKERS]; /* [0 .. ngiven): what nobody took */
    unsigned ngiven;

    struct lease_queue queue; /* under the desk's lock, as is what follows */
    bool is_releasing;        /* what nobody took is being given back */
};

/* All lines of a desk. */
struct lease_lines {
    struct list all;
    unsigned n;
};

void lease_lines_init(struct lease_lines *lines);

/* The line for those who can do this, made if need be; NULL: LEASE_MAX_SETS others are in use. */
struct lease_line *lease_lines_get(struct lease_lines *lines, struct lease_desk *desk,
                                   const struct capability_set *capabilities);

/* Somebody waits in one, or something is under way for one. */
bool lease_lines_are_in_use(const struct lease_lines *lines);

/* Frees all; none is in use. */
void lease_lines_deinit(struct lease_lines *lines);

#endif
