/* tokens.c: /personal_access_tokens, and those administrators make for others. */
#include "access.h"
#include "expiry.h"
#include "rotate.h"
#include "route.h"
#include "token_view.h"

#include <string.h>

/* Administrators see the whole instance, bots included; others themselves. */
static void
tokens_collect(struct sim *sim, struct request *request, struct user *only, struct list *into)
{
	bool admin = is_admin(sim, request);
	const struct list *all = only ? &only->tokens : &sim->world.tokens;

	for (size_t i = 0; i < all->count; i++) {
		struct token *token = all->items[i];

		if (token && (admin || !token->impersonation))
			list_add(into, token);
	}
}

static void
tokens_list(struct sim *sim, struct request *request, struct answer *answer)
{
	struct list found = { 0 };
	bool admin = is_admin(sim, request);
	struct user *user = admin ? NULL : request->user;

	if (param_given(request, "user_id")) {
		user = list_at(&sim->world.users, param_number(request, "user_id"));
		if (admin && !user) {
			error_not_found(answer, "User");
			return;
		}
		if (!admin && user != request->user) {
			error_unauthorized(answer);
			return;
		}
	}
	tokens_collect(sim, request, user, &found);
	token_filter(sim, request, &found);
	page_answer(sim, request, &found, token_view, answer);
	list_done(&found);
}

/* Who may not know gets 401, whether the id exists or not; an administrator gets the 404. */
static struct token *
token_require(struct sim *sim, struct request *request, struct answer *answer)
{
	struct token *token = list_at(&sim->world.tokens, param_number(request, "id"));
	bool admin = is_admin(sim, request);

	if (token && (admin || token->user == request->user))
		return token;
	if (admin)
		error_not_found(answer, NULL);
	else
		error_unauthorized(answer);
	return NULL;
}

static void
token_get(struct sim *sim, struct request *request, struct answer *answer)
{
	struct token *token = token_require(sim, request, answer);

	if (token)
		answer_json(answer, 200, token_view_single(sim, request, token));
}

static void
token_get_self(struct sim *sim, struct request *request, struct answer *answer)
{
	answer_json(answer, 200, token_view_single(sim, request, request->token));
}

static void
token_rotate(struct sim *sim, struct request *request, struct answer *answer)
{
	struct token *token = token_require(sim, request, answer);

	if (token)
		rotate_answer(sim, request, token, token_view, answer);
}

static void
token_rotate_self(struct sim *sim, struct request *request, struct answer *answer)
{
	rotate_answer(sim, request, request->token, token_view, answer);
}

/* The row is looked up before the permission, so an unknown id is 404 for everybody. */
static void
token_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	struct token *token = list_at(&sim->world.tokens, param_number(request, "id"));

	if (!token) {
		error_record_not_found(answer);
		return;
	}
	if (!is_admin(sim, request) && (token->user != request->user || token->impersonation)) {
		if (sim->version < V(17, 0))
			error_message(answer, 400, "400 Bad request");
		else
			error_bad_request(answer, "Not permitted to revoke");
		return;
	}
	token->revoked = true;
	answer_no_content(answer);
}

static void
token_delete_self(struct sim *sim, struct request *request, struct answer *answer)
{
	(void)sim;
	request->token->revoked = true;
	answer_no_content(answer);
}

static void
created_answer(
	struct sim *sim, struct request *request, struct token *token, struct answer *answer)
{
	json_t *json = token_view(sim, request, token);

	if (token->impersonation)
		json_object_set_new(json, "impersonation", json_true());
	json_object_set_new(json, "token", json_string(token->secret));
	answer_json(answer, 201, json);
}

static void
create_for(struct sim *sim, struct request *request, struct user *user, bool impersonation,
	struct answer *answer)
{
	struct token *token;
	char message[128];
	int expires;

	if (!expiry_choose(sim, request, user, EXPIRY_CREATE_PERSONAL, &expires, message)) {
		error_message(answer, 422, "%s", message);
		return;
	}
	token = create_token(sim, request, user, expires);
	token->impersonation = impersonation;
	created_answer(sim, request, token, answer);
}

static void
token_create_own(struct sim *sim, struct request *request, struct answer *answer)
{
	create_for(sim, request, request->user, false, answer);
}

static struct user *
user_require(struct sim *sim, struct request *request, struct answer *answer)
{
	struct user *user = list_at(&sim->world.users, param_number(request, "user_id"));

	if (!user)
		error_not_found(answer, "User");
	return user;
}

static void
token_create_for_user(struct sim *sim, struct request *request, struct answer *answer)
{
	struct user *user = user_require(sim, request, answer);

	if (user)
		create_for(sim, request, user, false, answer);
}

static void
impersonation_create(struct sim *sim, struct request *request, struct answer *answer)
{
	struct user *user = user_require(sim, request, answer);

	if (user)
		create_for(sim, request, user, true, answer);
}

