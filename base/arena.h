/*
 * base/arena.h - memory that is freed all at once, with a cap on what peers may make it take.
 *
 * An arena belongs to one thread at a time.
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/str.h"

struct arena;

/* Creates an arena whose arena_try_alloc serves max_bytes in all. Owned by the caller. */
struct arena *arena_create(size_t max_bytes) MUST_CHECK;

/* Frees all that came from the arena. NULL is allowed. */
void arena_destroy(struct arena *arena);

/* size zeroed bytes, aligned for any type, for what we decide the size of. Never NULL; not counted. */
void *arena_alloc(struct arena *arena, size_t size) MUST_CHECK;

/* As arena_alloc, for what a peer decides the size of: NULL when the cap would be passed. */
void *arena_try_alloc(struct arena *arena, size_t size) MUST_CHECK;

/* A NUL-terminated copy of text in the arena. */
char *arena_copy_str(struct arena *arena, struct str text) MUST_CHECK;

/* A text in the arena, made as by printf. */
char *arena_printf(struct arena *arena, const char *format, ...) MUST_CHECK PRINTF_LIKE(2, 3);

/* Whether an arena_try_alloc was refused. */
bool arena_is_full(const struct arena *arena);

#endif
