#include "spec/violations.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void violations_add(struct violations *violations, const char *field, const char *format, ...)
{
    if (violations->count == VIOLATIONS_MAX)
        return;

    struct violation *item = &violations->items[violations->count++];
    va_list args;

    item->field = field;
    va_start(args, format);
    (void)vsnprintf(item->text, sizeof(item->text), format, args);
    va_end(args);
    /* What is cut may be cut inside a character. */
    item->text[utf8_find_invalid(str_from(item->text))] = '\0';
}

struct status violations_get_status(const struct violations *violations)
{
    if (violations->count == 0)
        return status_ok();
    return status_error(STATUS_INVALID_ARGUMENT, "%s", violations->items[0].text);
}
