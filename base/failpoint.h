/*
 * base/failpoint.h - places at which a test has a program die, stand still or fail.
 *
 *     SLUICE_FAILPOINTS="store.after-commit=crash,worker.before-finish=hang:500@2"
 *
 * NAME=ACTION[@N]: the Nth time (1) that the program comes to the place, once. The actions:
 *
 *     crash       the process kills itself, as kill -9 does
 *     error       what is done there fails; what that means is said at the place
 *     hang:MS     the thread stands still for so long
 *     wait:PATH   the thread stands still until there is such a file
 *
 * A program that comes to a place and does what it was told logs "failpoint" first. One that was told
 * what it does not understand aborts. Only builds for tests have any of this (SLUICE_FAILPOINTS in
 * cmake/Compile.cmake): elsewhere neither the places nor their names are in the program.
 */
#ifndef BASE_FAILPOINT_H
#define BASE_FAILPOINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/status.h"
#include "base/str.h"

/* Marks a place. True: it is to fail. The name is a row of the table in base/failpoint.c. */
#define FAILPOINT(name) (HAS_FAILPOINTS && failpoint_strike(name))

/* Behind the macro. Any thread. */
bool failpoint_strike(const char *name);

enum failpoint_action {
    FAILPOINT_NONE,
    FAILPOINT_CRASH,
    FAILPOINT_ERROR,
    FAILPOINT_HANG,
    FAILPOINT_WAIT,
};

enum { FAILPOINT_MAX = 16, FAILPOINT_PATH_BYTES = 256 };

/* What one place is told to do. */
struct failpoint_rule {
    enum failpoint_action action;
    int64_t hang_ms;
    char path[FAILPOINT_PATH_BYTES];
    int64_t at_hit; /* from 1 */
};

/* In the order of the table. */
struct failpoint_rules {
    struct failpoint_rule rules[FAILPOINT_MAX];
};

/* Reads what the variable says. INVALID_ARGUMENT: an unknown name, action or number, which it tells. */
struct status failpoint_read(struct str text, struct failpoint_rules *ret) MUST_CHECK;

/* The rule of the place of that name. */
const struct failpoint_rule *failpoint_find(const struct failpoint_rules *rules, const char *name);

#endif
