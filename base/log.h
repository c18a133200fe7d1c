/*
 * base/log.h - JSON lines on standard error: a constant event text and typed fields.
 *
 *     log_info("job leased", log_str("job", id), log_int("lease_ms", ms));
 *
 * Each line is one write. Never logged: secrets, request bodies, row contents, connection strings.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "base/str.h"

enum log_level {
    LOG_DEBUG, /* off by default */
    LOG_INFO,  /* life cycle */
    LOG_WARN,  /* handled, but not normal */
    LOG_ERROR, /* someone must act */
};

enum log_kind { LOG_KIND_STR, LOG_KIND_INT, LOG_KIND_REAL, LOG_KIND_BOOL };

struct log_field {
    const char *key;
    enum log_kind kind;
    struct str text;
    int64_t number;
    double real;
};

/* Names the program in each line and sets the lowest level that is written. Call before threads start. */
void log_init(const char *program, enum log_level level);

/* Changes the lowest level that is written. Any thread. */
void log_set_level(enum log_level level);

/* Whether lines of that level are written, for who would have to work for them. Any thread. */
bool log_is_on(enum log_level level);

/* "debug", "info", "warn" or "error". INVALID_ARGUMENT: none of them. */
struct status log_level_read(const char *text, enum log_level *ret) MUST_CHECK;

static inline struct log_field log_str(const char *key, const char *text)
{
    return (struct log_field){.key = key, .kind = LOG_KIND_STR, .text = str_from(text)};
}

static inline struct log_field log_text(const char *key, struct str text)
{
    return (struct log_field){.key = key, .kind = LOG_KIND_STR, .text = text};
}

static inline struct log_field log_int(const char *key, int64_t number)
{
    return (struct log_field){.key = key, .kind = LOG_KIND_INT, .number = number};
}

static inline struct log_field log_real(const char *key, double real)
{
    return (struct log_field){.key = key, .kind = LOG_KIND_REAL, .real = real};
}

static inline struct log_field log_bool(const char *key, bool value)
{
    return (struct log_field){.key = key, .kind = LOG_KIND_BOOL, .number = value};
}

/* The code of a status under "code". Give its text apart: log_str("error", st.text). */
static inline struct log_field log_code(struct status st)
{
    return log_str("code", status_code_get_name(st.code));
}

/* The fields end at the first one without a key. Any thread. */
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* A list of fields that ends with an empty one. At least one field is given. */
#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {.key = (const char *)0}})

#define log_debug(event, ...) log_write(LOG_DEBUG, event, LOG_FIELDS(__VA_ARGS__))
#define log_info(event, ...) log_write(LOG_INFO, event, LOG_FIELDS(__VA_ARGS__))
#define log_warn(event, ...) log_write(LOG_WARN, event, LOG_FIELDS(__VA_ARGS__))
#define log_error(event, ...) log_write(LOG_ERROR, event, LOG_FIELDS(__VA_ARGS__))

#endif
