/*
 * base/json_out.h - writing JSON: compact, UTF-8, keys in the order of the calls.
 *
 * A writer appends to a struct buf and puts commas where they belong. Its calls must nest
 * properly; the buffer says in the end whether all fitted.
 */
#ifndef BASE_JSON_OUT_H
#define BASE_JSON_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/str.h"

struct json_out {
    struct buf *buf;
    bool needs_comma;
};

/* A writer that appends to buf, which must outlive it. */
struct json_out json_out_make(struct buf *buf);

void json_out_begin_object(struct json_out *out);
void json_out_end_object(struct json_out *out);
void json_out_begin_array(struct json_out *out);
void json_out_end_array(struct json_out *out);

/* A member's key; its value comes next. */
void json_out_key(struct json_out *out, const char *key);
void json_out_key_str(struct json_out *out, struct str key);

/* Bytes that are not UTF-8 become U+FFFD. '<' is not escaped, '/' neither. */
void json_out_string(struct json_out *out, struct str text);
void json_out_text(struct json_out *out, const char *text);
void json_out_int(struct json_out *out, int64_t value);
void json_out_uint(struct json_out *out, uint64_t value);
/* The shortest form that reads back as the same number; null if it is not finite. */
void json_out_real(struct json_out *out, double value);
void json_out_bool(struct json_out *out, bool value);
void json_out_null(struct json_out *out);
/* text is a JSON value already. */
void json_out_raw(struct json_out *out, struct str text);

#endif
