/* base.h: the containers the simulator is made of.
 * Allocation never fails here: a test server without memory may as well abort. */
#ifndef BASE_H
#define BASE_H

#include <stddef.h>

#define ARRAY_SIZE(array) (sizeof(array) / sizeof((array)[0]))

void *must_alloc(size_t size);
char *must_copy(const char *text);
char *must_print(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Pointers in order; indexed by id, it is an index with holes. */
struct list {
	void **items;
	size_t count;
	size_t capacity;
};

void list_add(struct list *list, void *item);
void list_put(struct list *list, size_t at, void *item);
void *list_at(const struct list *list, long at);
void list_remove(struct list *list, const void *item);
void list_done(struct list *list);

/* Text to pointer. Keys are borrowed and must outlive their entry. */
struct map_slot {
	const char *key;
	void *value;
};

struct map {
	struct map_slot *slots;
	size_t used;
	size_t capacity;
};

void map_put(struct map *map, const char *key, void *value);
void *map_get(const struct map *map, const char *key);
void map_remove(struct map *map, const char *key);
void map_done(struct map *map);

/* `count` random characters of `alphabet`, and a zero. */
void random_text(char *out, size_t count, const char *alphabet);

#endif
