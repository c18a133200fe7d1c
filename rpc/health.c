#include "rpc/health.h"

#include <pthread.h>
#include <string.h>

#include "base/list.h"
#include "base/mem.h"
#include "grpc/health/v1/health.pb-c.h"
#include "rpc/call.h"

struct rpc_health {
    const struct rpc_service **services;
    size_t nservices;

    pthread_mutex_t lock; /* for all below; held while a message is sent, which calls nobody back */
    bool is_serving;
    bool is_leaving; /* never serving again */
    struct list watches;
};

/* Whether there is something to answer for. */
static bool is_known(const struct rpc_health *health, const char *name)
{
    if (name[0] == '\0')
        return true;
    for (size_t i = 0; i < health->nservices; i++) {
        if (strcmp(health->services[i]->descriptor->name, name) == 0)
            return true;
    }
    return false;
}

static Grpc__Health__V1__HealthCheckResponse__ServingStatus get_answer(
    const struct rpc_health *health, bool is_service_known)
{
    if (!is_service_known)
        return GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVICE_UNKNOWN;
    return health->is_serving && !health->is_leaving
               ? GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__SERVING
               : GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__SERVING_STATUS__NOT_SERVING;
}

/* Check: one answer. */

static void check(struct rpc_call *call, const ProtobufCMessage *message)
{
    const char *name = ((const Grpc__Health__V1__HealthCheckRequest *)message)->service;
    struct rpc_health *health = rpc_call_get_self(call);
    Grpc__Health__V1__HealthCheckResponse reply = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    if (!is_known(health, name)) {
        rpc_call_end(call, status_error(STATUS_NOT_FOUND, "there is no service '%s'", name), NULL);
        return;
    }
    pthread_mutex_lock(&health->lock);
    reply.status = get_answer(health, true);
    pthread_mutex_unlock(&health->lock);
    rpc_call_end(call, status_ok(), &reply.base);
}

/* Watch: an answer at once and each time that it changes; those in between may be left out. */

struct watch {
    struct rpc_health *health;
    struct rpc_call *call;
    struct rpc_send send;
    struct rpc_cancel cancel;
    bool is_known;

    /* Under the health's lock. */
    struct list link;                                            /* in watches, until it is over */
    Grpc__Health__V1__HealthCheckResponse__ServingStatus answer; /* the last one sent */
    bool was_sent;                                               /* there was one */
    bool is_sending;
    bool is_leaving; /* ends when nothing is on its way any more */
    bool is_over;    /* somebody ends the call, or has ended it */
};

/* Sends the answer unless it is known, or another one is on its way. The lock is held. */
static void update(struct watch *watch)
{
    Grpc__Health__V1__HealthCheckResponse reply = GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;

    reply.status = get_answer(watch->health, watch->is_known);
    if (watch->is_over || watch->is_sending || (watch->was_sent && watch->answer == reply.status))
        return;
    watch->answer = reply.status;
    watch->was_sent = true;
    watch->is_sending = true;
    rpc_call_send(watch->call, &reply.base, &watch->send);
}

/* True for the one that has to end the call. The lock is held. */
static bool take_end(struct watch *watch)
{
    bool is_first = !watch->is_over;

    watch->is_over = true;
    list_remove(&watch->link);
    return is_first;
}

static void watch_sent(struct rpc_send *send, bool ok)
{
    struct watch *watch = container_of(send, struct watch, send);
    bool is_end = false;

    pthread_mutex_lock(&watch->health->lock);
    watch->is_sending = false;
    if (ok)
        update(watch);
    if (!ok || (watch->is_leaving && !watch->is_sending))
        is_end = take_end(watch);
    pthread_mutex_unlock(&watch->health->lock);
    if (is_end)
        rpc_call_end(watch->call, status_error(STATUS_UNAVAILABLE, "the watch has ended"), NULL);
}

/* The client is gone, or the server stops: then the last answer is to arrive. */
static void watch_cancelled(struct rpc_cancel *cancel)
{
    struct watch *watch = container_of(cancel, struct watch, cancel);
    bool is_end = false;

    pthread_mutex_lock(&watch->health->lock);
    watch->is_leaving = true;
    if (!watch->is_sending)
        is_end = take_end(watch);
    pthread_mutex_unlock(&watch->health->lock);
    if (is_end)
        rpc_call_end(watch->call, status_error(STATUS_UNAVAILABLE, "the watch has ended"), NULL);
}

static void watch(struct rpc_call *call, const ProtobufCMessage *message)
{
    struct watch *op = rpc_call_alloc(call, sizeof(*op));

    op->health = rpc_call_get_self(call);
    op->call = call;
    op->send.on_sent = watch_sent;
    op->cancel.on_cancel = watch_cancelled;
    op->is_known =
        is_known(op->health, ((const Grpc__Health__V1__HealthCheckRequest *)message)->service);
    pthread_mutex_lock(&op->health->lock);
    list_add_last(&op->health->watches, &op->link);
    update(op);
    pthread_mutex_unlock(&op->health->lock);
    rpc_call_set_cancel(call, &op->cancel);
}

static void update_all(struct rpc_health *health)
{
    struct list *link;

    list_for_each (link, &health->watches)
        update(container_of(link, struct watch, link));
}

void rpc_health_set_serving(struct rpc_health *health, bool is_serving)
{
    pthread_mutex_lock(&health->lock);
    health->is_serving = is_serving;
    update_all(health);
    pthread_mutex_unlock(&health->lock);
}

void rpc_health_leave(struct rpc_health *health)
{
    pthread_mutex_lock(&health->lock);
    health->is_leaving = true;
    update_all(health);
    pthread_mutex_unlock(&health->lock);
}

struct rpc_health *rpc_health_create(const struct rpc_service *const *services, size_t nservices)
{
    struct rpc_health *health = mem_alloc(sizeof(*health));

    health->services = mem_alloc_array(nservices, sizeof(const struct rpc_service *));
    health->nservices = nservices;
    for (size_t i = 0; i < nservices; i++)
        health->services[i] = services[i];
    (void)pthread_mutex_init(&health->lock, NULL);
    list_init(&health->watches);
    health->is_serving = true;
    return health;
}

void rpc_health_destroy(struct rpc_health *health)
{
    if (!health)
        return;
    (void)pthread_mutex_destroy(&health->lock);
    mem_free(health->services);
    mem_free(health);
}

static const struct rpc_method methods[] = {
    {"Check", RPC_UNARY, check},
    {"Watch", RPC_SERVER_STREAM, watch},
};

const struct rpc_service rpc_health_service = {
    .descriptor = &grpc__health__v1__health__descriptor,
    .methods = methods,
    .nmethods = ARRAY_LEN(methods),
};
