/*
 * tests/fuzz/fuzz_form.c - form bodies and parts of paths: what is taken keeps the rules of form.h.
 */
#include <assert.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/utf8.h"
#include "rest-shim/form.h"

enum { ARENA_BYTES = 4 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct str text, size_t max_bytes)
{
    assert(text.len <= max_bytes);
    assert(utf8_is_valid(text));
    assert(str_find_byte(text, '\0') == text.len);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_create(ARENA_BYTES);
    struct str text = str_from_bytes(data, size);
    struct form form;
    struct str part;

    if (form_read(text, arena, &form).code == STATUS_OK) {
        assert(form.nfields <= FORM_MAX_FIELDS);
        for (size_t i = 0; i < form.nfields; i++) {
            check_text(form.fields[i].name, FORM_MAX_NAME_BYTES);
            check_text(form.fields[i].value, FORM_MAX_VALUE_BYTES);
        }
    }
    if (form_read_path("part", text, arena, &part).code == STATUS_OK)
        check_text(part, size);
    arena_destroy(arena);
    return 0;
}
