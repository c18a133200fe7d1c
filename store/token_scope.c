#include "store/token_scope.h"

#include <assert.h>

#include "base/compiler.h"

enum { MAX_SHOWN_BYTES = 40 };

static const struct {
    const char *name;
    enum token_scope scope;
    unsigned allows;
} scopes[] = {
    {"read", TOKEN_READ, TOKEN_READ},
    {"write", TOKEN_WRITE, TOKEN_WRITE},
    {"worker", TOKEN_WORKER, TOKEN_WORKER},
    {"admin", TOKEN_ADMIN, TOKEN_ALL},
};

const char *token_scope_get_name(enum token_scope scope)
{
    const char *name = NULL;

    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (scopes[i].scope == scope)
            name = scopes[i].name;
    assert(name);
    return name;
}

unsigned token_scopes_read(struct str text)
{
    unsigned allows = 0;

    for (struct str rest = text; rest.data;) {
        struct str name = str_cut(&rest, ',');
        for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
            if (str_is(name, scopes[i].name))
                allows |= scopes[i].allows;
    }
    return allows;
}

struct status token_scopes_validate(const char *name, const char *text)
{
    for (struct str rest = str_from(text); rest.data;) {
        struct str scope = str_cut(&rest, ',');
        if (token_scopes_read(scope) == 0)
            return status_error(
                STATUS_INVALID_ARGUMENT, "%s: '%.*s' is none of read, write, worker and admin",
                name, (int)(scope.len < MAX_SHOWN_BYTES ? scope.len : MAX_SHOWN_BYTES), scope.data);
    }
    return status_ok();
}
