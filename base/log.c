#include "base/log.h"

#include <stdatomic.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_out.h"

/* What every line needs. */
static struct {
    const char *program; /* written once, before threads start */
    _Atomic enum log_level level;
} log_settings = {.program = "sluice", .level = LOG_INFO};

static const char *const level_names[] = {
    [LOG_DEBUG] = "debug",
    [LOG_INFO] = "info",
    [LOG_WARN] = "warn",
    [LOG_ERROR] = "error",
};

enum { LINE_MAX_BYTES = 16 * 1024 };

void log_init(const char *program, enum log_level level)
{
    log_settings.program = program;
    log_set_level(level);
}

void log_set_level(enum log_level level)
{
    atomic_store_explicit(&log_settings.level, level, memory_order_relaxed);
}

bool log_is_on(enum log_level level)
{
    return level >= atomic_load_explicit(&log_settings.level, memory_order_relaxed);
}

struct status log_level_read(const char *text, enum log_level *ret)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (str_is(str_from(text), level_names[i])) {
            *ret = (enum log_level)i;
            return status_ok();
        }
    }
    return status_error(STATUS_INVALID_ARGUMENT,
                        "'%s' is not a log level: debug, info, warn or error", text);
}

static void write_field(struct json_out *out, const struct log_field *field)
{
    json_out_key(out, field->key);
    switch (field->kind) {
    case LOG_KIND_STR:
        json_out_string(out, field->text);
        return;
    case LOG_KIND_INT:
        json_out_int(out, field->number);
        return;
    case LOG_KIND_REAL:
        json_out_real(out, field->real);
        return;
    case LOG_KIND_BOOL:
        json_out_bool(out, field->number != 0);
        return;
    }
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if (!log_is_on(level))
        return;

    char time[CLOCK_TEXT_BYTES];
    struct buf line = {.max_bytes = LINE_MAX_BYTES};
    struct json_out out = json_out_make(&line);

    clock_write_text(clock_get_time_us(), time);
    json_out_begin_object(&out);
    json_out_key(&out, "time");
    json_out_text(&out, time);
    json_out_key(&out, "level");
    json_out_text(&out, level_names[level]);
    json_out_key(&out, "program");
    json_out_text(&out, log_settings.program);
    json_out_key(&out, "event");
    json_out_text(&out, event);
    for (; fields->key; fields++)
        write_field(&out, fields);
    json_out_end_object(&out);
    buf_append_char(&line, '\n');
    /* A line that is too long would not be JSON; nor is there anyone to tell if the write fails. */
    if (!buf_is_full(&line))
        (void)!write(STDERR_FILENO, line.data, line.len);
    buf_deinit(&line);
}
