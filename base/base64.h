/*
 * base/base64.h - bytes as text (RFC 4648, sections 4 and 5).
 */
#ifndef BASE_BASE64_H
#define BASE_BASE64_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/str.h"

enum base64_form {
    BASE64_STANDARD, /* '+', '/', padded */
    BASE64_URL,      /* '-', '_', not padded */
};

void base64_write(struct buf *buf, enum base64_form form, struct str bytes);

/* Appends what text stands for. Takes both alphabets, with or without padding; false if it is neither. */
bool base64_read(struct str text, struct buf *ret);

#endif
