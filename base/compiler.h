/*
 * base/compiler.h - what the code asks of the compiler, under names of its own.
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_at, args_at) __attribute__((format(printf, format_at, args_at)))

/* 128 bits: ISO C11 has no such type, gcc and clang do. */
__extension__ typedef __int128 int128;
__extension__ typedef unsigned __int128 uint128;

/* The number of elements of an array (not of a pointer). */
#define ARRAY_LEN(array) (sizeof(array) / sizeof((array)[0]))

/* The object of the given type whose member is at pointer. */
#define container_of(pointer, type, member) \
    ((type *)(void *)((char *)(pointer) - offsetof(type, member)))

/*
 * The thread sanitizer cannot see an order that a foreign library gives. GIVE stands before an
 * object is handed to such a library, TAKE where it comes back, often on another thread.
 */
#if defined(__SANITIZE_THREAD__)
#define SLUICE_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define SLUICE_TSAN 1
#endif
#endif

#ifdef SLUICE_TSAN
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define HANDOFF_GIVE(tag) __tsan_release(tag)
#define HANDOFF_TAKE(tag) __tsan_acquire(tag)
#else
#define HANDOFF_GIVE(tag) ((void)(tag))
#define HANDOFF_TAKE(tag) ((void)(tag))
#endif

/* Whether the places of base/failpoint.h are in the program. */
#ifdef SLUICE_FAILPOINTS
#define HAS_FAILPOINTS 1
#else
#define HAS_FAILPOINTS 0
#endif

#endif
