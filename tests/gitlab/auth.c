#include "auth.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* `last_used_at` lags: GitLab writes it at most this often. */
#define LAST_USED_EVERY_MSEC(version) ((version) < V(16, 1) ? DAY_MSEC : 10 * 60 * 1000)

bool
token_expired(const struct sim *sim, const struct token *token)
{
	return token->expires != NEVER && token->expires <= clock_today(&sim->clock);
}

bool
token_alive(const struct sim *sim, const struct token *token)
{
	return !token->revoked && !token_expired(sim, token);
}

bool
deploy_token_alive(const struct sim *sim, const struct deploy_token *token)
{
	return !token->revoked &&
	       (!token->expires_at || token->expires_at >= clock_now(&sim->clock));
}

bool
token_has_scope(const struct token *token, const char *scope)
{
	size_t i;
	json_t *item;

	json_array_foreach(token->scopes, i, item)
	{
		if (strcmp(json_string_value(item), scope) == 0)
			return true;
	}
	return false;
}

/* access_tokens/(\d+|self)/rotate$ on the path as it was sent. */
static bool
path_is_rotation(const char *path)
{
	const char *end = path + strlen(path);
	const char *id;

	if (end - path < 7 || strcmp(end - 7, "/rotate") != 0)
		return false;
	end -= 7;
	for (id = end; id > path && id[-1] != '/'; id--)
		;
	if (id - path < 14 || strncmp(id - 14, "access_tokens/", 14) != 0 || id == end)
		return false;
	if (end - id == 4 && strncmp(id, "self", 4) == 0)
		return true;
	return strspn(id, "0123456789") == (size_t)(end - id);
}

/* The walk follows dead links too; only those still active are revoked. */
static void
family_revoke(struct sim *sim, struct token *ancestor)
{
	for (size_t i = 0; i < ancestor->successors.count; i++) {
		struct token *token = ancestor->successors.items[i];

		if (token_alive(sim, token))
			token->revoked = true;
		family_revoke(sim, token);
	}
}

static struct deploy_token *
deploy_token_in(const struct list *resources, const char *secret)
{
	for (size_t i = 0; i < resources->count; i++) {
		const struct resource *resource = resources->items[i];

		for (size_t j = 0; resource && j < resource->deploy_tokens.count; j++) {
			struct deploy_token *token = resource->deploy_tokens.items[j];

			if (strcmp(token->secret, secret) == 0)
				return token;
		}
	}
	return NULL;
}

static struct deploy_token *
deploy_token_presented(const struct sim *sim, const struct request *request)
{
	struct deploy_token *token = deploy_token_in(&sim->world.projects, request->secret);

	return token ? token : deploy_token_in(&sim->world.groups, request->secret);
}

/* Under another name than its own a deploy token is as good as none. */
static enum credential
deploy_credential(const struct sim *sim, const struct request *request)
{
	const struct deploy_token *token = request->deploy_token;

	if (!token || strcmp(token->username, request->login) != 0)
		return CREDENTIAL_UNKNOWN;
	if (token->revoked)
		return CREDENTIAL_REVOKED;
	return deploy_token_alive(sim, token) ? CREDENTIAL_ACTIVE : CREDENTIAL_EXPIRED;
}

void
auth_look(struct sim *sim, struct request *request)
{
	struct token *token = map_get(&sim->world.secrets, request->secret);

	request->token = token;
	request->deploy_token =
		request->login && !token ? deploy_token_presented(sim, request) : NULL;
	if (!request->secret)
		request->credential = CREDENTIAL_NONE;
	else if (!token)
		request->credential = deploy_credential(sim, request);
	else if (token_expired(sim, token))
		/* Expiry comes first: a revoked token past its date harms nobody any more. */
		request->credential = CREDENTIAL_EXPIRED;
	else
		request->credential = token->revoked ? CREDENTIAL_REVOKED : CREDENTIAL_ACTIVE;
}

void
auth_identify(struct sim *sim, struct request *request)
{
	auth_look(sim, request);
	if (request->credential == CREDENTIAL_REVOKED && sim->version >= V(16, 3) &&
		path_is_rotation(request->path))
		family_revoke(sim, request->token);
}

static bool
scope_check(const struct request *request, enum scope_rule rule, struct answer *answer)
{
	static const struct {
		enum scope_rule rule;
		bool reading;
		const char *scopes;
	} rules[] = {
		{ SCOPE_API, true, "api read_api" },
		{ SCOPE_API, false, "api" },
		{ SCOPE_USER, true, "api read_api read_user" },
		{ SCOPE_USER, false, "api" },
		{ SCOPE_SELF_ROTATE, false, "api self_rotate" },
		{ SCOPE_CREATE_RUNNER, false, "api create_runner" },
		{ SCOPE_MANAGE_RUNNER, true, "api read_api manage_runner" },
		{ SCOPE_MANAGE_RUNNER, false, "api manage_runner" },
	};
	bool reading = strcmp(request->method, "GET") == 0;
	char copy[64], *rest = copy;

	for (size_t i = 0; i < ARRAY_SIZE(rules); i++) {
		if (rules[i].rule != rule || rules[i].reading != reading)
			continue;
		snprintf(copy, sizeof(copy), "%s", rules[i].scopes);
		for (char *scope; (scope = strsep(&rest, " "));) {
			if (token_has_scope(request->token, scope))
				return true;
		}
		error_scope(answer, rules[i].scopes);
		return false;
	}
	return true;
}

const char *
user_denied(const struct user *user)
{
	static const struct {
		const char *state, *text;
	} denied[] = {
		{ "blocked", "Your account has been blocked." },
		{ "ldap_blocked", "Your account has been blocked." },
		{ "banned", "Your account has been blocked." },
		{ "deactivated", "Your account has been deactivated by your administrator. "
				 "Please log back in to reactivate your account." },
		{ "blocked_pending_approval", "Your request to join is pending approval from "
					      "your administrator." },
	};

	for (size_t i = 0; i < ARRAY_SIZE(denied); i++) {
		if (strcmp(user->state, denied[i].state) == 0)
			return denied[i].text;
	}
	return NULL;
}

static bool
user_check(const struct user *user, struct answer *answer)
{
	const char *why = user_denied(user);

	if (why)
		error_message(answer, 403, "403 Forbidden - %s", why);
	return !why;
}

void
token_touch(struct sim *sim, struct request *request)
{
	int64_t now = clock_now(&sim->clock);
	struct token *token = request->token;

	if (now - token->last_used_at < LAST_USED_EVERY_MSEC(sim->version))
		return;
	token->last_used_at = now;
	snprintf(token->last_used_ip, sizeof(token->last_used_ip), "%s", request->address);
}

bool
auth_check(
	struct sim *sim, struct request *request, enum scope_rule rule, struct answer *answer)
{
	switch (request->credential) {
	case CREDENTIAL_NONE:
	case CREDENTIAL_UNKNOWN:
		error_unauthorized(answer);
		return false;
	case CREDENTIAL_EXPIRED:
		error_invalid_token(answer, "Token is expired. You can either do "
					    "re-authorization or token refresh.");
		return false;
	case CREDENTIAL_REVOKED:
		error_invalid_token(
			answer, "Token was revoked. You have to re-authorize from the user.");
		return false;
	case CREDENTIAL_ACTIVE:
		break;
	}
	if (!scope_check(request, rule, answer) || !user_check(request->token->user, answer))
		return false;
	request->user = request->token->user;
	token_touch(sim, request);
	return true;
}
