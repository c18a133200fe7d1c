/*
 * base/descriptors.h - how many files and sockets this process may have open.
 */
#ifndef BASE_DESCRIPTORS_H
#define BASE_DESCRIPTORS_H

#include <stddef.h>

/* Raises the limit as far as an ordinary user may, and returns it. Called once, early in main. */
size_t descriptors_raise_limit(void);

#endif
