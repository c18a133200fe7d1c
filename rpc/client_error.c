#include "rpc/client_error.h"

#include <ctype.h>

/* How core writes an address. */
static const char *const address_marks[] = {"ipv4:", "ipv6:", "unix:"};

static bool names_address(struct str text)
{
    for (size_t i = 0; i < ARRAY_LEN(address_marks); i++) {
        if (str_find(text, address_marks[i]) != text.len)
            return true;
    }
    return false;
}

/* The last part of a chain of reasons: "... last error: UNKNOWN: Connection refused". */
static struct str find_reason(struct str text)
{
    struct str rest = text;

    for (;;) {
        size_t at = str_find(rest, ": ");
        if (at == rest.len)
            break;
        rest = str_skip(rest, at + 2);
    }
    return rest.len == 0 || names_address(rest) ? str_from("no reason given") : rest;
}

struct status rpc_failure_describe(const struct rpc_failure *failure)
{
    bool is_code = failure->code > STATUS_OK && failure->code < STATUS_NCODES;
    enum status_code code = is_code ? (enum status_code)failure->code : STATUS_UNKNOWN;
    struct str text = failure->text;

    if (failure->is_of_server)
        return status_error(code, "%.*s", (int)text.len, text.data);
    if (code == STATUS_DEADLINE_EXCEEDED)
        return status_error(code, "'%s' did not answer within %u ms", failure->target,
                            failure->timeout_ms);
    if (code == STATUS_CANCELLED && !failure->is_wanted)
        return status_error(STATUS_UNAVAILABLE, "'%s' has dropped the call", failure->target);
    if (code != STATUS_UNAVAILABLE && !names_address(text))
        return status_error(code, "%.*s", (int)text.len, text.data);

    struct str reason = find_reason(text);
    char first = reason.data[0];
    if (reason.len > 1 && islower((unsigned char)reason.data[1])) /* a word, not "GOAWAY" */
        first = (char)tolower((unsigned char)first);
    return status_error(code, "'%s' cannot be reached: %c%.*s", failure->target, first,
                        (int)reason.len - 1, reason.data + 1);
}
