/*
 * spec/filter_read.h - filters from their text.
 */
#ifndef SPEC_FILTER_READ_H
#define SPEC_FILTER_READ_H

#include "base/str.h"
#include "spec/filter.h"
#include "spec/violations.h"

struct arena;

/*
 * Reads a filter; one without a comparison takes all tasks. *ret lives in arena, and takes nothing of text along. What
 * is wrong is one violation of the field "filter", which says where (bytes are counted from 1), what stands there and
 * what would be right; *ret is then as it was. text is UTF-8.
 */
void filter_read(struct str text, struct arena *arena, struct violations *violations,
                 struct filter *ret);

#endif
