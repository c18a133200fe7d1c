/*
 * spec/violations.h - all that is wrong with a request, field by field.
 */
#ifndef SPEC_VIOLATIONS_H
#define SPEC_VIOLATIONS_H

#include "base/status.h"

enum {
    VIOLATIONS_MAX = 16, /* further ones are dropped */
    VIOLATION_TEXT_BYTES = 240,
};

struct violation {
    const char *field; /* the path in proto names: "task.bulkload.instances"; a literal */
    char text[VIOLATION_TEXT_BYTES]; /* cut to fit; names what is wrong and what would be right */
};

/* {0} is none. */
struct violations {
    struct violation items[VIOLATIONS_MAX];
    unsigned count;
};

void violations_add(struct violations *violations, const char *field, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* OK if there is none; else INVALID_ARGUMENT with the first one's text. */
struct status violations_get_status(const struct violations *violations) MUST_CHECK;

#endif
