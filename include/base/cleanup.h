/* cleanup.h: what a scope acquires it declares with its cleanup, and gives away only with take().
 * The one header with compiler extensions: the attributes and __typeof__. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define must_check __attribute__((warn_unused_result))
#define printf_like(which, first) __attribute__((format(printf, which, first), nonnull(which)))

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

/* Yields the pointer and leaves NULL behind, so that the scope's cleanup finds nothing. */
#define take(pointer)                                                                          \
	__extension__({                                                                        \
		__typeof__(pointer) *take_from = &(pointer);                                   \
		__typeof__(pointer) taken = *take_from;                                        \
		*take_from = NULL;                                                             \
		taken;                                                                         \
	})

/* Defines NAME_cleanup(), for `#define auto_NAME __attribute__((cleanup(NAME_cleanup)))`. */
#define CLEANUP(name, type, ending)                                                            \
	static inline void name##_cleanup(type *held)                                          \
	{                                                                                      \
		ending(*held);                                                                 \
	}

static inline void
free_cleanup(void *held)
{
	free(*(void **)held);
}

static inline void
close_cleanup(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void
stdio_cleanup(FILE **stream)
{
	if (*stream)
		fclose(*stream);
}

#define auto_free __attribute__((cleanup(free_cleanup)))
#define auto_close __attribute__((cleanup(close_cleanup)))
#define auto_stdio __attribute__((cleanup(stdio_cleanup)))

#endif
