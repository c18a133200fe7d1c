/*
 * gateway/method_scope.h - what a caller must be allowed for each method: one table.
 */
#ifndef GATEWAY_METHOD_SCOPE_H
#define GATEWAY_METHOD_SCOPE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "store/token_scope.h"

struct method_scope {
    const char
        *path; /* "/sluice.v1.TaskService/GetTask", or a service: "/grpc.health.v1.Health/" */
    enum token_scope scope;
    bool is_open; /* it asks for no token */
};

extern const struct method_scope method_scopes[];
extern const size_t method_scopes_count;

/* NULL: there is no such method. */
const struct method_scope *method_scope_find(struct str path);

#endif
