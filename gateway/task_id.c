#include "gateway/task_id.h"

#include <string.h>

#include "base/compiler.h"

enum {
    MAX_NUMBER_DIGITS = 18,
    HEX_DIGITS = 32,
};

static const struct {
    const char *prefix;
    bool has_number;
} forms[] = {
    {"proc-", true},
    {"workflow-", false},
    {"wal-", false},
};

static bool is_number(struct str text)
{
    if (text.len < 1 || text.len > MAX_NUMBER_DIGITS || text.data[0] == '0')
        return false;
    for (size_t i = 0; i < text.len; i++)
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
    return true;
}

static bool is_hex(struct str text)
{
    if (text.len != HEX_DIGITS)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.data[i];

        if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
            return false;
    }
    return true;
}

bool task_id_is_valid(struct str id)
{
    for (size_t i = 0; i < ARRAY_LEN(forms); i++) {
        if (!str_has_prefix(id, forms[i].prefix))
            continue;
        struct str rest = str_skip(id, strlen(forms[i].prefix));
        return (!forms[i].has_number || is_number(str_cut(&rest, '-'))) && is_hex(rest);
    }
    return false;
}
