/*
 * rest-shim/form.h - form bodies and query strings (application/x-www-form-urlencoded).
 *
 * The format is that of the URL standard (url.spec.whatwg.org, section 5), read from raw bytes: what clients leave
 * unescaped, as curl -d does with JSON, is taken as it is. '+' is a space and %XX a byte. Stricter than the standard
 * are: a broken %XX, a field given twice, a zero byte and invalid UTF-8, which are all errors.
 */
#ifndef REST_SHIM_FORM_H
#define REST_SHIM_FORM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "base/str.h"

struct arena;

enum {
    FORM_MAX_FIELDS = 64,
    FORM_MAX_NAME_BYTES = 128,
    FORM_MAX_VALUE_BYTES = 512 * 1024,
};

struct form_field {
    struct str name;
    struct str value; /* empty, too, for a field without '=' */
};

struct form {
    struct form_field fields[FORM_MAX_FIELDS]; /* in the order in which they were sent */
    size_t nfields;
};

/*
 * Reads all of text; the texts of *ret are in arena. INVALID_ARGUMENT: it breaks a rule or a limit above; the error
 * names the field. RESOURCE_EXHAUSTED: the arena is full.
 */
struct status form_read(struct str text, struct arena *arena, struct form *ret) MUST_CHECK;

/* Decodes %XX in a part of a path, where '+' is no space. Errors as for form_read; name is what they call the part. */
struct status form_read_path(const char *name, struct str text, struct arena *arena,
                             struct str *ret) MUST_CHECK;

/* The field of that name, or NULL. */
const struct form_field *form_find(const struct form *form, const char *name);

#endif
