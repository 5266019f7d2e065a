/* An assert that stays on in release: it names the broken invariant and aborts.
 * Python's `assert` in a noexcept nogil function would print and go on. */
#ifndef IRON_ASSERT_H
#define IRON_ASSERT_H

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

__attribute__((noinline, cold, noreturn)) static void iron_assert_failed(const char *message) {
    static const char prefix[] = "ironpit: invariant broken: ";
    ssize_t ignored = write(2, prefix, sizeof prefix - 1);
    ignored = write(2, message, strlen(message));
    ignored = write(2, "\n", 1);
    (void)ignored;
    abort();
}

#define iron_assert(condition, message) \
    do { if (__builtin_expect(!(condition), 0)) iron_assert_failed(message); } while (0)

/* IRON_IS_DEBUG is for checks that are more than an expression; in release they are dead code. */
#ifdef IRON_DEBUG
#define IRON_IS_DEBUG 1
#define iron_debug_assert(condition, message) iron_assert(condition, message)
#else
#define IRON_IS_DEBUG 0
#define iron_debug_assert(condition, message) do { } while (0)
#endif

/* A statement, for what Cython knows only as sizeof() of its structs: broken means no build. */
#define iron_static_assert(condition) do { _Static_assert(condition, #condition); } while (0)

#endif
