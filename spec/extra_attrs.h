/*
 * spec/extra_attrs.h - extraAttrs of a task between clusters: the settings that all kinds of it have.
 *
 * LTS documents bandWidth alone, as an example; the others are ours, and docs/tasks.md has them.
 */
#ifndef SPEC_EXTRA_ATTRS_H
#define SPEC_EXTRA_ATTRS_H

#include <stdint.h>

#include "spec/config_reader.h"

struct arena;

enum { EXTRA_ATTRS_MAX_BYTES = 64 * 1024 };

/* Reads text as extraAttrs; an empty one is an object without members. Free it by config_reader_deinit. */
struct config_reader extra_attrs_make(const char *field, const char *text,
                                      struct violations *violations);

/* bandWidth: bytes a second that each thread may move; 0: as many as it can. */
int64_t extra_attrs_read_bandwidth(const struct config_reader *reader);

/*
 * bulkload: "file:///dir", where files for the destination are put; the folder "/dir", in arena, or NULL if there is none or it is wrong.
 */
const char *extra_attrs_read_folder(const struct config_reader *reader, struct arena *arena);

/*
 * Adds a violation for each member but bandWidth that is not the same in the stored text and in the wanted one, and what
 * is wrong with the latter as an object.
 */
void extra_attrs_refuse_changes(const char *field, const char *stored, const char *wanted,
                                struct violations *violations);

/* The index of the member's text among choices[0 .. nchoices), without case; 0 if there is none or it is wrong. */
unsigned extra_attrs_read_choice(const struct config_reader *reader, const char *key,
                                 const char *const *choices, unsigned nchoices);

#endif
