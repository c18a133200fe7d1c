/*
 * base/status.h - the one result type: a code and a text for the caller.
 *
 * A status is a plain value that owns nothing, so it crosses threads and layers and outlives
 * what failed. The codes are gRPC's in every layer.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>

#include "base/compiler.h"
#include "base/str.h"

/* The numbers are those of gRPC's status codes (grpc.github.io, "Status codes"). */
enum status_code {
    STATUS_OK = 0,
    STATUS_CANCELLED = 1,
    STATUS_UNKNOWN = 2,
    STATUS_INVALID_ARGUMENT = 3,
    STATUS_DEADLINE_EXCEEDED = 4,
    STATUS_NOT_FOUND = 5,
    STATUS_ALREADY_EXISTS = 6,
    STATUS_PERMISSION_DENIED = 7,
    STATUS_RESOURCE_EXHAUSTED = 8,
    STATUS_FAILED_PRECONDITION = 9,
    STATUS_ABORTED = 10,
    STATUS_OUT_OF_RANGE = 11,
    STATUS_UNIMPLEMENTED = 12,
    STATUS_INTERNAL = 13,
    STATUS_UNAVAILABLE = 14,
    STATUS_DATA_LOSS = 15,
    STATUS_UNAUTHENTICATED = 16,
    STATUS_NCODES = 17,
};

enum { STATUS_TEXT_BYTES = 252 };

struct status {
    enum status_code code;
    char text[STATUS_TEXT_BYTES]; /* UTF-8; cut to fit, at a character's end; "" if code is OK */
};

/* The text is empty; what is behind its end is left as it was, for a good outcome is to cost nothing. */
static inline struct status status_ok(void)
{
    struct status st;

    st.code = STATUS_OK;
    st.text[0] = '\0';
    return st;
}

/*
 * Makes a status of a code that is not OK. The text is lower case, has no full stop and names
 * the input that is wrong.
 */
struct status status_error(enum status_code code, const char *format, ...)
    MUST_CHECK PRINTF_LIKE(2, 3);

/* The code that fits errno_value; the text is what was tried, then the system's reason. */
struct status status_from_errno(int errno_value, const char *format, ...)
    MUST_CHECK PRINTF_LIKE(2, 3);

/* "INVALID_ARGUMENT" and the like; "UNKNOWN" for a number that is no code. Never freed. */
const char *status_code_get_name(enum status_code code);

#endif
