#include "base.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

void *
must_alloc(size_t size)
{
	void *memory = calloc(1, size);

	if (!memory)
		abort();
	return memory;
}

char *
must_copy(const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		abort();
	return copy;
}

char *
must_print(const char *format, ...)
{
	va_list args;
	char *text = NULL;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	return text;
}

static void
list_grow(struct list *list, size_t needed)
{
	size_t capacity = list->capacity ? list->capacity : 8;

	if (needed <= list->capacity)
		return;
	while (capacity < needed)
		capacity *= 2;
	list->items = realloc(list->items, capacity * sizeof(void *));
	if (!list->items)
		abort();
	memset(list->items + list->capacity, 0, (capacity - list->capacity) * sizeof(void *));
	list->capacity = capacity;
}

void
list_add(struct list *list, void *item)
{
	list_grow(list, list->count + 1);
	list->items[list->count++] = item;
}

void
list_put(struct list *list, size_t at, void *item)
{
	list_grow(list, at + 1);
	list->items[at] = item;
	if (at >= list->count)
		list->count = at + 1;
}

void *
list_at(const struct list *list, long at)
{
	return at >= 0 && (size_t)at < list->count ? list->items[at] : NULL;
}

void
list_remove(struct list *list, const void *item)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i] != item)
			continue;
		memmove(list->items + i, list->items + i + 1,
			(--list->count - i) * sizeof(void *));
		return;
	}
}

void
list_done(struct list *list)
{
	free(list->items);
	*list = (struct list){ 0 };
}

/* A removed entry keeps its place, so that searches walk past it. */
static const char removed[] = "";

static size_t
map_hash(const char *key)
{
	uint64_t hash = 14695981039346656037u;

	for (; *key; key++)
		hash = (hash ^ (unsigned char)*key) * 1099511628211u;
	return (size_t)(hash ^ hash >> 32);
}

static struct map_slot *
map_find(const struct map *map, const char *key)
{
	size_t at = map_hash(key) & (map->capacity - 1);

	while (map->slots[at].key) {
		if (map->slots[at].key != removed && strcmp(map->slots[at].key, key) == 0)
			break;
		at = (at + 1) & (map->capacity - 1);
	}
	return &map->slots[at];
}

static void
map_grow(struct map *map)
{
	struct map old = *map;

	map->capacity = old.capacity ? old.capacity * 2 : 64;
	map->slots = must_alloc(map->capacity * sizeof(struct map_slot));
	map->used = 0;
	for (size_t i = 0; i < old.capacity; i++) {
		if (old.slots[i].key && old.slots[i].key != removed)
			map_put(map, old.slots[i].key, old.slots[i].value);
	}
	free(old.slots);
}

void
map_put(struct map *map, const char *key, void *value)
{
	struct map_slot *slot;

	if (map->used * 2 >= map->capacity)
		map_grow(map);
	slot = map_find(map, key);
	if (!slot->key)
		map->used++;
	*slot = (struct map_slot){ key, value };
}

void *
map_get(const struct map *map, const char *key)
{
	return map->capacity && key ? map_find(map, key)->value : NULL;
}

void
map_remove(struct map *map, const char *key)
{
	struct map_slot *slot = map->capacity ? map_find(map, key) : NULL;

	if (slot && slot->key)
		*slot = (struct map_slot){ removed, NULL };
}

void
map_done(struct map *map)
{
	free(map->slots);
	*map = (struct map){ 0 };
}

void
random_text(char *out, size_t count, const char *alphabet)
{
	size_t letters = strlen(alphabet);
	unsigned char bytes[64];

	for (size_t i = 0; i < count; i++) {
		if (i % sizeof(bytes) == 0 && getrandom(bytes, sizeof(bytes), 0) < 0)
			abort();
		out[i] = alphabet[bytes[i % sizeof(bytes)] % letters];
	}
	out[count] = '\0';
}
