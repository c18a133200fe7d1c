/*
 * base/sha256.h - SHA-256 (FIPS 180-4), for names that are made of what others sent.
 */
#ifndef BASE_SHA256_H
#define BASE_SHA256_H

#include <stdint.h>

#include "base/str.h"

enum { SHA256_BYTES = 32 };

/* The digest of bytes. */
void sha256_make(struct str bytes, uint8_t ret_digest[SHA256_BYTES]);

#endif
