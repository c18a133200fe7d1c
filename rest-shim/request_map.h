/*
 * rest-shim/request_map.h - from what HTTP brought to the request message of a route's gRPC method.
 */
#ifndef REST_SHIM_REQUEST_MAP_H
#define REST_SHIM_REQUEST_MAP_H

#include <stdbool.h>

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "base/str.h"
#include "rest-shim/routes.h"

struct arena;

struct request_input {
    struct str part;         /* of the path, raw */
    struct str query;        /* raw */
    struct str content_type; /* may be empty */
    struct str request_key;  /* of the header Idempotency-Key; without data if there is none */
    struct str event_id;     /* of the header Last-Event-ID; the same */
    struct str body;
};

enum { REQUEST_MAP_MAX_KEY_BYTES = 128 };

/* Whether a field of the request can be set by a query parameter, which has the field's lowerCamelCase for a name. */
bool request_map_is_parameter(const struct route *route, const ProtobufCFieldDescriptor *field);

/* Whether the body has the content type that the route takes, in UTF-8. An empty body needs none. */
bool request_map_takes(const struct route *route, const struct request_input *input);

/*
 * Makes the request of the route's method, in arena. Where it has a field request_id, a request_key sets that: a UUID
 * as it is, any other text as the UUID that it stands for (base/id.h). Where it has a field cursor, an event_id
 * sets that, whatever the query says: who comes back by itself has the query of its first time. INVALID_ARGUMENT: something is wrong; the error names it as the
 * caller does: the form's field, the query parameter, the path in the JSON. NOT_FOUND: the id is of another kind of tasks
 * than the route's. RESOURCE_EXHAUSTED: the arena is full.
 */
struct status request_map_read(const struct route *route, const struct request_input *input,
                               struct arena *arena, ProtobufCMessage **ret) MUST_CHECK;

/*
 * Sets a field request_id that is empty to a random UUID, so that the request may be sent again. RESOURCE_EXHAUSTED: the
 * arena is full.
 */
struct status request_map_name(struct arena *arena, ProtobufCMessage *request) MUST_CHECK;

#endif
