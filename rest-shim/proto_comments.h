/*
 * rest-shim/proto_comments.h - what the comments of package sluice.v1 say about messages, fields, enums, values and methods.
 *
 * The build puts the parsed files, comments included, into the program: what is written there once is told here.
 */
#ifndef REST_SHIM_PROTO_COMMENTS_H
#define REST_SHIM_PROTO_COMMENTS_H

#include "base/compiler.h"

struct arena;
struct proto_comments;

/* Reads them into arena, where all of it lives. */
struct proto_comments *proto_comments_create(struct arena *arena) MUST_CHECK;

/*
 * The comment in front of what has that full name ("sluice.v1.Task.id", "sluice.v1.TaskService.GetTask",
 * "sluice.v1.TaskState.TASK_STATE_PENDING"), on one line; "" if there is none.
 */
const char *proto_comments_get(const struct proto_comments *comments, const char *name);

#endif
