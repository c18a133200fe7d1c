/*
 * tests/unit/rpc/carrier_fixture.h - a server, and a client whose calls go many on one stream.
 */
#ifndef TESTS_UNIT_RPC_CARRIER_FIXTURE_H
#define TESTS_UNIT_RPC_CARRIER_FIXTURE_H

#include <stdatomic.h>
#include <stdbool.h>

#include "rpc/server.h"
#include "tests/unit/rpc/echo_fixture.h"

#define CARRY "/sluice.carrier.v1.Carrier/Carry"

/* Counts what comes, and may refuse it. */
struct watching_gate {
    struct rpc_gate gate;
    enum status_code code; /* of streams; OK: they are let in */
    enum status_code carried_code;
    bool is_lasting; /* what carried calls end with */
    bool holds_streams;
    struct event go; /* of streams that are held */
    atomic_uint nstreams;
    atomic_uint ncarried;
    atomic_uint nalone;
    bool is_stream_on_stream; /* a carried call passed for a stream */
    bool has_header;          /* the last carried call had x-one: 1 */
    char host[64];
};

struct carrier_fixture {
    struct watching_gate watching; /* the server's */
    struct timers *timers;
    struct echo echo;
};

/* limits: but for the gate. */
void carrier_open_with(struct carrier_fixture *f, struct rpc_server_options limits);
void carrier_open(struct carrier_fixture *f);
void carrier_close(struct carrier_fixture *f);

#endif
