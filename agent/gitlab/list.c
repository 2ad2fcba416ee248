/* All pages of a list. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "gitlab/gitlab.h"

#define LIST_MOST ((size_t)100000)

struct pages {
	struct gitlab *gitlab;
	const char *path;
	const struct shape *shape;
	struct arena *arena;
	struct list list;
	size_t capacity;
};

static void
append(struct pages *pages, const struct list *page)
{
	const size_t bytes = pages->shape->bytes;

	for (size_t i = 0; i < page->count; i++) {
		pages->list.items = arena_grow(pages->arena, pages->list.items,
			pages->list.count, &pages->capacity, bytes);
		memcpy((char *)pages->list.items + pages->list.count++ * bytes,
			(char *)page->items + i * bytes, bytes);
	}
}

static bool
read_page(struct pages *pages, const char *page, char *next, size_t next_bytes, struct err *err)
{
	auto_http_answer struct http_answer answer = { 0 };
	const char *path = arena_format(pages->arena, "%s%cper_page=100&page=%s", pages->path,
		strchr(pages->path, '?') ? '&' : '?', page);
	struct list items;

	if (!gitlab_call(pages->gitlab, "GET", path, NULL, &answer, err))
		return false;
	if (!json_decode_list(answer.body, pages->shape, pages->arena, &items, err)) {
		err->kind = ERR_LATER;
		return err_wrap(err, "GitLab's answer to GET %s", path);
	}
	append(pages, &items);
	if (pages->list.count > LIST_MOST)
		return err_set(err, ERR_LATER, 0, "GET %s answers more than %zu items",
			pages->path, LIST_MOST);
	snprintf(next, next_bytes, "%s", answer.next_page);
	return true;
}

bool
gitlab_list(struct gitlab *gitlab, const char *path, const struct shape *shape,
	struct arena *arena, struct list *list, struct err *err)
{
	struct pages pages = { .gitlab = gitlab, .path = path, .shape = shape, .arena = arena };
	char next[sizeof(((struct http_answer *)NULL)->next_page)] = "1";
	long long last = 0;

	while (*next) {
		char page[sizeof(next)];

		memcpy(page, next, sizeof(page));
		if (strtoll(page, NULL, 10) <= last)
			return err_set(err, ERR_LATER, 0,
				"GET %s names page %s after page %lld", path, page, last);
		last = strtoll(page, NULL, 10);
		if (!read_page(&pages, page, next, sizeof(next), err))
			return false;
	}
	*list = pages.list;
	return true;
}
