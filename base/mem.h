/*
 * base/mem.h - the heap. Memory comes zeroed; when there is none left the process aborts, here
 * alone. That is why every size that a peer controls has a limit that is checked before.
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#include "base/compiler.h"
#include "base/str.h"

/* size zeroed bytes, owned by the caller; never NULL. */
void *mem_alloc(size_t size) MUST_CHECK;

/* count zeroed elements of size bytes; aborts if the product overflows. */
void *mem_alloc_array(size_t count, size_t size) MUST_CHECK;

/* As realloc of an array; what is added is not zeroed. */
void *mem_realloc_array(void *memory, size_t count, size_t size) MUST_CHECK;

/* A NUL-terminated copy of text, owned by the caller. */
char *mem_copy_str(struct str text) MUST_CHECK;

/* Overwrites size bytes in a way that compilers keep, though nobody reads them again. */
void mem_wipe(void *memory, size_t size);

/* Wipes and frees a text that was a secret. NULL is allowed. */
void mem_free_secret(char *text);

/* NULL is allowed. */
void mem_free(void *memory);

#endif
