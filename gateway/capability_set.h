/*
 * gateway/capability_set.h - what a worker says it can do.
 *
 * "<kind>:<source's type>:<destination's type>" is for jobs, "check:<type>" for checks; the words are the values of
 * TaskKind and DataSourceType without their prefix, in lower case. A set is kept as the two lists that statements take,
 * each sorted and without repeats, so that equal sets are equal texts.
 */
#ifndef GATEWAY_CAPABILITY_SET_H
#define GATEWAY_CAPABILITY_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "base/str.h"

struct arena;
struct violations;

enum {
    CAPABILITY_MAX_ENTRIES = 256,
    CAPABILITY_MAX_BYTES = 128,
};

/* Arrays as PostgreSQL writes them; "{}" is none. */
struct capability_set {
    const char *jobs;
    const char *checks;
};

/*
 * Reads a set; its texts are the arena's. What is wrong with an entry is a violation that names it, and *ret is then as
 * it was.
 */
void capability_set_read(char *const *entries, size_t nentries, struct arena *arena,
                         struct violations *violations, struct capability_set *ret);

static inline bool capability_list_is_empty(const char *list)
{
    return list[1] == '}';
}

/* Whether a list has an entry. */
bool capability_list_has(const char *list, struct str entry) MUST_CHECK;

#endif
