/*
 * gateway/lease_place.h - where the database begins to look for jobs.
 *
 * It reads an index from the job that has waited longest. Entries of jobs that were leased before stay in it for as long as a
 * transaction is open that may see them as they were, and to read them costs more with each lease. So a question begins behind
 * the last job that was leased. What becomes leasable comes behind that, but for what was locked by others or was long on its
 * way; so a question looks at all once a second, or if that takes long, for 2 % of the time.
 */
#ifndef GATEWAY_LEASE_PLACE_H
#define GATEWAY_LEASE_PLACE_H

#include <stdbool.h>
#include <stdint.h>

struct param;
struct pg_result;

enum {
    LEASE_PLACE_ID_BYTES = 64, /* a plan's ids are shorter */
    LEASE_PLACE_LOOK_EVERY_MS = 1000,
    LEASE_PLACE_LOOK_FACTOR = 50,
};

/* {0} is none yet. One question at a time. */
struct lease_place {
    int64_t us;                    /* of the last job that was leased, by the database's clock, */
    char id[LEASE_PLACE_ID_BYTES]; /* ... and its id */
    int64_t look_ms;               /* when to look at all again */
    int64_t begin_ms;              /* of the question under way */
    bool looks_at_all;             /* ... which does */
};

/* Sets the two parameters of job_lease that say where it begins. They are borrowed until the question has ended. */
void lease_place_begin(struct lease_place *place, int64_t now_ms, struct param *params);

/* A question was answered. */
void lease_place_end(struct lease_place *place, int64_t now_ms, const struct pg_result *rows);

#endif
