#include "gateway/gateway.h"

#include "base/compiler.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/notify.h"
#include "base/secret_key_file.h"
#include "base/timers.h"
#include "base/watchdog.h"
#include "gateway/check_desk.h"
#include "gateway/lease_desk.h"
#include "gateway/services.h"
#include "gateway/task_ends.h"
#include "gateway/watch_hub.h"
#include "rpc/server.h"
#include "store/store.h"

enum { HEALTH_PERIOD_MS = 500 };

struct gateway_health {
    struct timer timer;
    struct gateway *gateway;
    struct rpc_server *server;
    bool is_serving;
    struct pulse pulse;
};

const struct rpc_service *const gateway_services[GATEWAY_NSERVICES] = {
    &task_service,
    &data_source_service,
    &worker_service,
};

struct status gateway_create(struct store *store, int64_t lease_ms, struct metrics *metrics,
                             struct gateway **ret)
{
    struct timers *timers;
    struct watch_hub *watches;
    struct status st = timers_create(&timers);

    if (st.code != STATUS_OK)
        return st;
    st = watch_hub_create(store, &watches);
    if (st.code != STATUS_OK) {
        timers_destroy(timers);
        return st;
    }
    struct gateway *gateway = mem_alloc(sizeof(*gateway));
    gateway->store = store;
    gateway->metrics = metrics;
    gateway->lease_ms = lease_ms;
    gateway->timers = timers;
    gateway->watches = watches;
    gateway->desk = lease_desk_create(store, timers, watches, lease_ms);
    gateway->check_desk = check_desk_create(store, timers);
    gateway->ends = task_ends_create(store, timers, metrics);
    *ret = gateway;
    return status_ok();
}

/* On the timer thread, which waits for the disk only to read a small file that has changed. */
static void check_health(struct timer *timer)
{
    struct gateway_health *health = container_of(timer, struct gateway_health, timer);
    bool is_ready = store_is_ready(health->gateway->store);

    if (is_ready != health->is_serving) {
        if (is_ready)
            log_info("database is back", log_bool("serving", true));
        else
            log_warn("database is gone", log_bool("serving", false));
        notify_status(is_ready ? "serving" : "waiting for the database");
        rpc_server_set_serving(health->server, is_ready);
        health->is_serving = is_ready;
    }
    secret_key_file_refresh(health->gateway->secret_keys);
    pulse_beat(&health->pulse);
    timers_set(health->gateway->timers, timer, HEALTH_PERIOD_MS);
}

void gateway_follow_health(struct gateway *gateway, struct rpc_server *server)
{
    struct gateway_health *health = mem_alloc(sizeof(*health));

    *health = (struct gateway_health){
        .timer.on_fire = check_health,
        .gateway = gateway,
        .server = server,
        .is_serving = true, /* as a server is at first */
    };
    gateway->health = health;
    notify_status("serving");
    timers_set(gateway->timers, &health->timer, 0);
}

struct pulse *gateway_get_pulse(struct gateway *gateway)
{
    return &gateway->health->pulse;
}

void gateway_stop(struct gateway *gateway)
{
    lease_desk_stop(gateway->desk);
    check_desk_stop(gateway->check_desk);
    watch_hub_stop(gateway->watches);
    task_ends_stop(gateway->ends);
    timers_destroy(gateway->timers);
    gateway->timers = NULL;
}

void gateway_destroy(struct gateway *gateway)
{
    if (!gateway)
        return;
    lease_desk_destroy(gateway->desk);
    check_desk_destroy(gateway->check_desk);
    watch_hub_destroy(gateway->watches);
    task_ends_destroy(gateway->ends);
    timers_destroy(gateway->timers);
    mem_free(gateway->health);
    mem_free(gateway);
}
