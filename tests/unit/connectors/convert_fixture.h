/*
 * tests/unit/connectors/convert_fixture.h - tables of texts and what they become.
 */
#ifndef TESTS_UNIT_CONNECTORS_CONVERT_FIXTURE_H
#define TESTS_UNIT_CONNECTORS_CONVERT_FIXTURE_H

#include <stddef.h>

#include "base/buf.h"
#include "base/str.h"
#include "connectors/batch.h"

struct convert_case {
    const char *text;
    const char *expected;
};

/*
 * Sets *ret to what text becomes in column: numbers in digits, a decimal as unscaled/scale, bytes in hex; or the reason
 * why it does not.
 */
void convert_fixture_convert(const struct target_column *column, struct str text, struct buf *ret);

/* Checks that each text becomes what is expected. */
void convert_fixture_check(const struct target_column *column, const struct convert_case *cases,
                           size_t ncases);

#endif
