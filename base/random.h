/*
 * base/random.h - bytes that nobody can foresee, from the kernel.
 */
#ifndef BASE_RANDOM_H
#define BASE_RANDOM_H

#include <stddef.h>

enum { RANDOM_MAX_BYTES = 256 };

/* Fills ret[0 .. nbytes), of which there are RANDOM_MAX_BYTES at most. Blocks only until the kernel's generator is seeded. */
void random_fill(void *ret, size_t nbytes);

#endif
