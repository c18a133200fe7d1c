#include "base/secret_keys.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/aead.h"
#include "base/base64.h"
#include "base/file.h"
#include "base/hex.h"
#include "base/mem.h"
#include "base/random.h"
#include "base/sha256.h"

enum { KEY_DIGITS = 2 * AEAD_KEY_BYTES };

struct secret_key {
    uint8_t bytes[AEAD_KEY_BYTES];
    char id[SECRET_KEY_ID_DIGITS + 1];
};

struct secret_keys {
    atomic_uint nrefs;
    struct secret_key items[SECRET_MAX_KEYS];
    size_t count;
};

const char secret_prefix[] = "sealed.v1.";

/* The file. */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool read_key(struct str line, uint8_t ret_bytes[AEAD_KEY_BYTES])
{
    if (line.len != KEY_DIGITS)
        return false;
    for (size_t i = 0; i < AEAD_KEY_BYTES; i++) {
        int high = hex_value(line.data[2 * i]), low = hex_value(line.data[2 * i + 1]);
        if (high < 0 || low < 0)
            return false;
        ret_bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

/* A digest of something else than the key alone, lest it be taken for one that is used elsewhere. */
static void make_id(struct secret_key *key)
{
    static const char about[] = "sluice secret key id";
    uint8_t text[sizeof(about) + AEAD_KEY_BYTES];
    uint8_t digest[SHA256_BYTES];

    memcpy(text, about, sizeof(about));
    memcpy(text + sizeof(about), key->bytes, AEAD_KEY_BYTES);
    sha256_make(str_from_bytes(text, sizeof(text)), digest);
    mem_wipe(text, sizeof(text));
    (void)hex_encode(digest, SECRET_KEY_ID_DIGITS / 2, key->id);
}

static const struct secret_key *find_key(const struct secret_keys *keys, struct str id)
{
    for (size_t i = 0; keys && i < keys->count; i++) {
        if (str_is(id, keys->items[i].id))
            return &keys->items[i];
    }
    return NULL;
}

static struct status add_line(struct str line, size_t number, struct secret_keys *keys)
{
    struct secret_key *key = &keys->items[keys->count];

    if (line.len == 0 || line.data[0] == '#')
        return status_ok();
    if (keys->count == SECRET_MAX_KEYS)
        return status_error(STATUS_INVALID_ARGUMENT, "has more than %d keys", SECRET_MAX_KEYS);
    if (!read_key(line, key->bytes))
        return status_error(STATUS_INVALID_ARGUMENT,
                            "line %zu is no key of %d hex digits; sluice secret create makes one",
                            number, KEY_DIGITS);
    make_id(key);
    if (find_key(keys, str_from(key->id)))
        return status_error(STATUS_INVALID_ARGUMENT, "line %zu has a key that is there already",
                            number);
    keys->count++;
    return status_ok();
}

static struct status read_lines(struct str text, struct secret_keys *keys)
{
    struct status st = status_ok();

    for (size_t number = 1; st.code == STATUS_OK && text.data; number++)
        st = add_line(str_trim(str_cut(&text, '\n')), number, keys);
    if (st.code == STATUS_OK && keys->count == 0)
        st = status_error(STATUS_INVALID_ARGUMENT,
                          "has no key; sluice secret create makes a file with one");
    return st;
}

struct status secret_keys_read_file(const char *path, struct secret_keys **ret)
{
    char *text = NULL;
    struct status st = file_read_text("secret-key-file", path, SECRET_KEYS_MAX_FILE_BYTES, &text);

    if (st.code != STATUS_OK)
        return st;
    struct secret_keys *keys = mem_alloc(sizeof(*keys));
    keys->nrefs = 1;
    st = read_lines(str_from(text), keys);
    mem_free_secret(text);
    if (st.code == STATUS_OK) {
        *ret = keys;
        return st;
    }
    secret_keys_unref(keys);
    return status_error(st.code, "secret-key-file: %.100s: %s", path, st.text);
}

struct secret_keys *secret_keys_ref(struct secret_keys *keys)
{
    if (keys)
        (void)atomic_fetch_add(&keys->nrefs, 1);
    return keys;
}

void secret_keys_unref(struct secret_keys *keys)
{
    if (!keys || atomic_fetch_sub(&keys->nrefs, 1) > 1)
        return;
    mem_wipe(keys, sizeof(*keys));
    mem_free(keys);
}

size_t secret_keys_get_count(const struct secret_keys *keys)
{
    return keys->count;
}

const char *secret_keys_get_id(const struct secret_keys *keys, size_t number)
{
    return keys->items[number].id;
}

/* Texts. */

bool secret_is_sealed(struct str text)
{
    return str_has_prefix(text, secret_prefix);
}

/* Cuts a sealed text into the id of its key and what follows. */
static bool split(struct str text, struct str *ret_id, struct str *ret_body)
{
    if (!secret_is_sealed(text))
        return false;
    *ret_body = str_skip(text, sizeof(secret_prefix) - 1);
    *ret_id = str_cut(ret_body, '.');
    bool is_right = ret_body->data && ret_id->len == SECRET_KEY_ID_DIGITS;
    for (size_t i = 0; is_right && i < ret_id->len; i++)
        is_right = hex_value(ret_id->data[i]) >= 0;
    return is_right;
}

/* There is one text for the same bytes: base64_read would take other forms, too. */
static bool read_body(struct str text, struct buf *ret)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '+' || text.data[i] == '/' || text.data[i] == '=')
            return false;
    }
    return base64_read(text, ret) && ret->len >= AEAD_NONCE_BYTES + AEAD_TAG_BYTES;
}

