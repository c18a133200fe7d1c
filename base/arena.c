#include "base/arena.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum {
    FIRST_BYTES = 960, /* of the block that comes with the arena: what many need in all */
    BLOCK_BYTES = 4096,
    ALIGN = 16,
    SHORT_BYTES = 256, /* a text that is shorter is printed once, a longer one measured first */
};

struct block {
    struct block *next;
    size_t size;
    size_t used;
    _Alignas(ALIGN) char data[];
};

struct arena {
    _Alignas(ALIGN) struct block *blocks; /* the first one is filled */
    size_t left_bytes;                    /* what arena_try_alloc may still serve */
    bool is_full;
};

/* It lies behind the arena, in the same piece of memory. */
static struct block *get_first(struct arena *arena)
{
    return (struct block *)(arena + 1);
}

struct arena *arena_create(size_t max_bytes)
{
    struct arena *arena = mem_alloc(sizeof(*arena) + sizeof(struct block) + FIRST_BYTES);

    arena->left_bytes = max_bytes;
    arena->blocks = get_first(arena);
    arena->blocks->size = FIRST_BYTES;
    return arena;
}

void arena_destroy(struct arena *arena)
{
    if (!arena)
        return;
    while (arena->blocks) {
        struct block *block = arena->blocks;
        arena->blocks = block->next;
        if (block != get_first(arena))
            mem_free(block);
    }
    mem_free(arena);
}

static struct block *add_block(struct arena *arena, size_t size)
{
    struct block *block = mem_alloc(sizeof(*block) + size);

    block->size = size;
    /* A block of one large object goes behind the one that is filled. */
    if (size != BLOCK_BYTES) {
        block->next = arena->blocks->next;
        arena->blocks->next = block;
    } else {
        block->next = arena->blocks;
        arena->blocks = block;
    }
    return block;
}

void *arena_alloc(struct arena *arena, size_t size)
{
    size_t need = (size + ALIGN - 1) / ALIGN * ALIGN;
    struct block *block = arena->blocks;

    if (block->size - block->used < need)
        block = add_block(arena, need > BLOCK_BYTES / 4 ? need : BLOCK_BYTES);

    void *memory = block->data + block->used;
    block->used += need;
    return memory;
}

void *arena_try_alloc(struct arena *arena, size_t size)
{
    if (size > arena->left_bytes || size + ALIGN > arena->left_bytes) {
        arena->is_full = true;
        return NULL;
    }
    arena->left_bytes -= size + ALIGN;
    return arena_alloc(arena, size);
}

char *arena_copy_str(struct arena *arena, struct str text)
{
    char *copy = arena_alloc(arena, text.len + 1);

    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    char short_text[SHORT_BYTES];
    va_list args;

    va_start(args, format);
    int n = vsnprintf(short_text, sizeof(short_text), format, args);
    va_end(args);
    if (n >= 0 && n < SHORT_BYTES)
        return arena_copy_str(arena, str_from_bytes(short_text, (size_t)n));
    size_t size = n < 0 ? 1 : (size_t)n + 1;
    char *text = arena_alloc(arena, size);

    va_start(args, format);
    (void)vsnprintf(text, size, format, args);
    va_end(args);
    return text;
}

bool arena_is_full(const struct arena *arena)
{
    return arena->is_full;
}
