#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/memory.h"

#define BLOCK_BYTES ((size_t)16 * 1024)

struct block {
	struct block *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

struct arena {
	struct block *blocks; /* the newest first */
	struct arena *kept, *next;
};

struct arena *
arena_new(void)
{
	return memory_or_abort(calloc(1, sizeof(struct arena)));
}

void
arena_free(struct arena *arena)
{
	if (!arena)
		return;
	for (struct arena *kept = arena->kept, *next; kept; kept = next) {
		next = kept->next;
		arena_free(kept);
	}
	for (struct block *block = arena->blocks, *next; block; block = next) {
		next = block->next;
		free(block);
	}
	free(arena);
}

void
arena_keep(struct arena *arena, struct arena *other)
{
	other->next = arena->kept;
	arena->kept = other;
}

static struct block *
block_with_room(struct arena *arena, size_t bytes)
{
	struct block *block = arena->blocks;
	size_t size = bytes > BLOCK_BYTES ? bytes : BLOCK_BYTES;

	if (block && block->size - block->used >= bytes)
		return block;
	block = memory_or_abort(calloc(1, sizeof(*block) + size));
	block->size = size;
	block->next = arena->blocks;
	arena->blocks = block;
	return block;
}

void *
arena_alloc(struct arena *arena, size_t bytes)
{
	const size_t align = alignof(max_align_t);
	struct block *block;
	void *memory;

	if (bytes > SIZE_MAX / 2)
		memory_or_abort(NULL);
	bytes = (bytes + align - 1) / align * align;
	block = block_with_room(arena, bytes);
	memory = block->bytes + block->used;
	block->used += bytes;
	return memory;
}

char *
arena_text_n(struct arena *arena, const char *text, size_t length)
{
	char *copy = arena_alloc(arena, length + 1);

	memcpy(copy, text, length);
	return copy;
}

char *
arena_text(struct arena *arena, const char *text)
{
	return text ? arena_text_n(arena, text, strlen(text)) : NULL;
}

char *
arena_format(struct arena *arena, const char *format, ...)
{
	va_list arguments, again;
	char *text;
	int length;

	va_start(arguments, format);
	va_copy(again, arguments);
	length = vsnprintf(NULL, 0, format, arguments);
	text = arena_alloc(arena, (size_t)(length < 0 ? 0 : length) + 1);
	if (length > 0)
		vsnprintf(text, (size_t)length + 1, format, again);
	va_end(again);
	va_end(arguments);
	return text;
}

void *
arena_grow(struct arena *arena, void *items, size_t count, size_t *capacity, size_t item_bytes)
{
	size_t wanted = *capacity ? *capacity * 2 : ARENA_GROW_LEAST;
	void *moved;

	if (count < *capacity)
		return items;
	moved = arena_alloc(arena, wanted * item_bytes);
	if (count)
		memcpy(moved, items, count * item_bytes);
	*capacity = wanted;
	return moved;
}
