#include "token_view.h"

#include "auth.h"

#include <stdlib.h>
#include <string.h>

static json_t *
moment_json(int64_t moment)
{
	char text[MOMENT_SIZE];

	return moment ? json_string(moment_print(moment, text)) : json_null();
}

json_t *
token_view(struct sim *sim, struct request *request, void *row)
{
	const struct token *token = row;
	json_t *json = json_object();
	char day[MOMENT_SIZE];

	(void)request;
	json_object_set_new(json, "id", json_integer(token->id));
	json_object_set_new(json, "name", json_string(token->name));
	json_object_set_new(json, "revoked", json_boolean(token->revoked));
	json_object_set_new(json, "created_at", moment_json(token->created_at));
	if (sim->version >= V(17, 7))
		json_object_set_new(json, "description",
			token->description ? json_string(token->description) : json_null());
	json_object_set(json, "scopes", token->scopes);
	json_object_set_new(json, "user_id", json_integer(token->user->id));
	json_object_set_new(json, "last_used_at", moment_json(token->last_used_at));
	json_object_set_new(json, "active", json_boolean(token_alive(sim, token)));
	if (sim->version >= V(18, 6))
		json_object_set_new(json, "granular", json_false());
	json_object_set_new(json, "expires_at",
		token->expires == NEVER ? json_null()
					: json_string(day_print(token->expires, day)));
	return json;
}

json_t *
token_view_single(struct sim *sim, struct request *request, struct token *token)
{
	json_t *json = token_view(sim, request, token);

	if (sim->version >= V(18, 0))
		json_object_set_new(json, "last_used_ips",
			token->last_used_ip[0] ? json_pack("[s]", token->last_used_ip)
					       : json_array());
	return json;
}

json_t *
resource_token_view(struct sim *sim, struct request *request, void *row)
{
	const struct token *token = row;
	json_t *json = token_view(sim, request, row);

	json_object_set_new(json, "access_level", json_integer(token->user->bot_level));
	if (sim->version >= V(17, 2)) {
		json_object_set_new(json, "resource_type",
			json_string(token->user->home->kind == GROUP ? "group" : "project"));
		json_object_set_new(json, "resource_id", json_integer(token->user->home->id));
	}
	return json;
}

/* On the day a token dies it is in neither state, although it is dead; before 17.0 it still
 * stood under the active ones that day. */
static bool
state_matches(const struct sim *sim, const struct token *token, const char *state)
{
	int today = clock_today(&sim->clock);

	if (strcmp(state, "inactive") == 0)
		return token->revoked || token->expires < today;
	if (sim->version < V(17, 0))
		return !token->revoked && token->expires >= today;
	return !token->revoked && token->expires > today;
}

/* Every word has to occur; a search of one or two characters has to be the whole name. */
static bool
search_matches(const char *name, const char *search)
{
	char word[256];

	if (strlen(search) < 3)
		return strcasecmp(name, search) == 0;
	while (*search) {
		size_t length = strcspn(search, " ");

		if (length && length < sizeof(word)) {
			memcpy(word, search, length);
			word[length] = '\0';
			if (!strcasestr(name, word))
				return false;
		}
		search += length + (search[length] == ' ');
	}
	return true;
}

/* The filters of one request, decoded once for all rows. */
struct filter {
	const char *state, *search;
	bool by_revoked, revoked;
	int64_t created_before, created_after, used_before, used_after;
	int expires_before, expires_after;
};

static int64_t
moment_param(const struct request *request, const char *name)
{
	const char *text = param_text(request, name);
	int64_t moment = 0;

	if (text)
		moment_parse(text, &moment);
	return moment;
}

static int
day_param(const struct request *request, const char *name)
{
	const char *text = param_text(request, name);
	int day = NEVER;

	if (text)
		day_parse(text, &day);
	return day;
}

static struct filter
filter_of(const struct request *request)
{
	const char *search = param_text(request, "search");

	return (struct filter){ .state = param_text(request, "state"),
		.search = search && *search ? search : NULL,
		.by_revoked = json_is_boolean(json_object_get(request->params, "revoked")),
		.revoked = param_true(request, "revoked"),
		.created_before = moment_param(request, "created_before"),
		.created_after = moment_param(request, "created_after"),
		.used_before = moment_param(request, "last_used_before"),
		.used_after = moment_param(request, "last_used_after"),
		.expires_before = day_param(request, "expires_before"),
		.expires_after = day_param(request, "expires_after") };
}

