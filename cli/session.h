/*
 * cli/session.h - calls to the gateway for one command, and how replies are printed.
 */
#ifndef CLI_SESSION_H
#define CLI_SESSION_H

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "cli/command.h"

struct session;

struct status session_open(const struct cli_settings *settings, struct session **ret) MUST_CHECK;

/* NULL is allowed. */
void session_close(struct session *session);

struct arena *session_get_arena(struct session *session);

/* Calls "/sluice.v1.X/Y"; the reply is of that type and lives until session_close. Blocks. */
struct status session_call(struct session *session, const char *method,
                           const ProtobufCMessage *request,
                           const ProtobufCMessageDescriptor *reply_type,
                           const ProtobufCMessage **ret_reply) MUST_CHECK;

/* Whether -o json was asked for. */
bool session_wants_json(const struct session *session);

/* Prints a message as one line of JSON. */
void session_print_json(const ProtobufCMessage *message);

/* "RUNNING" for a value of an enum whose names have a prefix; "?" for an unknown one. */
const char *session_name_value(const ProtobufCEnumDescriptor *type, int value);

/*
 * The value that a text names, with or without prefix, in any case. INVALID_ARGUMENT: there is none; the text has the
 * choices.
 */
struct status session_find_value(const ProtobufCEnumDescriptor *type, const char *option,
                                 const char *text, int *ret) MUST_CHECK;

#endif
