/* service_accounts.c: accounts of groups, projects and the instance, and their tokens. */
#include "access.h"
#include "expiry.h"
#include "rotate.h"
#include "route.h"
#include "token_view.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static json_t *
account_view(struct sim *sim, struct request *request, void *row)
{
	const struct user *user = row;
	json_t *json =
		json_pack("{s:I, s:s}", "id", (json_int_t)user->id, "username", user->username);
	char email[256];

	(void)request;
	if (sim->version >= V(18, 0))
		json_object_set_new(json, "public_email", json_null());
	json_object_set_new(json, "name", json_string(user->name));
	if (sim->version >= V(18, 0)) {
		snprintf(email, sizeof(email), "%s@noreply.localhost", user->username);
		json_object_set_new(json, "email", json_string(email));
	}
	return json;
}

/* The project or top-level group whose accounts the caller may manage. */
static struct resource *
home_require(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *home = resource_require(sim, request, kind, answer);

	if (!home)
		return NULL;
	if (kind == GROUP && home->parent) {
		error_bad_request(answer, "Must be a top-level group");
		return NULL;
	}
	if (!has_level(sim, request, home, kind == GROUP ? LEVEL_OWNER : LEVEL_MAINTAINER)) {
		error_forbidden(answer);
		return NULL;
	}
	return home;
}

static void
accounts_answer(struct sim *sim, struct request *request, const struct list *accounts,
	struct answer *answer)
{
	page_answer(sim, request, accounts, account_view, answer);
}

static void
accounts_list(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *home = home_require(sim, request, kind, answer);

	if (home)
		accounts_answer(sim, request, &home->accounts, answer);
}

static void
instance_accounts_list(struct sim *sim, struct request *request, struct answer *answer)
{
	struct list found = { 0 };

	for (size_t i = 0; i < sim->world.users.count; i++) {
		struct user *user = sim->world.users.items[i];

		if (user && user->kind == USER_SERVICE && !user->home)
			list_add(&found, user);
	}
	accounts_answer(sim, request, &found, answer);
	list_done(&found);
}

static void
account_make(
	struct sim *sim, struct request *request, struct resource *home, struct answer *answer)
{
	const char *username = param_text(request, "username");
	const char *name = param_text(request, "name");
	char generated[128], random[33];
	struct user *user;

	random_text(random, sizeof(random) - 1, "0123456789abcdef");
	if (home)
		snprintf(generated, sizeof(generated), "service_account_%s_%ld_%s",
			resource_word(home->kind), home->id, random);
	else
		snprintf(generated, sizeof(generated), "service_account_%s", random);
	user = user_add(&sim->world, 0, username ? username : generated,
		name ? name : "Service account user");
	if (!user) {
		error_bad_request(answer, "Username has already been taken");
		return;
	}
	user->kind = USER_SERVICE;
	user->home = home;
	user->creator = request->user;
	user->created_at = clock_now(&sim->clock);
	if (home)
		list_add(&home->accounts, user);
	answer_json(answer, 201, account_view(sim, request, user));
}

/* Owners create accounts only where the instance lets them. */
static void
account_create(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *home = home_require(sim, request, kind, answer);

	if (!home)
		return;
	if (kind == GROUP && !is_admin(sim, request) &&
		!setting_true(sim, "allow_top_level_group_owners_to_create_service_accounts"))
		error_forbidden(answer);
	else
		account_make(sim, request, home, answer);
}

static void
instance_account_create(struct sim *sim, struct request *request, struct answer *answer)
{
	account_make(sim, request, NULL, answer);
}

static struct user *
account_require(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *home = home_require(sim, request, kind, answer);
	struct user *user = list_at(&sim->world.users, param_number(request, "user_id"));

	if (!home)
		return NULL;
	if (user && user->kind == USER_SERVICE && user->home == home)
		return user;
	if (user && user->kind == USER_HUMAN && member_find(home, user))
		error_bad_request(answer, "User is not of type Service Account");
	else
		error_not_found(answer, "User");
	return NULL;
}

static void
account_change(
	struct sim *sim, struct request *request, struct user *user, struct answer *answer)
{
	const char *username = param_text(request, "username");
	const char *name = param_text(request, "name");

	if (username && !user_rename(&sim->world, user, username)) {
		error_bad_request(answer, "Username has already been taken");
		return;
	}
	if (name) {
		free(user->name);
		user->name = must_copy(name);
	}
	answer_json(answer, 200, account_view(sim, request, user));
}

static void
account_update(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct user *user = account_require(sim, request, kind, answer);

	if (user)
		account_change(sim, request, user, answer);
}

static void
instance_account_update(struct sim *sim, struct request *request, struct answer *answer)
{
	struct user *user = list_at(&sim->world.users, param_number(request, "user_id"));

	if (!user || user->kind != USER_SERVICE || user->home)
		error_not_found(answer, "User");
	else
		account_change(sim, request, user, answer);
}

static void
account_delete(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct user *user = account_require(sim, request, kind, answer);

	if (!user)
		return;
	user_remove(&sim->world, user);
	answer_no_content(answer);
}