struct str secret_find_key_id(struct str text)
{
    struct str id, body;

    return split(text, &id, &body) ? id : (struct str){0};
}

struct status secret_seal(const struct secret_keys *keys, struct str bound_to, struct str plain,
                          struct buf *ret)
{
    const struct secret_key *key = &keys->items[0];
    uint8_t nonce[AEAD_NONCE_BYTES];
    struct buf body = {0};

    /* By chance: 96 bits do not meet again among the few that a key ever sees (SP 800-38D, 8.3). */
    random_fill(nonce, sizeof(nonce));
    buf_append(&body, nonce, sizeof(nonce));
    bool is_done = aead_seal(key->bytes, nonce, bound_to, plain, &body);
    if (is_done) {
        buf_append_text(ret, secret_prefix);
        buf_append_text(ret, key->id);
        buf_append_char(ret, '.');
        base64_write(ret, BASE64_URL, buf_get(&body));
    }
    buf_deinit(&body);
    return is_done ? status_ok() : status_error(STATUS_INTERNAL, "cannot be sealed by OpenSSL");
}

struct status secret_open(const struct secret_keys *keys, struct str bound_to, struct str sealed,
                          struct buf *ret)
{
    struct str id, text;
    struct buf body = {0};

    if (!split(sealed, &id, &text))
        return status_error(STATUS_DATA_LOSS, "is damaged: it is no sealed text");
    const struct secret_key *key = find_key(keys, id);
    if (!key)
        return status_error(STATUS_FAILED_PRECONDITION,
                            "is sealed under key %.*s, which is not among the keys here",
                            (int)id.len, id.data);
    bool is_done = read_body(text, &body);
    if (is_done) {
        struct str rest = str_skip(buf_get(&body), AEAD_NONCE_BYTES);
        is_done = aead_open(key->bytes, (const uint8_t *)body.data, bound_to, rest, ret);
    }
    buf_deinit(&body);
    return is_done ? status_ok()
                   : status_error(STATUS_DATA_LOSS,
                                  "is sealed under key %s but does not open: it was damaged, or "
                                  "moved here from elsewhere",
                                  key->id);
}