static bool
filter_passes(const struct sim *sim, const struct filter *filter, const struct token *token)
{
	if (filter->state && !state_matches(sim, token, filter->state))
		return false;
	if (filter->by_revoked && token->revoked != filter->revoked)
		return false;
	if (filter->created_before && token->created_at > filter->created_before)
		return false;
	if (filter->created_after && token->created_at < filter->created_after)
		return false;
	if ((filter->used_before || filter->used_after) && !token->last_used_at)
		return false;
	if (filter->used_before && token->last_used_at > filter->used_before)
		return false;
	if (filter->used_after && token->last_used_at < filter->used_after)
		return false;
	if ((filter->expires_before != NEVER || filter->expires_after != NEVER) &&
		token->expires == NEVER)
		return false;
	if (filter->expires_before != NEVER && token->expires >= filter->expires_before)
		return false;
	if (filter->expires_after != NEVER && token->expires < filter->expires_after)
		return false;
	return !filter->search || search_matches(token->name, filter->search);
}

#define SORT_BY(name, expression)                                                              \
	static int sort_##name(const void *left, const void *right)                            \
	{                                                                                      \
		const struct token *a = *(struct token *const *)left;                          \
		const struct token *b = *(struct token *const *)right;                         \
                                                                                               \
		return (expression) ? (expression) : (a->id > b->id) - (a->id < b->id);        \
	}

#define ORDER(member) ((a->member > b->member) - (a->member < b->member))

SORT_BY(id_asc, ORDER(id))
SORT_BY(id_desc, -ORDER(id))
SORT_BY(created_asc, ORDER(created_at))
SORT_BY(created_desc, -ORDER(created_at))
SORT_BY(expires_asc, ORDER(expires))
SORT_BY(expires_desc, -ORDER(expires))
SORT_BY(last_used_asc, ORDER(last_used_at))
SORT_BY(last_used_desc, -ORDER(last_used_at))
SORT_BY(name_asc, strcmp(a->name, b->name))
SORT_BY(name_desc, strcmp(b->name, a->name))

static const struct {
	const char *name;
	int (*compare)(const void *, const void *);
} sorts[] = {
	{ "id_asc", sort_id_asc },
	{ "id_desc", sort_id_desc },
	{ "created_asc", sort_created_asc },
	{ "created_desc", sort_created_desc },
	{ "created_at_asc", sort_created_asc },
	{ "created_at_desc", sort_created_desc },
	{ "expires_asc", sort_expires_asc },
	{ "expires_desc", sort_expires_desc },
	{ "expires_at_asc_id_desc", sort_expires_asc },
	{ "last_used_asc", sort_last_used_asc },
	{ "last_used_desc", sort_last_used_desc },
	{ "last_used_at_asc", sort_last_used_asc },
	{ "last_used_at_desc", sort_last_used_desc },
	{ "name_asc", sort_name_asc },
	{ "name_desc", sort_name_desc },
};

/* Most lists come as they are wanted, and looking is cheaper than sorting. */
static void
tokens_sort(struct list *tokens, int (*compare)(const void *, const void *))
{
	for (size_t i = 1; i < tokens->count; i++) {
		if (compare(&tokens->items[i - 1], &tokens->items[i]) > 0) {
			qsort(tokens->items, tokens->count, sizeof(void *), compare);
			return;
		}
	}
}

void
token_filter(struct sim *sim, struct request *request, struct list *tokens)
{
	struct filter filter = filter_of(request);
	const char *sort = param_text(request, "sort");
	size_t kept = 0;

	for (size_t i = 0; i < tokens->count; i++) {
		struct token *token = tokens->items[i];

		if (token && filter_passes(sim, &filter, token))
			tokens->items[kept++] = token;
	}
	tokens->count = kept;
	/* An order that GitLab does not know is no error, just not applied. */
	for (size_t i = 0; sort && i < ARRAY_SIZE(sorts); i++) {
		if (strcmp(sorts[i].name, sort) == 0)
			tokens_sort(tokens, sorts[i].compare);
	}
}
