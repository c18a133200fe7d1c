/*
 * tests/unit/hbase/fake_master.h - a master that answers by a script: what a cluster_fixture's on_call is for.
 *
 *     static const struct fake_step steps[] = {
 *         {"CreateTable", .hangs_up = true},                  the first call of it gets no answer
 *         {"CreateTable", .reply = &started.base},            all later ones do
 *     };
 *
 * The first step of the method that is called is taken, and used up unless it is the last of that method.
 */
#ifndef TESTS_UNIT_HBASE_FAKE_MASTER_H
#define TESTS_UNIT_HBASE_FAKE_MASTER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include "tests/unit/hbase/cluster_fixture.h"

struct fake_step {
    const char *method;
    const ProtobufCMessage *reply;
    const char
        *exception; /* a class's whole name, which is thrown with text; not to be tried again */
    const char *text;
    bool hangs_up;
};

enum { FAKE_MASTER_MAX_STEPS = 16 };

struct fake_master {
    struct cluster_fixture base;
    const struct fake_step *steps;
    size_t nsteps;
    pthread_mutex_t mutex; /* guards is_used: connections answer on threads of their own */
    bool is_used[FAKE_MASTER_MAX_STEPS];
};

void fake_master_open(struct fake_master *master, const struct fake_step *steps, size_t nsteps);
void fake_master_close(struct fake_master *master);

/* Call number n of the method, from 0, unpacked. It must have come. */
const ProtobufCMessage *fake_master_get(struct fake_master *master, const char *method, unsigned n,
                                        const ProtobufCMessageDescriptor *type);

#endif
