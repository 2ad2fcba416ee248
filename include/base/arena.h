/* arena.h: memory that is freed all at once, for what is decoded, planned and listed.
 * Touches nothing else. Never for secrets: they are a struct secret. Not thread-safe: one owner. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

#include "base/cleanup.h"

struct arena;

/* Memory exhaustion aborts the process with a line on stderr: every promise we hold is on disk by
 * then, and a crash is what the journal is made for. So no arena call fails. */
struct arena *arena_new(void);
void arena_free(struct arena *arena);

/* `other`, which a thread of its own has filled, lives as long as `arena` from now on. */
void arena_keep(struct arena *arena, struct arena *other);

/* Zeroed, aligned for any type, alive until arena_free(). */
void *arena_alloc(struct arena *arena, size_t bytes);
char *arena_text(struct arena *arena, const char *text);
char *arena_text_n(struct arena *arena, const char *text, size_t length);
char *arena_format(struct arena *arena, const char *format, ...) printf_like(2, 3);

/* Doubles an array when `count` has reached `*capacity`, from ARENA_GROW_LEAST on; returns where it stands now. */
#define ARENA_GROW_LEAST 8
void *arena_grow(
	struct arena *arena, void *items, size_t count, size_t *capacity, size_t item_bytes);

CLEANUP(arena, struct arena *, arena_free)
#define auto_arena __attribute__((cleanup(arena_cleanup)))

#endif
