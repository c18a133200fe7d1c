/*
 * tests/unit/base/test_aead.c - AES-256-GCM: published vectors, and that no change of anything goes unnoticed.
 */
#include "base/aead.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/compiler.h"
#include "tests/harness/test.h"

/* Appends the bytes that hex digits stand for. */
static void append_hex(struct buf *out, const char *hex)
{
    for (; hex[0]; hex += 2) {
        const char pair[] = {hex[0], hex[1], '\0'};
        buf_append_char(out, (char)strtoul(pair, NULL, 16));
    }
}

static const char *show(struct str bytes)
{
    static char text[512];

    for (size_t i = 0; i < bytes.len; i++)
        (void)snprintf(text + 2 * i, 3, "%02x", (unsigned char)bytes.data[i]);
    text[2 * bytes.len] = '\0';
    return text;
}

/*
 * Test cases 13 to 16 of "The Galois/Counter Mode of Operation" (McGrew and Viega), appendix B, which NIST's validation
 * programme uses, too.
 */
static const struct vector {
    const char *key, *nonce, *bound_to, *plain, *sealed;
} vectors[] = {
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "", "530f8afbc74536b9a963b4f1c4cb738b"},
    {"0000000000000000000000000000000000000000000000000000000000000000", "000000000000000000000000",
     "", "00000000000000000000000000000000",
     "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
     "b094dac5d93471bdec1a502270e3cc6c"},
    {"feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", "cafebabefacedbaddecaf888",
     "feedfacedeadbeeffeedfacedeadbeefabaddad2",
     "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
     "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
     "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
     "76fc6ece0f4e1768cddf8853bb2d551b"},
};

/* What a vector says, as bytes. */
struct bytes {
    struct buf key, nonce, bound_to, plain, sealed;
};

static void read_vector(const struct vector *vector, struct bytes *ret)
{
    *ret = (struct bytes){0};
    append_hex(&ret->key, vector->key);
    append_hex(&ret->nonce, vector->nonce);
    append_hex(&ret->bound_to, vector->bound_to);
    append_hex(&ret->plain, vector->plain);
    append_hex(&ret->sealed, vector->sealed);
}

static void free_bytes(struct bytes *bytes)
{
    buf_deinit(&bytes->key);
    buf_deinit(&bytes->nonce);
    buf_deinit(&bytes->bound_to);
    buf_deinit(&bytes->plain);
    buf_deinit(&bytes->sealed);
}

static bool opens(const struct bytes *bytes, struct str sealed, struct buf *ret)
{
    return aead_open((const uint8_t *)bytes->key.data, (const uint8_t *)bytes->nonce.data,
                     buf_get(&bytes->bound_to), sealed, ret);
}

test(aead_gives_what_is_published)
{
    for (size_t i = 0; i < ARRAY_LEN(vectors); i++) {
        struct bytes bytes;
        struct buf sealed = {0}, opened = {0};

        read_vector(&vectors[i], &bytes);
        check(aead_seal((const uint8_t *)bytes.key.data, (const uint8_t *)bytes.nonce.data,
                        buf_get(&bytes.bound_to), buf_get(&bytes.plain), &sealed));
        check_str(show(buf_get(&sealed)), vectors[i].sealed);
        check(opens(&bytes, buf_get(&bytes.sealed), &opened));
        check_str(show(buf_get(&opened)), vectors[i].plain);
        buf_deinit(&sealed);
        buf_deinit(&opened);
        free_bytes(&bytes);
    }
}

/* Flips each bit of one of the parts; what is opened must be nothing then. */
static void check_each_bit(struct bytes *bytes, struct buf *part)
{
    for (size_t bit = 0; bit < 8 * part->len; bit++) {
        struct buf opened = {0};

        part->data[bit / 8] = (char)(part->data[bit / 8] ^ 1 << bit % 8);
        check(!opens(bytes, buf_get(&bytes->sealed), &opened));
        check_int((int64_t)opened.len, 0);
        part->data[bit / 8] = (char)(part->data[bit / 8] ^ 1 << bit % 8);
        buf_deinit(&opened);
    }
}

test(aead_finds_a_change_of_any_bit)
{
    struct bytes bytes;

    read_vector(&vectors[3], &bytes);
    check_each_bit(&bytes, &bytes.sealed);
    check_each_bit(&bytes, &bytes.bound_to);
    check_each_bit(&bytes, &bytes.nonce);
    check_each_bit(&bytes, &bytes.key);
    free_bytes(&bytes);
}

test(aead_finds_what_is_cut_or_added)
{
    struct bytes bytes;
    struct buf opened = {0};

    read_vector(&vectors[3], &bytes);
    for (size_t len = 0; len < bytes.sealed.len; len++)
        check(!opens(&bytes, (struct str){.data = bytes.sealed.data, .len = len}, &opened));
    buf_append_char(&bytes.sealed, '\0');
    check(!opens(&bytes, buf_get(&bytes.sealed), &opened));
    bytes.sealed.len--;
    check(opens(&bytes, buf_get(&bytes.sealed), &opened));
    bytes.bound_to.len--;
    check(!opens(&bytes, buf_get(&bytes.sealed), &opened));
    buf_deinit(&opened);
    free_bytes(&bytes);
}

test(aead_takes_texts_up_to_the_limit)
{
    static const uint8_t key[AEAD_KEY_BYTES] = {1}, nonce[AEAD_NONCE_BYTES] = {2};
    static const char zeros[AEAD_MAX_BYTES + AEAD_TAG_BYTES + 1] = {0};
    struct buf sealed = {0}, opened = {0};
    struct str longest = str_from_bytes(zeros, AEAD_MAX_BYTES);
    struct str too_long = str_from_bytes(zeros, AEAD_MAX_BYTES + 1);

    check(!aead_seal(key, nonce, str_from(""), too_long, &sealed));
    check(!aead_seal(key, nonce, too_long, str_from(""), &sealed));
    check(aead_seal(key, nonce, longest, longest, &sealed));
    check(!aead_open(key, nonce, too_long, buf_get(&sealed), &opened));
    check(!aead_open(key, nonce, longest, str_from_bytes(zeros, sizeof(zeros)), &opened));
    check(aead_open(key, nonce, longest, buf_get(&sealed), &opened));
    check(str_is_equal(buf_get(&opened), longest));
    buf_deinit(&sealed);
    buf_deinit(&opened);
}
