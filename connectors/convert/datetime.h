/*
 * connectors/convert/datetime.h - dates and times of the Gregorian calendar, years 0001 to 9999.
 */
#ifndef CONNECTORS_CONVERT_DATETIME_H
#define CONNECTORS_CONVERT_DATETIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/str.h"

/* yyyy-MM-dd, all of text: days since 1970-01-01. */
bool datetime_read_date(struct str text, int64_t *ret_days);

/*
 * yyyy-MM-dd HH:mm:ss[.fraction][zone], all of text; 'T' may stand for the blank. The fraction has 1 to 9 digits and is
 * rounded to microseconds; the zone is Z, +hh, +hhmm or +hh:mm. Microseconds since 1970-01-01 00:00, in UTC if there is
 * a zone. *ret_has_offset: there is one, and it is not UTC.
 */
bool datetime_read(struct str text, int64_t *ret_us, bool *ret_has_offset);

#endif
