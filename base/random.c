/*
 * base/random.c - each thread takes from the kernel at once what it needs for several times: asking costs more than the bytes do.
 */
#include "base/random.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/mem.h"

/* What was taken and not given out yet: bytes[0 .. nleft). */
static _Thread_local struct {
    uint8_t bytes[RANDOM_MAX_BYTES];
    size_t nleft;
} taken;

void random_fill(void *ret, size_t nbytes)
{
    assert(nbytes <= RANDOM_MAX_BYTES);
    if (taken.nleft < nbytes) {
        /* So many come whole once the kernel's generator is seeded (getrandom(2)). */
        if (getrandom(taken.bytes, sizeof(taken.bytes), 0) != (ssize_t)sizeof(taken.bytes))
            abort();
        taken.nleft = sizeof(taken.bytes);
    }
    taken.nleft -= nbytes;
    memcpy(ret, taken.bytes + taken.nleft, nbytes);
    mem_wipe(taken.bytes + taken.nleft, nbytes); /* no other finds them there */
}
