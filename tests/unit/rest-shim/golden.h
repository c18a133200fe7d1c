/*
 * tests/unit/rest-shim/golden.h - replies compared as bytes with files that people review.
 */
#ifndef TESTS_UNIT_REST_SHIM_GOLDEN_H
#define TESTS_UNIT_REST_SHIM_GOLDEN_H

#include "base/str.h"

/* text is the content of tests/unit/rest-shim/golden/<name>, but for the file's last line end. */
void check_golden(struct str text, const char *name);

#endif
