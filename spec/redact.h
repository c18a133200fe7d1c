/*
 * spec/redact.h - passwords taken out of texts that others wrote.
 */
#ifndef SPEC_REDACT_H
#define SPEC_REDACT_H

#include "base/buf.h"
#include "base/str.h"

/*
 * Appends text with "***" for passwords that connection strings in it have: in scheme://user:password@host, where the
 * string is taken to go on to the next space or quote, and behind password=. A password that looks otherwise stays:
 * this is a net below workers, which are to quote none.
 */
void redact_passwords(struct str text, struct buf *ret);

#endif
