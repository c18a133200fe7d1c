#include "tests/unit/rpc/carrier_fixture.h"

#include <stdio.h>

#include "base/compiler.h"
#include "base/timers.h"
#include "rpc/caller.h"
#include "rpc/serving.h"
#include "tests/harness/test.h"

static struct status admit(struct rpc_gate *gate, struct rpc_call *call)
{
    struct watching_gate *watching = container_of(gate, struct watching_gate, gate);

    if (call->stream && rpc_caller_carries(call))
        watching->is_stream_on_stream = true;
    if (str_is(rpc_caller_get_path(call), CARRY)) {
        atomic_fetch_add(&watching->nstreams, 1);
        if (watching->holds_streams)
            check(event_wait(&watching->go, 1));
        return watching->code ? status_error(watching->code, "no streams") : status_ok();
    }
    if (!call->stream) {
        atomic_fetch_add(&watching->nalone, 1);
        return status_ok();
    }
    atomic_fetch_add(&watching->ncarried, 1);
    watching->has_header = str_is(rpc_caller_find_metadata(call, "x-one"), "1");
    (void)snprintf(watching->host, sizeof(watching->host), "%s", rpc_caller_copy_host(call));
    if (watching->is_lasting)
        rpc_call_set_lasting(call);
    return watching->carried_code ? status_error(watching->carried_code, "not you") : status_ok();
}

static void connect_to(struct carrier_fixture *f)
{
    f->echo.channel = rpc_channel_open(&(struct rpc_channel_options){
        .target = f->echo.target, .loop = f->echo.loop, .timers = f->timers, .carries = true});
}

void carrier_open_with(struct carrier_fixture *f, struct rpc_server_options limits)
{
    *f = (struct carrier_fixture){.watching = {.gate = {.admit = admit}}};
    event_init(&f->watching.go);
    check_status(timers_create(&f->timers), STATUS_OK);
    limits.gate = &f->watching.gate;
    echo_open(&f->echo, &limits);
    rpc_channel_close(f->echo.channel);
    connect_to(f);
}

void carrier_open(struct carrier_fixture *f)
{
    carrier_open_with(f, (struct rpc_server_options){.max_calls = 0});
}

void carrier_close(struct carrier_fixture *f)
{
    echo_close(&f->echo);
    timers_destroy(f->timers);
}
