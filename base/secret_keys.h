/*
 * base/secret_keys.h - keys from a file, and texts that are sealed under them.
 *
 * A sealed text is "sealed.v1.", the id of its key, '.', and base64url of nonce, ciphertext and tag (base/aead.h). All its
 * characters may stand in a URL as they are. The id is 8 hex digits that follow from the key (the first of a SHA-256), so no
 * file can give an id to another key. What a text is bound to is where it belongs: elsewhere it does not open.
 *
 * A file of keys has one a line, 64 hex digits, as "sluice secret create" makes them; empty lines, and those that begin with
 * '#', are skipped. The first key seals, all of them open. Keys are constant once they are read: any thread.
 */
#ifndef BASE_SECRET_KEYS_H
#define BASE_SECRET_KEYS_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/str.h"

struct secret_keys;

enum {
    SECRET_MAX_KEYS = 16,
    SECRET_KEYS_MAX_FILE_BYTES = 16 * 1024,
    SECRET_KEY_ID_DIGITS = 8,
};

/* How a sealed text begins. */
extern const char secret_prefix[];

/*
 * *ret is the caller's, for secret_keys_unref. INVALID_ARGUMENT: the file has no key, too many, the same one twice, or a line that is none;
 * no text quotes it. Else as the system refuses to read it. Blocks.
 */
struct status secret_keys_read_file(const char *path, struct secret_keys **ret) MUST_CHECK;

/*
 * One owner is not enough where keys are replaced while others seal and open with those before: each has a reference of his
 * own, and the last one to give it back has the keys wiped. NULL is allowed in both. Any thread.
 */
struct secret_keys *secret_keys_ref(struct secret_keys *keys) MUST_CHECK;
void secret_keys_unref(struct secret_keys *keys);

/* The ids of the keys, in their order, 0 to secret_keys_get_count - 1: the first one is of the key that seals. */
size_t secret_keys_get_count(const struct secret_keys *keys);
const char *secret_keys_get_id(const struct secret_keys *keys, size_t number);

/* Whether text begins as a sealed one. */
bool secret_is_sealed(struct str text);

/* The id of the key that it says it is sealed under; {NULL, 0}: it is not sealed, or has none. */
struct str secret_find_key_id(struct str text);

/* Appends plain, sealed by the first key. INTERNAL: OpenSSL refuses. */
struct status secret_seal(const struct secret_keys *keys, struct str bound_to, struct str plain,
                          struct buf *ret) MUST_CHECK;

/*
 * Appends what was sealed. Errors read "is ...", to follow a name. FAILED_PRECONDITION: its key is not among keys, which
 * may be NULL: none. DATA_LOSS: it is damaged, or bound to something else. ret is then as it was.
 */
struct status secret_open(const struct secret_keys *keys, struct str bound_to, struct str sealed,
                          struct buf *ret) MUST_CHECK;

#endif
