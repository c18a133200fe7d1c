/*
 * gateway/task_kind.h - the kinds of tasks: what their ids look like, between which data sources they work, how their
 * specs are read and planned.
 */
#ifndef GATEWAY_TASK_KIND_H
#define GATEWAY_TASK_KIND_H

#include <stddef.h>

#include "base/str.h"
#include "sluice/v1/data_source.pb-c.h"
#include "sluice/v1/task.pb-c.h"

struct arena;
struct job_plan;
struct violations;

enum { TASK_KIND_MAX_TYPES = 4 };

struct task_kind {
    Pb__TaskKind kind;
    Pb__Task__SpecCase spec_case;
    const char *id_prefix;
    /* The types that its data sources may have; the first 0 ends them. */
    Pb__DataSourceType source_types[TASK_KIND_MAX_TYPES];
    Pb__DataSourceType destination_types[TASK_KIND_MAX_TYPES];
    /*
     * Reads the spec of a task of the kind and plans its jobs. Adds to violations what is wrong; *ret is not to be
     * used then. It is in arena and borrows from the task.
     */
    void (*plan)(const Pb__Task *task, struct arena *arena, struct violations *violations,
                 struct job_plan *ret);
};

/* The kind that the arm of a task's spec tells; NULL: none is set. */
const struct task_kind *task_kind_find(const Pb__Task *task);

/* The packed spec of a task of a kind, from arena. */
struct str task_kind_pack_spec(const Pb__Task *task, struct arena *arena);

/* A copy of a task between clusters with other table_names. It borrows them, and all else from task. */
Pb__Task *task_kind_replace_tables(const Pb__Task *task, char **names, size_t count,
                                   struct arena *arena);

/* The extra_attrs_json of a task between clusters, and such a copy with another one. */
const char *task_kind_get_attrs(const Pb__Task *task);
Pb__Task *task_kind_replace_attrs(const Pb__Task *task, char *attrs, struct arena *arena);

#endif
