#include "base/wiping.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/secret.h"

void *
wiping_malloc(size_t bytes)
{
	return malloc(bytes);
}

void *
wiping_calloc(size_t count, size_t bytes)
{
	return calloc(count, bytes);
}

void
wiping_free(void *memory)
{
	if (!memory)
		return;
	secret_wipe(memory, malloc_usable_size(memory));
	free(memory);
}

/* Never realloc(): it moves the bytes and leaves the old ones where they were. */
void *
wiping_realloc(void *memory, size_t bytes)
{
	size_t held = memory ? malloc_usable_size(memory) : 0;
	void *moved = malloc(bytes);

	if (!moved)
		return NULL;
	if (held)
		memcpy(moved, memory, held < bytes ? held : bytes);
	wiping_free(memory);
	return moved;
}

char *
wiping_strdup(const char *text)
{
	return strdup(text);
}
