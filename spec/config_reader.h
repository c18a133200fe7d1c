/*
 * spec/config_reader.h - the members of a JSON configuration object, taken out one by one.
 *
 * What is wrong is added to violations, all under one field, with the member's path in the text; the getters then
 * return their default. So a caller reads all members and asks for violations once.
 */
#ifndef SPEC_CONFIG_READER_H
#define SPEC_CONFIG_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/json_in.h"
#include "base/str.h"
#include "spec/violations.h"

struct config_reader {
    const char *name;  /* "readerConfig": what texts call the object */
    const char *field; /* of the violations */
    struct json *root; /* NULL: the text is no JSON object, which is a violation already */
    struct violations *violations;
};

/* Reads text as a JSON object of at most max_bytes. Free it by config_reader_deinit. */
struct config_reader config_reader_make(const char *name, const char *field, struct str text,
                                        size_t max_bytes, struct violations *violations);

void config_reader_deinit(struct config_reader *reader);

/* A member, or NULL if there is none. */
const struct json *config_find(const struct config_reader *reader, const char *key);

/* A string of 1 to max_bytes bytes, borrowed; {NULL, 0} if there is none or it is wrong. */
struct str config_get_string(const struct config_reader *reader, const char *key, size_t max_bytes);
bool config_get_bool(const struct config_reader *reader, const char *key, bool default_value);
int64_t config_get_int(const struct config_reader *reader, const char *key, int64_t min,
                       int64_t max, int64_t default_value);

/* An array of 1 to max_count elements, or NULL. */
const struct json *config_get_array(const struct config_reader *reader, const char *key,
                                    size_t max_count);

/* An object of at most max_count members, or NULL. */
const struct json *config_get_object(const struct config_reader *reader, const char *key,
                                     size_t max_count);

/* Adds a violation for every member that is not one of keys[0 .. nkeys). */
void config_refuse_others(const struct config_reader *reader, const char *const *keys,
                          size_t nkeys);

/* Adds a violation: "readerConfig.filePath: ...". */
void config_add(const struct config_reader *reader, const char *key, const char *format, ...)
    PRINTF_LIKE(3, 4);

#endif
