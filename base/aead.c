#include "base/aead.h"

#include <openssl/evp.h>

#include "base/mem.h"

/* EVP_CipherInit_ex tells the two apart by a number. */
enum { DECIPHER = 0, ENCIPHER = 1 };

/* A cipher that has taken bound_to; NULL: OpenSSL refuses. The caller frees it. */
static EVP_CIPHER_CTX *start(const uint8_t *key, const uint8_t *nonce, struct str bound_to,
                             int direction)
{
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    int n = 0;

    /* 12 bytes of nonce are what the cipher takes unless told otherwise. */
    if (cipher && EVP_CipherInit_ex(cipher, EVP_aes_256_gcm(), NULL, key, nonce, direction) == 1 &&
        (bound_to.len == 0 || EVP_CipherUpdate(cipher, NULL, &n, (const uint8_t *)bound_to.data,
                                               (int)bound_to.len) == 1))
        return cipher;
    EVP_CIPHER_CTX_free(cipher);
    return NULL;
}

/* Turns text into as many bytes at to. */
static bool turn(EVP_CIPHER_CTX *cipher, struct str text, uint8_t *to)
{
    int n = 0;

    return text.len == 0 ||
           (EVP_CipherUpdate(cipher, to, &n, (const uint8_t *)text.data, (int)text.len) == 1 &&
            (size_t)n == text.len);
}

/* Claims len of the bytes that were reserved. */
static void end(struct buf *buf, size_t len)
{
    buf->len += len;
    if (buf->data)
        buf->data[buf->len] = '\0';
}

bool aead_seal(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
               struct str bound_to, struct str plain, struct buf *ret)
{
    if (plain.len > AEAD_MAX_BYTES || bound_to.len > AEAD_MAX_BYTES)
        return false;
    uint8_t *to = buf_reserve(ret, plain.len + AEAD_TAG_BYTES);
    EVP_CIPHER_CTX *cipher = to ? start(key, nonce, bound_to, ENCIPHER) : NULL;
    int n = 0;
    bool is_done =
        cipher && turn(cipher, plain, to) && EVP_CipherFinal_ex(cipher, to + plain.len, &n) == 1 &&
        EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, to + plain.len) == 1;

    EVP_CIPHER_CTX_free(cipher); /* and wipes it */
    end(ret, is_done ? plain.len + AEAD_TAG_BYTES : 0);
    return is_done;
}

bool aead_open(const uint8_t key[AEAD_KEY_BYTES], const uint8_t nonce[AEAD_NONCE_BYTES],
               struct str bound_to, struct str sealed, struct buf *ret)
{
    if (sealed.len < AEAD_TAG_BYTES || sealed.len > AEAD_MAX_BYTES + AEAD_TAG_BYTES ||
        bound_to.len > AEAD_MAX_BYTES)
        return false;
    struct str text = {.data = sealed.data, .len = sealed.len - AEAD_TAG_BYTES};
    uint8_t tag[AEAD_TAG_BYTES];
    uint8_t *to = buf_reserve(ret, text.len + 1);
    EVP_CIPHER_CTX *cipher = to ? start(key, nonce, bound_to, DECIPHER) : NULL;
    int n = 0;

    memcpy(tag, sealed.data + text.len, sizeof(tag));
    /* The last call compares the tags, in constant time. Nothing of the text counts before. */
    bool is_done = cipher && turn(cipher, text, to) &&
                   EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, sizeof(tag), tag) == 1 &&
                   EVP_CipherFinal_ex(cipher, to + text.len, &n) == 1;
    EVP_CIPHER_CTX_free(cipher);
    if (to && !is_done)
        mem_wipe(to, text.len);
    end(ret, is_done ? text.len : 0);
    return is_done;
}
