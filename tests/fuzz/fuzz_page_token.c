/*
 * tests/fuzz/fuzz_page_token.c - any text, as a page token and as a task's id.
 *
 * The input is taken twice: as a token, and as the JSON inside one. Keys of a token that is taken
 * must make a token that gives the same keys.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/base64.h"
#include "base/compiler.h"
#include "base/utf8.h"
#include "gateway/page.h"
#include "gateway/task_id.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char scope[] = "s";

enum {
    NKEYS = 2,
    MAX_ARENA_BYTES = 1 << 20,
};

static void require(bool is_true)
{
    if (!is_true)
        abort();
}

static void try_token(const char *token)
{
    struct arena *arena = arena_create(MAX_ARENA_BYTES);
    struct str keys[NKEYS], again[NKEYS];

    if (page_token_read(token, scope, arena, keys, NKEYS).code == STATUS_OK) {
        const char *made = page_token_write(scope, keys, NKEYS, arena);

        require(page_token_read(made, scope, arena, again, NKEYS).code == STATUS_OK);
        for (size_t i = 0; i < NKEYS; i++) {
            require(utf8_is_valid(keys[i]));
            require(str_is_equal(keys[i], again[i]));
        }
    }
    arena_destroy(arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = str_from_bytes(data, size);
    struct buf plain = {0}, wrapped = {0};

    buf_append_str(&plain, text);
    base64_write(&wrapped, BASE64_URL, text);
    try_token(buf_get_text(&plain));
    try_token(buf_get_text(&wrapped));
    if (task_id_is_valid(text))
        require(size <= TASK_ID_MAX_BYTES);
    buf_deinit(&plain);
    buf_deinit(&wrapped);
    return 0;
}
