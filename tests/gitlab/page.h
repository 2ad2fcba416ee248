/* page.h: offset pagination. */
#ifndef PAGE_H
#define PAGE_H

#include "params.h"

/* Declares what every paged list takes. */
#define PAGE_PARAMS                                                                            \
	{ "page", PARAM_NUMBER, .fallback = "1" },                                             \
	{                                                                                      \
		"per_page", PARAM_NUMBER, .fallback = "20"                                     \
	}

/* Answers the asked page of `rows` with its headers; `view` renders a row. */
void page_answer(struct sim *sim, struct request *request, const struct list *rows,
	json_t *(*view)(struct sim *sim, struct request *request, void *row),
	struct answer *answer);

/* The same for a list that GitLab does not count, however short it is. */
void page_answer_uncounted(struct sim *sim, struct request *request, const struct list *rows,
	json_t *(*view)(struct sim *sim, struct request *request, void *row),
	struct answer *answer);

#endif
