#include "page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PER_PAGE_MAX = 100,
	/* Beyond this many rows GitLab does not count. */
	COUNTED_MAX = 10000,
};

struct page {
	long page, per_page, total, pages;
	bool counted;
};

static int
name_compare(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void
query_add(FILE *out, const char *name, const json_t *value)
{
	const char *inner;
	json_t *item;
	size_t i;
	char *text;

	if (json_is_object(value)) {
		json_object_foreach((json_t *)value, inner, item)
		{
			text = percent_encode(
				json_is_string(item) ? json_string_value(item) : "");
			fprintf(out, "%s%%5B%s%%5D=%s&", name, inner, text);
			free(text);
		}
	} else if (json_is_array(value)) {
		json_array_foreach(value, i, item)
		{
			text = percent_encode(
				json_is_string(item) ? json_string_value(item) : "");
			fprintf(out, "%s%%5B%%5D=%s&", name, text);
			free(text);
		}
	} else if (json_is_integer(value)) {
		fprintf(out, "%s=%lld&", name, (long long)json_integer_value(value));
	} else if (json_is_boolean(value)) {
		fprintf(out, "%s=%s&", name, json_is_true(value) ? "true" : "false");
	} else {
		text = percent_encode(json_is_string(value) ? json_string_value(value) : "");
		fprintf(out, "%s=%s&", name, text);
		free(text);
	}
}

/* All declared parameters in the order of their names: the way GitLab writes its links. */
static char *
link_query(json_t *params, long page)
{
	size_t count = json_object_size(params), i = 0, size;
	const char **names = must_alloc(count * sizeof(*names));
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);
	const char *name;
	json_t *value;

	json_object_set_new(params, "page", json_integer(page));
	json_object_foreach(params, name, value) names[i++] = name;
	qsort(names, count, sizeof(*names), name_compare);
	for (i = 0; i < count; i++)
		query_add(out, names[i], json_object_get(params, names[i]));
	fclose(out);
	text[size - 1] = '\0';
	free(names);
	return text;
}

static void
link_add(FILE *out, const struct request *request, long page, const char *rel)
{
	char *query = link_query(request->params, page);

	fprintf(out, "%s<%s://%s%s?%s>; rel=\"%s\"", ftell(out) > 0 ? ", " : "",
		request->tls ? "https" : "http", request->host, request->path, query, rel);
	free(query);
}

static void
page_headers(const struct request *request, const struct page *page, struct answer *answer)
{
	char *links = NULL;
	size_t size;
	FILE *out = open_memstream(&links, &size);
	long next = page->page * page->per_page < page->total ? page->page + 1 : 0;

	if (page->page > 1)
		link_add(out, request, page->page - 1, "prev");
	if (next)
		link_add(out, request, next, "next");
	link_add(out, request, 1, "first");
	if (page->counted)
		link_add(out, request, page->pages, "last");
	fclose(out);
	answer_header(answer, "Link", "%s", links);
	free(links);
	if (next)
		answer_header(answer, "X-Next-Page", "%ld", next);
	else
		answer_header(answer, "X-Next-Page", "%s", "");
	answer_header(answer, "X-Page", "%ld", page->page);
	answer_header(answer, "X-Per-Page", "%ld", page->per_page);
	if (page->page > 1)
		answer_header(answer, "X-Prev-Page", "%ld", page->page - 1);
	else
		answer_header(answer, "X-Prev-Page", "%s", "");
	if (!page->counted)
		return;
	answer_header(answer, "X-Total", "%ld", page->total);
	answer_header(answer, "X-Total-Pages", "%ld", page->pages);
}

static void
rows_answer(struct sim *sim, struct request *request, const struct list *rows, long counted_max,
	json_t *(*view)(struct sim *sim, struct request *request, void *row),
	struct answer *answer)
{
	struct page page = { .page = param_number(request, "page"),
		.per_page = param_number(request, "per_page"),
		.total = (long)rows->count };
	json_t *out = json_array();

	if (page.page < 1)
		page.page = 1;
	if (page.per_page < 1)
		page.per_page = 20;
	if (page.per_page > PER_PAGE_MAX)
		page.per_page = PER_PAGE_MAX;
	page.counted = page.total <= counted_max;
	page.pages = (page.total + page.per_page - 1) / page.per_page;
	if (page.pages < 1)
		page.pages = 1;
	json_object_set_new(request->params, "per_page", json_integer(page.per_page));
	json_object_set_new(request->params, "page", json_integer(page.page));
	for (long i = (page.page - 1) * page.per_page;
		i < page.total && i < page.page * page.per_page; i++)
		json_array_append_new(out, view(sim, request, rows->items[i]));
	answer_json(answer, 200, out);
	page_headers(request, &page, answer);
}

void
page_answer(struct sim *sim, struct request *request, const struct list *rows,
	json_t *(*view)(struct sim *sim, struct request *request, void *row),
	struct answer *answer)
{
	rows_answer(sim, request, rows, COUNTED_MAX, view, answer);
}

void
page_answer_uncounted(struct sim *sim, struct request *request, const struct list *rows,
	json_t *(*view)(struct sim *sim, struct request *request, void *row),
	struct answer *answer)
{
	rows_answer(sim, request, rows, -1, view, answer);
}
