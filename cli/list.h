/*
 * cli/list.h - lists of the gateway, page by page, as a table or as lines of JSON.
 */
#ifndef CLI_LIST_H
#define CLI_LIST_H

#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "base/status.h"
#include "cli/command.h"

struct table;

/* A method whose requests have page_size and page_token, and whose replies items and next_page_token. */
struct list {
    const char *method; /* as for session_call */
    const ProtobufCMessageDescriptor *reply_type;
    const char *items; /* the reply's field of messages */
    const char *const *titles;
    size_t ntitles;
    void (*add)(struct table *table, const ProtobufCMessage *item); /* a row for an item */
};

/* Prints what request asks for, at most limit items (INT64_MAX: all); sets its page_size and page_token. */
struct status list_print(const struct cli_settings *settings, const struct list *list,
                         ProtobufCMessage *request, int64_t limit) MUST_CHECK;

#endif
