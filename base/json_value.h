/*
 * base/json_value.h - a value of a document; for json_in.c and json_read.c only.
 */
#ifndef BASE_JSON_VALUE_H
#define BASE_JSON_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_in.h"

struct json {
    struct str key; /* of a member */
    enum json_kind kind;
    union {
        bool is_true;
        int64_t integer;
        double real;
        struct str text;
        struct {
            struct json *items;
            size_t count;
        };
    };
    const struct json *
        *by_key; /* of an object with many: items in the order of their keys; or NULL */
};

/* As memcmp. */
int json_compare_keys(struct str a, struct str b);

#endif
