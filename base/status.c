#include "base/status.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

static const char *const names[] = {
    [STATUS_OK] = "OK",
    [STATUS_CANCELLED] = "CANCELLED",
    [STATUS_UNKNOWN] = "UNKNOWN",
    [STATUS_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
    [STATUS_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
    [STATUS_NOT_FOUND] = "NOT_FOUND",
    [STATUS_ALREADY_EXISTS] = "ALREADY_EXISTS",
    [STATUS_PERMISSION_DENIED] = "PERMISSION_DENIED",
    [STATUS_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
    [STATUS_FAILED_PRECONDITION] = "FAILED_PRECONDITION",
    [STATUS_ABORTED] = "ABORTED",
    [STATUS_OUT_OF_RANGE] = "OUT_OF_RANGE",
    [STATUS_UNIMPLEMENTED] = "UNIMPLEMENTED",
    [STATUS_INTERNAL] = "INTERNAL",
    [STATUS_UNAVAILABLE] = "UNAVAILABLE",
    [STATUS_DATA_LOSS] = "DATA_LOSS",
    [STATUS_UNAUTHENTICATED] = "UNAUTHENTICATED",
};
static_assert(ARRAY_LEN(names) == STATUS_NCODES, "a name for each code");

/* The text may be cut in the middle of a character, and may quote bytes that are no UTF-8. */
static void mend(char *text)
{
    struct str rest = str_from(text);

    for (;;) {
        size_t valid = utf8_find_invalid(rest);
        if (valid == rest.len)
            return;
        rest.data += valid;
        rest.len -= valid;
        if (rest.len < 4 && strlen(text) == STATUS_TEXT_BYTES - 1) {
            text[(size_t)(rest.data - text)] = '\0';
            return;
        }
        text[(size_t)(rest.data - text)] = '?';
    }
}

struct status status_error(enum status_code code, const char *format, ...)
{
    assert(code > STATUS_OK && code < STATUS_NCODES);

    struct status st = {.code = code};
    va_list args;

    va_start(args, format);
    (void)vsnprintf(st.text, sizeof(st.text), format, args);
    va_end(args);
    mend(st.text);
    return st;
}

static enum status_code code_of_errno(int errno_value)
{
    switch (errno_value) {
    case ENOENT:
    case ENOTDIR:
        return STATUS_NOT_FOUND;
    case EACCES:
    case EPERM:
        return STATUS_PERMISSION_DENIED;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case ENOSPC:
    case EAGAIN:
        return STATUS_RESOURCE_EXHAUSTED;
    case ECONNREFUSED:
    case ECONNRESET:
    case EADDRINUSE:
    case EADDRNOTAVAIL:
    case EPIPE:
        return STATUS_UNAVAILABLE;
    default:
        return STATUS_INTERNAL;
    }
}

struct status status_from_errno(int errno_value, const char *format, ...)
{
    struct status st = {.code = code_of_errno(errno_value)};
    char reason[128];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(st.text, sizeof(st.text) - sizeof(reason), format, args);
    va_end(args);
    size_t len = strlen(st.text);
    /* The GNU form: it may return a text of its own and leave the buffer alone. */
    (void)snprintf(st.text + len, sizeof(st.text) - len, ": %s",
                   strerror_r(errno_value, reason, sizeof(reason)));
    mend(st.text);
    return st;
}

const char *status_code_get_name(enum status_code code)
{
    return code >= 0 && code < STATUS_NCODES ? names[code] : names[STATUS_UNKNOWN];
}
