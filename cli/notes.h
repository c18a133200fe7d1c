/*
 * cli/notes.h - what an error has to say beyond its text.
 */
#ifndef CLI_NOTES_H
#define CLI_NOTES_H

#include "base/str.h"

struct arena;
struct buf;

/*
 * Appends a line for each field that is wrong, "  field: what", where there are several: the error's own text is the first
 * one's. details is a packed google.rpc.Status, or anything else, of which nothing is said.
 */
void notes_add_violations(struct str details, struct arena *arena, struct buf *notes);

#endif
