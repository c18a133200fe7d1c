/*
 * gateway/text_array.h - lists of texts as one parameter of a statement.
 */
#ifndef GATEWAY_TEXT_ARRAY_H
#define GATEWAY_TEXT_ARRAY_H

#include "base/buf.h"

/*
 * Appends one element to an array in PostgreSQL's text form (PostgreSQL 15 manual, section
 * 8.15.6): an empty buffer becomes {"text"}, and {"a"} becomes {"a","text"}.
 */
void text_array_add(struct buf *array, const char *text);

#endif
