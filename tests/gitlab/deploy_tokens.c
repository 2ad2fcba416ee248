/* deploy_tokens.c: created and destroyed, never rotated; the API lets nobody in with one. */
#include "access.h"
#include "page.h"
#include "route.h"
#include "views.h"

#include <stdlib.h>
#include <string.h>

#define URL_SAFE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

/* `expired` goes by the day, authentication by the clock: on its last day a token that no
 * longer works still shows false. */
json_t *
deploy_token_view(struct sim *sim, struct request *request, void *row)
{
	const struct deploy_token *token = row;
	int64_t midnight = clock_today(&sim->clock) * DAY_MSEC;
	char moment[MOMENT_SIZE];

	(void)request;
	return json_pack("{s:I, s:s, s:s, s:o, s:O, s:b, s:b}", "id", (json_int_t)token->id,
		"name", token->name, "username", token->username, "expires_at",
		token->expires_at ? json_string(moment_print(token->expires_at, moment))
				  : json_null(),
		"scopes", token->scopes, "revoked", token->revoked, "expired",
		token->expires_at && token->expires_at < midnight);
}

static struct resource *
owner_require(struct sim *sim, struct request *request, enum resource_kind kind, int level,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);

	if (!resource || has_level(sim, request, resource, level))
		return resource;
	error_forbidden(answer);
	return NULL;
}

static void
tokens_collect(const struct sim *sim, const struct request *request,
	const struct resource *resource, struct list *into)
{
	for (size_t i = 0; i < resource->deploy_tokens.count; i++) {
		struct deploy_token *token = resource->deploy_tokens.items[i];

		if (!param_true(request, "active") || deploy_token_alive(sim, token))
			list_add(into, token);
	}
}

static void
tokens_list(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = owner_require(sim, request, kind, LEVEL_MAINTAINER, answer);
	struct list found = { 0 };

	if (!resource)
		return;
	tokens_collect(sim, request, resource, &found);
	page_answer(sim, request, &found, deploy_token_view, answer);
	list_done(&found);
}

static void
all_list(struct sim *sim, struct request *request, struct answer *answer)
{
	struct list found = { 0 };

	for (enum resource_kind kind = GROUP; kind <= PROJECT; kind++) {
		const struct list *resources = resource_list(&sim->world, kind);

		for (size_t i = 0; i < resources->count; i++) {
			if (resources->items[i])
				tokens_collect(sim, request, resources->items[i], &found);
		}
	}
	page_answer(sim, request, &found, deploy_token_view, answer);
	list_done(&found);
}

static struct deploy_token *
token_require(
	const struct resource *resource, const struct request *request, struct answer *answer)
{
	for (size_t i = 0; i < resource->deploy_tokens.count; i++) {
		struct deploy_token *token = resource->deploy_tokens.items[i];

		if (token->id == param_number(request, "token_id"))
			return token;
	}
	error_record_not_found(answer);
	return NULL;
}

static void
token_get(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = owner_require(sim, request, kind, LEVEL_MAINTAINER, answer);
	struct deploy_token *token = resource ? token_require(resource, request, answer) : NULL;

	if (token)
		answer_json(answer, 200, deploy_token_view(sim, request, token));
}

static bool
username_valid(const char *username)
{
	return strlen(username) <= 255 &&
	       !username[strspn(username, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
					  "0123456789_-+.")];
}

static void
token_create(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = owner_require(
		sim, request, kind, kind == GROUP ? LEVEL_OWNER : LEVEL_MAINTAINER, answer);
	const char *username = param_text(request, "username");
	const char *expires = param_text(request, "expires_at");
	json_t *scopes = json_object_get(request->params, "scopes");
	struct deploy_token *token;
	char body[21];
	json_t *json;

	if (!resource)
		return;
	if (json_array_size(scopes) == 0) {
		error_message(answer, 400, "Scopes can't be blank");
		return;
	}
	if (username && !username_valid(username)) {
		error_message(answer, 400,
			"Username can contain only letters, digits, '_', '-', '+', and '.'");
		return;
	}
	random_text(body, sizeof(body) - 1, URL_SAFE);
	token = deploy_token_add(&sim->world, resource, param_text(request, "name"), username,
		json_deep_copy(scopes),
		must_print("%s%s", sim->version >= V(16, 7) ? "gldt-" : "", body));
	if (expires)
		moment_parse(expires, &token->expires_at);
	json = deploy_token_view(sim, request, token);
	json_object_set_new(json, "token", json_string(token->secret));
	answer_json(answer, 201, json);
}

/* The row is gone, so that a second time is 404. */
static void
token_delete(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = owner_require(
		sim, request, kind, kind == GROUP ? LEVEL_OWNER : LEVEL_MAINTAINER, answer);
	struct deploy_token *token = resource ? token_require(resource, request, answer) : NULL;

	if (!token)
		return;
	deploy_token_remove(resource, token);
	answer_no_content(answer);
}

FOR_BOTH(tokens_list)
FOR_BOTH(token_get)
FOR_BOTH(token_create)
FOR_BOTH(token_delete)

/* clang-format off */
static const struct param list_params[] = { { "active", PARAM_TRUE }, PAGE_PARAMS, { 0 } };
static const struct param id_params[] = { { "token_id", PARAM_NUMBER, .required = true }, { 0 } };
static const struct param create_params[] = {
	{ "name", PARAM_TEXT, .required = true },
	{ "scopes", PARAM_COMMAS, .required = true, .scopes = SCOPES_DEPLOY },
	{ "expires_at", PARAM_MOMENT },
	{ "username", PARAM_TEXT }, { 0 }
};

#define ROUTES(prefix, base) \
	{ "GET",    base,              prefix##_tokens_list,  list_params }, \
	{ "POST",   base,              prefix##_token_create, create_params }, \
	{ "GET",    base "/:token_id", prefix##_token_get,    id_params }, \
	{ "DELETE", base "/:token_id", prefix##_token_delete, id_params }

const struct route deploy_token_routes[] = {
	ROUTES(project, "/projects/:id/deploy_tokens"),
	ROUTES(group, "/groups/:id/deploy_tokens"),
	{ "GET", "/deploy_tokens", all_list, list_params, .admin = true },
	{ 0 }
};
/* clang-format on */
