#include "gateway/source_secrets.h"

#include "base/arena.h"
#include "base/mem.h"
#include "base/secret_key_file.h"
#include "gateway/gateway.h"
#include "rpc/call.h"
#include "spec/data_source_seal.h"

/* Moves a text into the call's arena. */
static char *take(struct rpc_call *call, struct buf *text)
{
    char *copy = arena_copy_str(rpc_call_get_arena(call), buf_get(text));

    if (text->len > 0)
        mem_wipe(text->data, text->len);
    buf_deinit(text);
    return copy;
}

struct status source_secrets_seal(struct rpc_call *call, const Pb__DataSource *source,
                                  const char **ret)
{
    const struct gateway *gateway = rpc_call_get_self(call);
    struct buf text = {0};
    struct secret_keys *keys = secret_key_file_ref_keys(gateway->secret_keys);
    struct status st = data_source_seal(source, keys, &text);
    secret_keys_unref(keys);
    const char *sealed = take(call, &text);

    if (st.code == STATUS_OK)
        *ret = sealed;
    return st;
}

struct status source_secrets_open(struct rpc_call *call, Pb__DataSource *source)
{
    const struct gateway *gateway = rpc_call_get_self(call);
    struct buf text = {0};

    if (!data_source_has_sealed(source))
        return status_ok();
    struct secret_keys *keys = secret_key_file_ref_keys(gateway->secret_keys);
    struct status st = data_source_open(source, keys, &text);
    secret_keys_unref(keys);
    char *open = take(call, &text);

    if (st.code == STATUS_OK)
        source->parameters_json = open;
    return st;
}