static json_t *
impersonation_view(struct sim *sim, struct request *request, void *row)
{
	json_t *json = token_view(sim, request, row);

	json_object_set_new(json, "impersonation", json_true());
	return json;
}

static void
impersonation_list(struct sim *sim, struct request *request, struct answer *answer)
{
	struct user *user = user_require(sim, request, answer);
	const char *state = param_text(request, "state");
	struct list found = { 0 };

	if (!user)
		return;
	for (size_t i = 0; i < user->tokens.count; i++) {
		struct token *token = user->tokens.items[i];
		bool alive = token_alive(sim, token);

		if (token->impersonation &&
			(strcmp(state, "all") == 0 || alive == (strcmp(state, "active") == 0)))
			list_add(&found, token);
	}
	page_answer(sim, request, &found, impersonation_view, answer);
	list_done(&found);
}

static struct token *
impersonation_require(struct sim *sim, struct request *request, struct answer *answer)
{
	struct user *user = user_require(sim, request, answer);
	struct token *token = list_at(&sim->world.tokens, param_number(request, "token_id"));

	if (!user)
		return NULL;
	if (token && token->user == user && token->impersonation)
		return token;
	error_not_found(answer, "Impersonation Token");
	return NULL;
}

static void
impersonation_get(struct sim *sim, struct request *request, struct answer *answer)
{
	struct token *token = impersonation_require(sim, request, answer);

	if (token)
		answer_json(answer, 200, impersonation_view(sim, request, token));
}

static void
impersonation_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	struct token *token = impersonation_require(sim, request, answer);

	if (!token)
		return;
	token->revoked = true;
	answer_no_content(answer);
}

/* clang-format off */
static const struct param list_params[] = {
	{ "user_id", PARAM_NUMBER },
	TOKEN_FILTER_PARAMS(0, 0, V(17, 0)), { 0 }
};
static const struct param id_params[] = { { "id", PARAM_NUMBER, .required = true }, { 0 } };
static const struct param rotate_params[] = {
	{ "id", PARAM_NUMBER, .required = true },
	{ "expires_at", PARAM_DAY, .from = V(16, 6) }, { 0 }
};
static const struct param rotate_self_params[] = { { "expires_at", PARAM_DAY }, { 0 } };
static const struct param create_params[] = {
	{ "user_id", PARAM_NUMBER, .required = true },
	{ "name", PARAM_TEXT, .required = true },
	{ "scopes", PARAM_COMMAS, .required = true, .scopes = SCOPES_PERSONAL },
	{ "description", PARAM_TEXT, .from = V(17, 7) },
	{ "expires_at", PARAM_DAY }, { 0 }
};
static const struct param create_own_params[] = {
	{ "name", PARAM_TEXT, .required = true },
	{ "scopes", PARAM_COMMAS, .required = true, .scopes = SCOPES_OWN },
	{ "description", PARAM_TEXT, .from = V(17, 7) },
	{ "expires_at", PARAM_DAY }, { 0 }
};
static const struct param impersonations_params[] = {
	{ "user_id", PARAM_NUMBER, .required = true },
	{ "state", PARAM_TEXT, .values = "all,active,inactive", .fallback = "all" },
	PAGE_PARAMS, { 0 }
};
static const struct param impersonation_params[] = {
	{ "user_id", PARAM_NUMBER, .required = true },
	{ "token_id", PARAM_NUMBER, .required = true }, { 0 }
};

#define PAT "/personal_access_tokens"
#define USER_PAT "/users/:user_id/personal_access_tokens"
#define IMPERSONATION "/users/:user_id/impersonation_tokens"

const struct route token_routes[] = {
	{ "GET",    PAT,                   tokens_list,           list_params },
	{ "GET",    PAT "/self",           token_get_self,        NULL,               SCOPE_ANY },
	{ "DELETE", PAT "/self",           token_delete_self,     NULL,               SCOPE_ANY },
	{ "POST",   PAT "/self/rotate",    token_rotate_self,     rotate_self_params, SCOPE_SELF_ROTATE, V(16, 10) },
	{ "GET",    PAT "/:id",            token_get,             id_params },
	{ "DELETE", PAT "/:id",            token_delete,          id_params },
	{ "POST",   PAT "/:id/rotate",     token_rotate,          rotate_params },
	{ "POST",   "/user" PAT,           token_create_own,      create_own_params,  .from = V(16, 5) },
	{ "POST",   USER_PAT,              token_create_for_user, create_params,         .admin = true },
	{ "GET",    IMPERSONATION,         impersonation_list,    impersonations_params, .admin = true },
	{ "POST",   IMPERSONATION,         impersonation_create,  create_params,         .admin = true },
	{ "GET",    IMPERSONATION "/:token_id", impersonation_get,    impersonation_params, .admin = true },
	{ "DELETE", IMPERSONATION "/:token_id", impersonation_delete, impersonation_params, .admin = true },
	{ 0 }
};
/* clang-format on */
