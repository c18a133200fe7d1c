/*
 * libpq's own words about a connection string quote it, with the password; so they are not passed on. What it says
 * later names host and port, which are no secrets unless the string was read otherwise than it was meant: an '@' or
 * a '/' that stands in a password as it is ends that, and the rest passes for a host or a port.
 */
#include "store/database_url.h"

#include <string.h>

#include <libpq-fe.h>

/* A list of hosts; a name that begins with '@' is an abstract socket's. */
static bool is_host(const char *text)
{
    const char *sign = strchr(text, '@');

    while (sign && (sign == text || sign[-1] == ','))
        sign = strchr(sign + 1, '@');
    return !sign;
}

static bool is_port(const char *text)
{
    return strspn(text, "0123456789,") == strlen(text);
}

static bool is_misread(const PQconninfoOption *option)
{
    if (!option->val)
        return false;
    return (strcmp(option->keyword, "host") == 0 && !is_host(option->val)) ||
           (strcmp(option->keyword, "port") == 0 && !is_port(option->val));
}

struct status database_url_validate(const char *url)
{
    PQconninfoOption *options = PQconninfoParse(url, NULL);
    bool is_right = options;

    for (const PQconninfoOption *option = options; is_right && option->keyword; option++)
        is_right = !is_misread(option);
    PQconninfoFree(options);
    if (!options)
        return status_error(STATUS_INVALID_ARGUMENT, "the database URL cannot be read");
    if (!is_right)
        return status_error(STATUS_INVALID_ARGUMENT,
                            "the database URL names no host or no port where it should; write %%40 "
                            "for '@' and %%2F for '/' in a password");
    return status_ok();
}
