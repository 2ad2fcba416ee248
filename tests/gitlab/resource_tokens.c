/* resource_tokens.c: /projects/:id/access_tokens and /groups/:id/access_tokens.
 * A token belongs to a bot, the bot to its project or group; all it rotates to is its too. */
#include "access.h"
#include "expiry.h"
#include "rotate.h"
#include "route.h"
#include "token_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
may_manage(
	const struct sim *sim, const struct request *request, const struct resource *resource)
{
	return has_level(sim, request, resource,
		resource->kind == GROUP ? LEVEL_OWNER : LEVEL_MAINTAINER);
}

static struct token *
token_find(struct sim *sim, const struct request *request, const struct resource *resource)
{
	const char *text = param_text(request, "token_id");
	char *end;
	long id = strtol(text, &end, 10);
	struct token *token = *end == '\0' ? list_at(&sim->world.tokens, id) : NULL;

	if (!token || token->user->kind != USER_BOT || token->user->home != resource)
		return NULL;
	return token;
}

static void
answer_unknown(const struct resource *resource, struct answer *answer)
{
	error_message(
		answer, 404, "404 %s Access Token Not Found", resource_word(resource->kind));
}

static void
tokens_list(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);
	struct list found = { 0 };

	if (!resource)
		return;
	if (!may_manage(sim, request, resource)) {
		error_unauthorized(answer);
		return;
	}
	for (size_t i = 0; i < resource->bots.count; i++) {
		struct user *bot = resource->bots.items[i];

		for (size_t j = 0; j < bot->tokens.count; j++)
			list_add(&found, bot->tokens.items[j]);
	}
	/* Collected family by family, while GitLab lists by id. */
	if (!param_text(request, "sort"))
		json_object_set_new(request->params, "sort", json_string("id_asc"));
	token_filter(sim, request, &found);
	json_object_del(request->params, "sort");
	page_answer(sim, request, &found, resource_token_view, answer);
	list_done(&found);
}

static void
token_get(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);
	struct token *token;

	if (!resource)
		return;
	if (!may_manage(sim, request, resource)) {
		error_unauthorized(answer);
		return;
	}
	token = token_find(sim, request, resource);
	if (token)
		answer_json(answer, 200, resource_token_view(sim, request, token));
	else
		answer_unknown(resource, answer);
}

static bool
level_allowed(const struct sim *sim, const struct request *request,
	const struct resource *resource, int level)
{
	return is_admin(sim, request) || level_in(request->user, resource) >= level;
}

static void
token_create(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);
	int level = (int)param_number(request, "access_level");
	char message[128];
	struct user *bot;
	struct token *token;
	int expires;
	json_t *json;

	if (!resource)
		return;
	if (!may_manage(sim, request, resource) || request->user->kind == USER_BOT) {
		snprintf(message, sizeof(message),
			"User does not have permission to create %s access token",
			resource_word(kind));
		error_bad_request(answer, message);
		return;
	}
	if (!level_allowed(sim, request, resource, level)) {
		error_bad_request(answer, "Access level of the token contains permissions not "
					  "held by the creating user");
		return;
	}
	if (!expiry_choose(
		    sim, request, request->user, EXPIRY_CREATE_RESOURCE, &expires, message)) {
		error_bad_request(answer, message);
		return;
	}
	bot = bot_add(&sim->world, resource, param_text(request, "name"), level,
		clock_now(&sim->clock));
	bot->creator = request->user;
	token = create_token(sim, request, bot, expires);
	json = resource_token_view(sim, request, token);
	json_object_set_new(json, "token", json_string(token->secret));
	answer_json(answer, 201, json);
}

static void
token_rotate(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);
	struct token *token = resource ? token_find(sim, request, resource) : NULL;
	/* A bot manages no tokens but its own. */
	bool bot = request->user->kind == USER_BOT;

	if (!resource)
		return;
	if (!token || !may_manage(sim, request, resource) ||
		(bot && token->user != request->user)) {
		if (!token && is_admin(sim, request))
			error_not_found(answer, NULL);
		else
			error_unauthorized(answer);
		return;
	}
	if (!token->revoked && !level_allowed(sim, request, resource, token->user->bot_level)) {
		error_bad_request(answer,
			sim->version < V(18, 0)
				? "Not eligible to rotate token with access level higher than "
				  "the user"
				: "Not eligible to rotate tokens with permissions not held by "
				  "the user");
		return;
	}
	rotate_answer(sim, request, token, resource_token_view, answer);
}

static void
token_rotate_self(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);

	if (!resource)
		return;
	if (request->user->kind != USER_BOT)
		error_message(answer, 405, "405 Method Not Allowed");
	else if (request->user->home != resource)
		error_unauthorized(answer);
	else
		rotate_answer(sim, request, request->token, resource_token_view, answer);
}

static void
token_delete(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);
	struct token *token = resource ? token_find(sim, request, resource) : NULL;
	char message[512];

	if (!resource)
		return;
	if (!token) {
		answer_unknown(resource, answer);
		return;
	}
	if (!may_manage(sim, request, resource)) {
		snprintf(message, sizeof(message), "%s cannot delete %s", request->user->name,
			token->user->name);
		error_bad_request(answer, message);
		return;
	}
	token->revoked = true;
	answer_no_content(answer);
}

FOR_BOTH(tokens_list)
FOR_BOTH(token_get)
FOR_BOTH(token_create)
FOR_BOTH(token_rotate)
FOR_BOTH(token_rotate_self)
FOR_BOTH(token_delete)

/* clang-format off */
static const struct param list_params[] = {
	TOKEN_FILTER_PARAMS(V(17, 2), V(18, 0), V(18, 0)), { 0 }
};
static const struct param rotate_params[] = {
	{ "expires_at", PARAM_DAY, .from = V(16, 6) }, { 0 }
};
static const struct param create_params[] = {
	{ "name", PARAM_TEXT, .required = true },
	{ "scopes", PARAM_TEXTS, .required = true, .scopes = SCOPES_RESOURCE },
	{ "description", PARAM_TEXT, .from = V(17, 7) },
	{ "access_level", PARAM_NUMBER, .fallback = "40", .values = "10,15,20,30,40,50" },
	{ "expires_at", PARAM_DAY }, { 0 }
};

#define ROUTES(prefix, base)                                                                                 \
	{ "GET",    base,                      prefix##_tokens_list,       list_params },                    \
	{ "POST",   base,                      prefix##_token_create,      create_params },                  \
	{ "POST",   base "/self/rotate",       prefix##_token_rotate_self, rotate_params,                    \
		SCOPE_SELF_ROTATE, V(17, 9) },                                                               \
	{ "GET",    base "/:token_id",         prefix##_token_get },                                         \
	{ "DELETE", base "/:token_id",         prefix##_token_delete },                                      \
	{ "POST",   base "/:token_id/rotate",  prefix##_token_rotate,      rotate_params }

const struct route resource_token_routes[] = {
	ROUTES(project, "/projects/:id/access_tokens"),
	ROUTES(group, "/groups/:id/access_tokens"),
	{ 0 }
};
/* clang-format on */