static void
tokens_list(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct user *user = account_require(sim, request, kind, answer);
	const char *pagination = param_text(request, "pagination");
	struct list found = { 0 };

	if (!user)
		return;
	if (pagination && strcmp(pagination, "keyset") == 0) {
		error_error(answer, 405,
			"Keyset pagination is not yet available for this type of request");
		return;
	}
	for (size_t i = 0; i < user->tokens.count; i++)
		list_add(&found, user->tokens.items[i]);
	token_filter(sim, request, &found);
	page_answer(sim, request, &found, token_view, answer);
	list_done(&found);
}

static void
token_create(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct user *user = account_require(sim, request, kind, answer);
	struct token *token;
	char message[128];
	int expires;
	json_t *json;

	if (!user)
		return;
	if (!expiry_choose(sim, request, user, EXPIRY_CREATE_PERSONAL, &expires, message)) {
		error_message(answer, 422, "%s", message);
		return;
	}
	token = create_token(sim, request, user, expires);
	json = token_view(sim, request, token);
	json_object_set_new(json, "token", json_string(token->secret));
	answer_json(answer, 201, json);
}

static struct token *
token_require(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct user *user = account_require(sim, request, kind, answer);
	struct token *token = list_at(&sim->world.tokens, param_number(request, "token_id"));

	if (!user)
		return NULL;
	if (token && token->user == user)
		return token;
	error_not_found(answer, "Personal Access Token");
	return NULL;
}

static void
token_rotate(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct token *token = token_require(sim, request, kind, answer);

	if (token)
		rotate_answer(sim, request, token, token_view, answer);
}

static void
token_delete(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct token *token = token_require(sim, request, kind, answer);

	if (!token)
		return;
	token->revoked = true;
	answer_no_content(answer);
}

FOR_BOTH(accounts_list)
FOR_BOTH(account_create)
FOR_BOTH(account_update)
FOR_BOTH(account_delete)
FOR_BOTH(tokens_list)
FOR_BOTH(token_create)
FOR_BOTH(token_rotate)
FOR_BOTH(token_delete)

/* clang-format off */
static const struct param page_params[] = { PAGE_PARAMS, { 0 } };
static const struct param account_params[] = {
	{ "name", PARAM_TEXT }, { "username", PARAM_TEXT }, { 0 }
};
static const struct param user_params[] = { { "user_id", PARAM_NUMBER, .required = true }, { 0 } };
static const struct param update_params[] = {
	{ "user_id", PARAM_NUMBER, .required = true },
	{ "name", PARAM_TEXT }, { "username", PARAM_TEXT }, { 0 }
};
static const struct param list_params[] = {
	{ "user_id", PARAM_NUMBER, .required = true },
	{ "pagination", PARAM_TEXT },
	TOKEN_FILTER_PARAMS(0, 0, 0), { 0 }
};
static const struct param create_params[] = {
	{ "user_id", PARAM_NUMBER, .required = true },
	{ "name", PARAM_TEXT, .required = true },
	{ "scopes", PARAM_COMMAS, .required = true, .scopes = SCOPES_PERSONAL },
	{ "description", PARAM_TEXT, .from = V(17, 7) },
	{ "expires_at", PARAM_DAY }, { 0 }
};
static const struct param token_params[] = {
	{ "user_id", PARAM_NUMBER, .required = true },
	{ "token_id", PARAM_NUMBER, .required = true }, { 0 }
};
/* Until 17.9 the date was not declared, so it was ignored without a word. */
static const struct param rotate_params[] = {
	{ "user_id", PARAM_NUMBER, .required = true },
	{ "token_id", PARAM_NUMBER, .required = true },
	{ "expires_at", PARAM_DAY, .from = V(17, 9) }, { 0 }
};

#define ROUTES(prefix, base, accounts, update, tokens, listing)                                              \
	{ "GET",    base,                          prefix##_accounts_list,  page_params,    .from = accounts }, \
	{ "POST",   base,                          prefix##_account_create, account_params, .from = accounts }, \
	{ "PATCH",  base "/:user_id",              prefix##_account_update, update_params,  .from = update }, \
	{ "DELETE", base "/:user_id",              prefix##_account_delete, user_params,    .from = accounts }, \
	{ "GET",    base PATS,                     prefix##_tokens_list,    list_params,    .from = listing }, \
	{ "POST",   base PATS,                     prefix##_token_create,   create_params,  .from = tokens }, \
	{ "POST",   base PATS "/:token_id/rotate", prefix##_token_rotate,   rotate_params,  .from = tokens }, \
	{ "DELETE", base PATS "/:token_id",        prefix##_token_delete,   token_params,   .from = listing }
#define PATS "/:user_id/personal_access_tokens"

const struct route service_account_routes[] = {
	ROUTES(group, "/groups/:id/service_accounts", V(16, 1), V(17, 10), V(16, 1), V(17, 11)),
	ROUTES(project, "/projects/:id/service_accounts", V(18, 11), V(18, 11), V(18, 11), V(18, 11)),
	{ "GET",  "/service_accounts", instance_accounts_list,  page_params,    .from = V(16, 1), .admin = true },
	{ "POST", "/service_accounts", instance_account_create, account_params, .from = V(16, 1), .admin = true },
	{ "PATCH", "/service_accounts/:user_id", instance_account_update, update_params, .from = V(18, 2), .admin = true },
	{ 0 }
};
/* clang-format on */
