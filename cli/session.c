#include "cli/session.h"

#include <stdio.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "cli/connection.h"
#include "cli/notes.h"
#include "rpc/client.h"
#include "rpc/message_json.h"

enum { REPLY_MAX_BYTES = 64 * 1024 * 1024 };

struct session {
    const struct cli_settings *settings;
    struct connection connection;
    struct arena *arena;
};

struct status session_open(const struct cli_settings *settings, struct session **ret)
{
    struct session *session = mem_alloc(sizeof(*session));
    struct status st = connection_open(settings, &session->connection);

    if (st.code != STATUS_OK) {
        mem_free(session);
        return st;
    }
    session->settings = settings;
    session->arena = arena_create(REPLY_MAX_BYTES);
    *ret = session;
    return st;
}

void session_close(struct session *session)
{
    if (!session)
        return;
    connection_close(&session->connection);
    arena_destroy(session->arena);
    mem_free(session);
}

struct arena *session_get_arena(struct session *session)
{
    return session->arena;
}

struct status session_call(struct session *session, const char *method,
                           const ProtobufCMessage *request,
                           const ProtobufCMessageDescriptor *reply_type,
                           const ProtobufCMessage **ret_reply)
{
    struct str details = {0};
    struct rpc_request call = {
        .channel = session->connection.channel,
        .method = method,
        .message = request,
        .reply_type = reply_type,
        .timeout_ms = (unsigned)session->settings->timeout_ms,
        .ret_details = &details,
    };
    struct status st = rpc_client_call_wait(&call, session->arena, ret_reply);

    if (st.code != STATUS_OK)
        notes_add_violations(details, session->arena, session->settings->notes);
    return st;
}

bool session_wants_json(const struct session *session)
{
    return strcmp(session->settings->output, "json") == 0;
}

void session_print_json(const ProtobufCMessage *message)
{
    struct buf text = {0};
    struct json_out out = json_out_make(&text);

    message_json_write(message, &out);
    (void)printf("%s\n", buf_get_text(&text));
    buf_deinit(&text);
}

/* The length of what all names of the type begin with: "TASK_STATE_". The value 0 is always <PREFIX>UNSPECIFIED. */
static size_t get_prefix_len(const ProtobufCEnumDescriptor *type)
{
    const ProtobufCEnumValue *zero = protobuf_c_enum_descriptor_get_value(type, 0);

    return zero ? strlen(zero->name) - strlen("UNSPECIFIED") : 0;
}

const char *session_name_value(const ProtobufCEnumDescriptor *type, int value)
{
    const ProtobufCEnumValue *found = protobuf_c_enum_descriptor_get_value(type, value);

    return found ? found->name + get_prefix_len(type) : "?";
}

struct status session_find_value(const ProtobufCEnumDescriptor *type, const char *option,
                                 const char *text, int *ret)
{
    size_t prefix_len = get_prefix_len(type);
    struct buf choices = {0};

    for (unsigned i = 0; i < type->n_values; i++) {
        const ProtobufCEnumValue *value = &type->values[i];
        if (value->value == 0)
            continue;
        buf_printf(&choices, "%s%s", choices.len ? ", " : "", value->name + prefix_len);
        if (strcasecmp(text, value->name) == 0 || strcasecmp(text, value->name + prefix_len) == 0) {
            *ret = value->value;
            buf_deinit(&choices);
            return status_ok();
        }
    }
    struct status st = status_error(STATUS_INVALID_ARGUMENT, "--%s: '%.60s' is none of %s", option,
                                    text, buf_get_text(&choices));
    buf_deinit(&choices);
    return st;
}
