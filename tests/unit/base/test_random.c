/*
 * tests/unit/base/test_random.c - random bytes are given out once.
 */
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/random.h"
#include "tests/harness/test.h"

enum { NTHREADS = 4, NTIMES = 500, NBYTES = 16 };

static void *fill(void *arg)
{
    uint8_t(*rows)[NBYTES] = arg;

    for (size_t i = 0; i < NTIMES; i++)
        random_fill(rows[i], NBYTES);
    return NULL;
}

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, NBYTES);
}

test(no_thread_is_given_bytes_that_were_given_before)
{
    static uint8_t rows[NTHREADS][NTIMES][NBYTES];
    uint8_t(*all)[NBYTES] = rows[0];
    pthread_t threads[NTHREADS];

    for (size_t i = 0; i < NTHREADS; i++)
        check_int(pthread_create(&threads[i], NULL, fill, rows[i]), 0);
    for (size_t i = 0; i < NTHREADS; i++)
        check_int(pthread_join(threads[i], NULL), 0);
    qsort(rows, (size_t)NTHREADS * NTIMES, NBYTES, compare);
    for (size_t i = 1; i < (size_t)NTHREADS * NTIMES; i++)
        check(compare(all[i - 1], all[i]) != 0);
}

test(all_of_any_number_of_bytes_are_random)
{
    for (size_t n = 1; n <= RANDOM_MAX_BYTES; n++) {
        uint8_t bytes[RANDOM_MAX_BYTES + 1], seen[RANDOM_MAX_BYTES] = {0};

        /* That a byte is zero in each of so many goes happens once in 2^96. */
        for (int i = 0; i < 12; i++) {
            memset(bytes, 0, sizeof(bytes));
            random_fill(bytes, n);
            for (size_t k = 0; k < n; k++)
                seen[k] |= bytes[k];
            check_int(bytes[n], 0);
        }
        check(memchr(seen, 0, n) == NULL);
    }
}
