#include "tests/unit/rest-shim/golden.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/harness/test.h"

enum { MAX_BYTES = 64 * 1024 };

void check_golden(struct str text, const char *name)
{
    char path[128]; /* our names are shorter */
    char *expected = mem_alloc(MAX_BYTES);
    char *got = mem_copy_str(text);

    (void)snprintf(path, sizeof(path), "tests/unit/rest-shim/golden/%s", name);
    FILE *file = fopen(path, "rb");
    check(file != NULL);
    if (file) {
        size_t len = fread(expected, 1, MAX_BYTES - 1, file);
        if (len > 0 && expected[len - 1] == '\n')
            expected[len - 1] = '\0';
        (void)fclose(file);
    }
    check_str(got, expected);
    mem_free(got);
    mem_free(expected);
}
