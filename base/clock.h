/*
 * base/clock.h - the process's clocks and the text forms of a point in time.
 *
 * Leases are never decided by these: only the database's clock is.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

/* Milliseconds of a clock that never jumps; only differences mean something. */
int64_t clock_get_monotonic_ms(void);

/* Microseconds of the same clock, for what takes less. */
int64_t clock_get_monotonic_us(void);

/* Microseconds since 1970-01-01 UTC. */
int64_t clock_get_time_us(void);

enum { CLOCK_TEXT_BYTES = 40 };

/*
 * Writes a time as RFC 3339 in UTC with 0, 3 or 6 digits of a second, as the proto3 JSON
 * mapping of Timestamp has it: "2026-01-02T03:04:05.678Z".
 */
void clock_write_text(int64_t time_us, char ret_text[CLOCK_TEXT_BYTES]);

/*
 * Reads RFC 3339 (section 5.6), with any offset; digits beyond microseconds must be zero or are cut.
 * INVALID_ARGUMENT: it is no such text, or its year is not from 1 to 9999.
 */
struct status clock_read_text(struct str text, int64_t *ret_time_us) MUST_CHECK;

/* Days since 1970-01-01 of a date of the Gregorian calendar. */
int64_t clock_get_days(int64_t year, unsigned month, unsigned day);

#endif
