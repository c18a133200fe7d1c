/*
 * tests/unit/hbase/hex.h - bytes as people read them: "48 42 61 73".
 */
#ifndef TESTS_UNIT_HBASE_HEX_H
#define TESTS_UNIT_HBASE_HEX_H

#include "base/buf.h"
#include "base/str.h"

/* Appends the bytes that hex spells; spaces and line ends do not count. */
void hex_read(const char *hex, struct buf *out);

/* Appends bytes, two digits each, without spaces. */
void hex_write(struct str bytes, struct buf *out);

/* Checks that bytes are those that hex spells. */
void hex_check(struct str bytes, const char *hex);

#endif
