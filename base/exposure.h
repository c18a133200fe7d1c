/*
 * base/exposure.h - whom a listener can be reached by, and that nobody opens one to all by mistake.
 */
#ifndef BASE_EXPOSURE_H
#define BASE_EXPOSURE_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/cidr.h"
#include "base/options.h"
#include "base/status.h"

/* What a program with a listener has in its settings. */
struct exposure_settings {
    const char *allow;
    bool is_insecure;
};

#define EXPOSURE_ROWS(type, member) \
    {.name = "allow", \
     .kind = OPTION_TEXT, \
     .field = offsetof(type, member.allow), \
     .value_name = "NETWORKS", \
     .help = "serve only these: addresses and networks with commas between, 10.0.0.0/8,::1"}, \
        {.name = "insecure", \
         .kind = OPTION_FLAG, \
         .field = offsetof(type, member.is_insecure), \
         .help = "listen where other machines reach it, though it asks nothing of them"}

/*
 * Whether only this machine gets at a listener: "unix:/path", or a host that is localhost or an address of the loopback
 * interface. Names are not looked up: what they stand for may change.
 */
bool exposure_is_local(const char *listen);

/* For a table's validate: appends what is wrong with the networks. */
void exposure_validate(const struct exposure_settings *settings, struct buf *errors);

/*
 * For the same, of a listener, whose option is of that name: appends an error if it is open, as it is not local, nothing is allowed or
 * said to be insecure, and neither is_guarded by something else. ways names what that would be, ", --require-token", or is
 * "". listen may be NULL: there is none.
 */
void exposure_check(const struct exposure_settings *settings, const char *option,
                    const char *listen, bool is_guarded, const char *ways, struct buf *errors);

/* The networks that are allowed, which exposure_validate has found right; none: all are. */
struct cidr_list exposure_get_allowed(const struct exposure_settings *settings);

#endif
