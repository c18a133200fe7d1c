/*
 * rest-shim/rest_error.h - errors as HTTP tells them: which status, and which of the three shapes.
 */
#ifndef REST_SHIM_REST_ERROR_H
#define REST_SHIM_REST_ERROR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"
#include "rest-shim/routes.h"

struct arena;

struct rest_error {
    struct status st;   /* not OK */
    int http_status;    /* 0: the one of the code */
    struct str details; /* a packed google.rpc.Status of the gateway, or empty */
    enum route_style style;
    const struct lts_form
        *form; /* the form that fields come from, or NULL: they keep the names of the proto */
};

/* The HTTP status of a code: 400 for INVALID_ARGUMENT and so on. */
int rest_error_get_http_status(enum status_code code);

/* What the HTTP server refuses by itself, as an error: "the body is too large" for 413 and so on. */
struct rest_error rest_error_from_http(int http_status, enum route_style style);

/*
 * Puts another text in the place of one that the gateway did not write, since it may name addresses. has_details
 * says that it came with details, which only the gateway makes.
 */
struct status rest_error_mask(struct status st, bool has_details) MUST_CHECK;

/*
 * Appends the body of the reply and returns its HTTP status. arena is for the details while this runs. *ret_retry_s is
 * for the header Retry-After; 0: none.
 */
int rest_error_write(const struct rest_error *error, struct arena *arena, struct buf *ret,
                     unsigned *ret_retry_s);

#endif
