/*
 * base/json_in.h - reading JSON (RFC 8259) from peers.
 *
 * Refused are: duplicate keys, invalid UTF-8, \u0000, trailing bytes, numbers out of range, and nesting deeper than
 * JSON_MAX_DEPTH. Keys keep their order.
 */
#ifndef BASE_JSON_IN_H
#define BASE_JSON_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

enum { JSON_MAX_DEPTH = 64 };

enum json_kind {
    JSON_KIND_NULL,
    JSON_KIND_BOOL,
    JSON_KIND_INT,  /* without fraction and exponent, fits int64_t */
    JSON_KIND_REAL, /* any other number */
    JSON_KIND_STRING,
    JSON_KIND_ARRAY,
    JSON_KIND_OBJECT,
};

/* A value of a document; it is borrowed from the document's root, which json_destroy frees. */
struct json;

/*
 * Reads text, all of it, as one value of any kind. *ret is owned by the caller. name is what the
 * error calls the text. INVALID_ARGUMENT: it is not JSON; the error has line and column, and
 * quotes nothing: what stands there may be a secret.
 */
struct status json_read(const char *name, struct str text, struct json **ret) MUST_CHECK;

/* root came from json_read. NULL is allowed. */
void json_destroy(struct json *root);

enum json_kind json_get_kind(const struct json *value);

/* "a string", "an object" and so on, for errors. */
const char *json_get_kind_name(const struct json *value);

/* Each of these is for values of its kind only. */
bool json_get_bool(const struct json *value);
int64_t json_get_int(const struct json *value);
double json_get_real(const struct json *value);       /* takes JSON_KIND_INT, too */
struct str json_get_string(const struct json *value); /* a zero byte is behind it */
size_t json_get_count(const struct json *value); /* elements of an array, members of an object */
const struct json *json_get_element(const struct json *array, size_t index);

/* Whether both say the same: members of objects in any order, 1 and 1.0 not. */
bool json_is_equal(const struct json *a, const struct json *b);

/* The member's value, or NULL if there is none. */
const struct json *json_find(const struct json *object, const char *key);

/* Steps through an object: for (struct json_member m = json_first(o); m.value; m = json_next(o, m)) */
struct json_member {
    struct str key;
    const struct json *value; /* NULL: past the end */
    size_t index;
};
struct json_member json_first(const struct json *object);
struct json_member json_next(const struct json *object, struct json_member member);

#endif
