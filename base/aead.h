/*
 * base/aead.h - AES-256 in Galois/Counter Mode (NIST SP 800-38D), by OpenSSL: what is sealed is kept secret, and a change
 * of it is found.
 */
#ifndef BASE_AEAD_H
#define BASE_AEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/compiler.h"
#include "base/str.h"

enum {
    AEAD_KEY_BYTES = 32,
    AEAD_NONCE_BYTES = 12,
    AEAD_TAG_BYTES = 16,
    AEAD_MAX_BYTES = 1 << 20, /* of a text, and of what is bound to it */
};

/*
 * Appends plain, enciphered, and the tag: AEAD_TAG_BYTES more than it has. bound_to is not part of it, but must be the same
 * when it is opened. A nonce is used once with a key, ever. False: a text is too long, or OpenSSL refuses.
 */
bool aead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
               struct str bound_to, struct str plain, struct buf *ret) MUST_CHECK;

/* The reverse. False: sealed is not what aead_seal made with the same key, nonce and bound_to; ret is as it was. */
bool aead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
               struct str bound_to, struct str sealed, struct buf *ret) MUST_CHECK;

#endif
