#include "rpc/caller.h"

#include <string.h>

#include <grpc/grpc.h>
#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>

#include "base/arena.h"
#include "rpc/carrier.pb-c.h"
#include "rpc/serving.h"
#include "rpc/slice.h"

struct str rpc_caller_get_path(const struct rpc_call *call)
{
    return rpc_slice_get_bytes(&call->info.method);
}

struct str rpc_caller_find_metadata(const struct rpc_call *call, const char *key)
{
    for (size_t i = 0; i < call->metadata.count; i++)
        if (grpc_slice_str_cmp(call->metadata.metadata[i].key, key) == 0)
            return rpc_slice_get_bytes(&call->metadata.metadata[i].value);
    return (struct str){NULL, 0};
}

struct str rpc_caller_find_only_metadata(const struct rpc_call *call, const char *key)
{
    size_t n = 0;

    for (size_t i = 0; i < call->metadata.count; i++)
        n += grpc_slice_str_cmp(call->metadata.metadata[i].key, key) == 0;
    return n == 1 ? rpc_caller_find_metadata(call, key) : (struct str){NULL, 0};
}

/* Core's form is that of its targets: "ipv4:10.0.0.1:4711", "ipv6:%5B::1%5D:4711", "unix:" and a path. */
const char *rpc_caller_copy_host(struct rpc_call *call)
{
    char *peer = grpc_call_get_peer(rpc_call_get_core(call));
    struct str host = str_from(peer);
    const char *copy = "";

    if (str_has_prefix(host, "ipv4:")) {
        host = str_skip(host, strlen("ipv4:"));
        host.len = str_find_byte(host, ':');
        copy = arena_copy_str(call->arena, host);
    } else if (str_has_prefix(host, "ipv6:%5B")) {
        host = str_skip(host, strlen("ipv6:%5B"));
        host.len = str_find(host, "%5D");
        copy = arena_copy_str(call->arena, host);
    }
    gpr_free(peer);
    return copy;
}

const char *rpc_caller_copy_identity(struct rpc_call *call)
{
    grpc_auth_context *context = grpc_call_auth_context(rpc_call_get_core(call));
    const char *copy = "";

    if (!context)
        return copy;
    grpc_auth_property_iterator names = grpc_auth_context_peer_identity(context);
    const grpc_auth_property *name = grpc_auth_property_iterator_next(&names);
    struct str text = name ? str_from_bytes(name->value, name->value_length) : (struct str){0};
    if (text.len <= RPC_CALLER_IDENTITY_MAX_BYTES && str_is_printable(text))
        copy = arena_copy_str(call->arena, text);
    grpc_auth_context_release(context);
    return copy;
}

bool rpc_caller_carries(const struct rpc_call *call)
{
    return !call->stream && call->route &&
           call->route->input == &carrier__carry_request__descriptor;
}

void *rpc_caller_get_ticket(const struct rpc_call *call)
{
    return call->ticket;
}

void rpc_caller_set_ticket(struct rpc_call *call, void *ticket)
{
    call->ticket = ticket;
}
