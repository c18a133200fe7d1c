#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

enum { SMALL_BYTES = 1024 };

static void *must(void *memory)
{
    if (memory)
        return memory;
    (void)fputs("{\"level\":\"error\",\"event\":\"out of memory\"}\n", stderr);
    abort();
}

/* Small ones that a thread has freed are at hand for malloc, but not for calloc; large ones may be zero already. */
void *mem_alloc(size_t size)
{
    if (size > SMALL_BYTES)
        return must(calloc(1, size));
    return memset(must(malloc(size ? size : 1)), 0, size);
}

void *mem_alloc_array(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1));
}

void *mem_realloc_array(void *memory, size_t count, size_t size)
{
    return must(reallocarray(memory, count ? count : 1, size ? size : 1));
}

char *mem_copy_str(struct str text)
{
    char *copy = must(malloc(text.len + 1));

    if (text.len > 0)
        memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    return copy;
}

void mem_wipe(void *memory, size_t size)
{
    OPENSSL_cleanse(memory, size);
}

void mem_free_secret(char *text)
{
    if (text)
        mem_wipe(text, strlen(text));
    free(text);
}

void mem_free(void *memory)
{
    free(memory);
}
