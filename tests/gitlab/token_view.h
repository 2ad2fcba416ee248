/* token_view.h: how tokens look in answers, and how lists of them are filtered. */
#ifndef TOKEN_VIEW_H
#define TOKEN_VIEW_H

#include "page.h"

json_t *token_view(struct sim *sim, struct request *request, void *token);
/* With the addresses it was used from: single tokens only. */
json_t *token_view_single(struct sim *sim, struct request *request, struct token *token);
/* With `access_level` and where it belongs. */
json_t *resource_token_view(struct sim *sim, struct request *request, void *token);

/* Keeps of `tokens` what the declared filters let through, in the asked order. */
void token_filter(struct sim *sim, struct request *request, struct list *tokens);

/* The filters of a list; lists of project and group tokens learnt them later. */
#define TOKEN_FILTER_PARAMS(state_from, rest_from, dates_from)                                 \
	{ "state", PARAM_TEXT, .values = "active,inactive", .from = state_from },              \
		{ "revoked", PARAM_TRUE, .from = rest_from },                                  \
		{ "created_before", PARAM_MOMENT, .from = rest_from },                         \
		{ "created_after", PARAM_MOMENT, .from = rest_from },                          \
		{ "last_used_before", PARAM_MOMENT, .from = rest_from },                       \
		{ "last_used_after", PARAM_MOMENT, .from = rest_from },                        \
		{ "expires_before", PARAM_DAY, .from = dates_from },                           \
		{ "expires_after", PARAM_DAY, .from = dates_from },                            \
		{ "search", PARAM_TEXT, .from = rest_from },                                   \
		{ "sort", PARAM_TEXT, .from = dates_from }, PAGE_PARAMS

#endif
