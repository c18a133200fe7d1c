/*
 * connectors/plan.h - what readers share in making a plan and in holding on to it.
 */
#ifndef CONNECTORS_PLAN_H
#define CONNECTORS_PLAN_H

#include <stdint.h>

#include "base/status.h"
#include "connectors/reader.h"

struct file_root;

/* Adds a file; path is copied. */
void plan_add_file(struct plan *plan, const char *path, uint64_t size_bytes, int64_t modified_ns);

/* Adds a split behind the others. */
void plan_add_split(struct plan *plan, const struct split *split);

/*
 * Opens a file of a plan; *ret_fd is owned by the caller. FAILED_PRECONDITION: its size or its time of change is not
 * what the plan says.
 */
struct status plan_open_file(const struct file_root *root, const struct plan_file *file,
                             int *ret_fd) MUST_CHECK;

/* The same check for a file that is open: to be made again when all of it is read. */
struct status plan_check_file(const struct plan_file *file, int fd) MUST_CHECK;

/* The FAILED_PRECONDITION of both, for who finds out by reading. */
struct status plan_refuse_changed(const char *path) MUST_CHECK;

#endif
