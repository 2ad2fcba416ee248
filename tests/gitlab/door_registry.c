/* door_registry.c: where a container registry sends its clients for a token of its own. */
#include "access.h"
#include "base64.h"
#include "clock.h"
#include "door.h"
#include "params.h"

#include <stdlib.h>
#include <string.h>

/* The status stands in the body, too. */
static void
registry_error(struct answer *answer, int status, const char *code, const char *message)
{
	answer_json(answer, status,
		json_pack("{s:[{s:s, s:s}], s:i}", "errors", "code", code, "message", message,
			"http_status", status));
}

static void
registry_unauthorized(const struct request *request, struct answer *answer)
{
	char *message = must_print(DOOR_DENIED
		"%s://%s/help/user/profile/account/"
		"two_factor_authentication_troubleshooting.md#error-http-basic-"
		"access-denied-if-a-password-was-provided-for-git-authentication-",
		request->tls ? "https" : "http", request->host);

	answer_json(answer, 401,
		json_pack("{s:[{s:s, s:s}]}", "errors", "code", "UNAUTHORIZED", "message",
			message));
	free(message);
}

/* An image's name is its project's, with up to two words more. */
static const struct resource *
project_of_image(struct world *world, const char *image)
{
	char *name = must_copy(image);
	const struct resource *project = NULL;

	for (int words = 0; words < 3 && !project; words++) {
		char *slash = strrchr(name, '/');

		project = resource_by_path(world, PROJECT, name);
		if (!slash)
			break;
		*slash = '\0';
	}
	free(name);
	return project;
}

static bool
user_may(const struct user *user, const struct resource *project, int level)
{
	return user && (user->admin || level_in(user, project) >= level);
}

static bool
action_allowed(const struct request *request, const struct resource *project,
	unsigned abilities, const char *action)
{
	const struct deploy_token *token = request->deploy_token;
	const bool reaches = token && deploy_token_reaches(token, project);

	if (strcmp(action, "pull") == 0)
		return abilities & READ_IMAGE &&
		       (reaches || door_can(request->user, project, LEVEL_REPORTER));
	if (strcmp(action, "push") == 0)
		return abilities & CREATE_IMAGE &&
		       (reaches || user_may(request->user, project, LEVEL_DEVELOPER));
	if (strcmp(action, "delete") == 0 || strcmp(action, "*") == 0)
		return abilities & ADMIN_IMAGE &&
		       user_may(request->user, project, LEVEL_MAINTAINER);
	return false;
}

/* repository:NAME:ACTION,ACTION */
static void
scope_add(struct sim *sim, const struct request *request, unsigned abilities, char *scope,
	json_t *access)
{
	const char *type = strsep(&scope, ":"), *name = strsep(&scope, ":");
	const struct resource *project;
	json_t *actions;

	if (!scope || strcmp(type, "repository") != 0)
		return;
	project = project_of_image(&sim->world, name);
	actions = json_array();
	for (char *action; project && (action = strsep(&scope, ","));) {
		if (action_allowed(request, project, abilities, action))
			json_array_append_new(actions, json_string(action));
	}
	if (json_array_size(actions))
		json_array_append_new(access, json_pack("{s:s, s:s, s:O}", "type", type, "name",
						      name, "actions", actions));
	json_decref(actions);
}

/* scope=A+B&scope=C: a client may say it either way. */
static json_t *
access_of(struct sim *sim, const struct request *request, unsigned abilities)
{
	char *query = must_copy(request->query), *rest = query;
	json_t *access = json_array();

	for (char *pair; (pair = strsep(&rest, "&"));) {
		char *scopes, *left;

		if (strncmp(pair, "scope=", 6) != 0)
			continue;
		for (char *plus = pair; (plus = strchr(plus, '+'));)
			*plus = ' ';
		left = scopes = percent_decode(pair + 6, strlen(pair + 6));
		for (char *scope; (scope = strsep(&left, " "));)
			scope_add(sim, request, abilities, scope, access);
		free(scopes);
	}
	free(query);
	return access;
}

static char *
json_base64(json_t *json)
{
	char *text = json_dumps(json, JSON_COMPACT), *out = must_alloc(strlen(text) * 2 + 4);

	base64_url((const unsigned char *)text, strlen(text), out);
	free(text);
	json_decref(json);
	return out;
}

/* Looks like one, and nobody signed it. */
static char *
token_made(const struct sim *sim, const struct request *request, json_t *access)
{
	const json_int_t now = clock_now(&sim->clock) / 1000;
	char *head = json_base64(json_pack("{s:s, s:s}", "typ", "JWT", "alg", "RS256"));
	char *body = json_base64(json_pack("{s:o, s:s, s:s, s:s, s:s?, s:I, s:I}", "access",
		access, "auth_type",
		request->deploy_token ? "deploy_token"
		: request->token      ? "personal_access_token"
				      : "none",
		"iss", "gitlab-issuer", "aud", "container_registry", "sub",
		request->user ? request->user->username : NULL, "iat", now, "exp", now + 300));
	char *token = must_print("%s.%s.nobody-signed-this", head, body);

	free(head);
	free(body);
	return token;
}

void
door_registry(struct sim *sim, struct request *request, struct answer *answer)
{
	const char *service = param_text(request, "service");
	unsigned abilities = DOWNLOAD_CODE | READ_IMAGE;
	json_t *access;
	char *token;

	if (request->login && !door_admit(sim, request, NULL, &abilities)) {
		registry_unauthorized(request, answer);
		return;
	}
	if (!service || strcmp(service, "container_registry") != 0) {
		answer->status = 404;
		return;
	}
	if (!setting_true(sim, "registry_enabled")) {
		registry_error(answer, 404, "UNAVAILABLE", "registry not enabled");
		return;
	}
	access = access_of(sim, request, abilities);
	if (!(abilities & (READ_IMAGE | CREATE_IMAGE | ADMIN_IMAGE)) ||
		(!request->login && !json_array_size(access))) {
		json_decref(access);
		registry_error(answer, 403, "DENIED", "access forbidden");
		return;
	}
	token = token_made(sim, request, access);
	answer_json(answer, 200, json_pack("{s:s}", "token", token));
	free(token);
}
