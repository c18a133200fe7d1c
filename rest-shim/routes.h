/*
 * rest-shim/routes.h - the one table of what HTTP offers: verb, path, gRPC method, and how both are mapped.
 */
#ifndef REST_SHIM_ROUTES_H
#define REST_SHIM_ROUTES_H

#include <stdbool.h>
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

#include "base/json_out.h"
#include "base/str.h"

struct lts_form;
struct lts_kind;
struct lts_list;
struct lts_settings;

/* Whose conventions the path follows: the form of errors, and what of the request is looked at. */
enum route_style {
    ROUTE_LTS,    /* {"success":"false",...}; query strings are ignored */
    ROUTE_V1,     /* {"error":{...}}; query parameters are fields of the request */
    ROUTE_HEALTH, /* {"status":"unavailable",...} with 503 for any error */
};

enum route_body {
    ROUTE_NO_BODY, /* ignored */
    ROUTE_FORM,
    ROUTE_JSON,       /* required */
    ROUTE_JSON_MAYBE, /* may be empty */
};

/*
 * Whether a reader that follows links, or another site's page, may cause it. What changes something by a GET, as
 * LTS has it, does so by a POST, too.
 */
enum route_effect {
    ROUTE_READS,
    ROUTE_CHANGES,
};

struct route {
    const char *verb;
    const char
        *path; /* "/v1/tasks/{id}:abort": {id} takes a part without '/' and ':' for field id */
    const char *method; /* of gRPC: "/sluice.v1.TaskService/AbortTask"; NULL: it is an asset */
    enum route_style style;
    enum route_effect effect;
    enum route_body body;
    const char *body_field;      /* the field that a JSON body is; NULL: it is the whole request */
    const struct lts_form *form; /* for ROUTE_FORM */
    const char *preset; /* fields that the route itself sets, as a query string has them; or NULL */
    const struct lts_kind *kind; /* the only one that ids may be of; NULL: any */
    const struct lts_list
        *list;               /* the reply is this list, whole unless a page of it is asked for */
    bool has_events;         /* the reply is a stream of TaskChange, as server-sent events */
    bool is_readiness;       /* fails as soon as the program is about to stop */
    const char *reply_field; /* the only one of the reply that is looked at; NULL: all may be */
    /* Writes the reply and returns the HTTP status. NULL: as JSON of the message, with 200. */
    int (*write)(const ProtobufCMessage *reply, const struct lts_settings *settings,
                 struct json_out *out);
};

enum { ROUTES_ALLOW_BYTES = 64 };

struct route_match {
    const struct route *route; /* NULL: no row has both path and verb */
    struct str part;           /* of the path, raw; borrowed from it */
    bool is_known;             /* some row has the path */
    char allow
        [ROUTES_ALLOW_BYTES]; /* without a route, the verbs of the path: "GET, HEAD, OPTIONS" */
};

/* Finds the row for a request. HEAD is served by a GET that only reads. path is raw and is not normalised. */
struct route_match routes_match(struct str verb, struct str path);

/* The style that errors for a path have, be it known or not. */
enum route_style routes_get_style(struct str path);

/* The name of the request's field that the path sets: what is between the braces. */
struct str route_get_part_field(const struct route *route);

/* The verb that the row takes besides its own: HEAD or POST with a GET; NULL: none. */
const char *route_get_other_verb(const struct route *route);

/* The descriptor of the gRPC method; never NULL for a row of the table that names one. */
const ProtobufCMethodDescriptor *route_get_method(const struct route *route);

/* All rows, for the tests. */
const struct route *routes_get_all(size_t *ret_count);

#endif
