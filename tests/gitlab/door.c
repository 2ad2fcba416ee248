#include "door.h"

#include "access.h"
#include "auth.h"
#include "params.h"

#include <stdlib.h>
#include <string.h>

#define REGISTRY "/jwt/auth"
#define GIT ".git/info/refs"

static bool
path_is_git(const char *path)
{
	const size_t length = strlen(path), tail = strlen(GIT);

	return length > tail + 1 && strcmp(path + length - tail, GIT) == 0 &&
	       strncmp(path, "/api/", 5) != 0 && strncmp(path, "/sim/", 5) != 0;
}

bool
door_known(const char *path)
{
	return strcmp(path, REGISTRY) == 0 || path_is_git(path);
}

static bool
scopes_have(const json_t *scopes, const char *scope)
{
	size_t i;
	json_t *item;

	json_array_foreach(scopes, i, item)
	{
		if (strcmp(json_string_value(item), scope) == 0)
			return true;
	}
	return false;
}

/* clang-format off */
enum { NOTHING = 0, READ = DOWNLOAD_CODE | READ_IMAGE, ALL = READ | PUSH_CODE | CREATE_IMAGE | ADMIN_IMAGE };

/* Scopes that are not here do not even let somebody in. */
static const struct {
	const char *scope;
	unsigned abilities;
	bool registry; /* there only where there is a registry */
} scope_abilities[] = {
	{ "api", ALL }, { "read_api", READ },
	{ "read_registry", READ_IMAGE, true }, { "write_registry", CREATE_IMAGE, true },
	{ "read_repository", DOWNLOAD_CODE }, { "write_repository", DOWNLOAD_CODE | PUSH_CODE },
	{ "read_user", NOTHING }, { "create_runner", NOTHING }, { "manage_runner", NOTHING },
	{ "k8s_proxy", NOTHING }, { "self_rotate", NOTHING }, { "ai_features", NOTHING },
	{ "read_virtual_registry", NOTHING }, { "write_virtual_registry", NOTHING },
	{ "read_observability", NOTHING }, { "write_observability", NOTHING },
	{ "sudo", NOTHING }, { "admin_mode", NOTHING }, { "read_service_ping", NOTHING },
};
/* clang-format on */

/* False: none of the scopes is one of those that count here. */
static bool
abilities_of(const struct sim *sim, const json_t *scopes, unsigned *abilities)
{
	bool valid = false;

	*abilities = NOTHING;
	for (size_t i = 0; i < ARRAY_SIZE(scope_abilities); i++) {
		if (!scopes_have(scopes, scope_abilities[i].scope))
			continue;
		*abilities |= scope_abilities[i].abilities;
		valid |= !scope_abilities[i].registry || setting_true(sim, "registry_enabled");
	}
	return valid;
}

bool
deploy_token_reaches(const struct deploy_token *token, const struct resource *project)
{
	for (const struct resource *home = project; home; home = home->parent) {
		for (size_t i = 0; i < home->deploy_tokens.count; i++) {
			if (home->deploy_tokens.items[i] == token)
				return true;
		}
	}
	return false;
}

bool
door_can(const struct user *user, const struct resource *project, int level)
{
	if (strcmp(project->visibility, "public") == 0)
		return true;
	if (!user || user_denied(user))
		return false;
	return strcmp(project->visibility, "internal") == 0 || user->admin ||
	       level_in(user, project) >= level;
}

/* A person has to be allowed in; a bot is stopped later. */
static bool
token_admit(struct sim *sim, struct request *request, const struct resource *project,
	unsigned *abilities)
{
	struct user *user = request->token->user;

	if (!abilities_of(sim, request->token->scopes, abilities))
		return false;
	if (user->kind == USER_HUMAN ? user_denied(user) != NULL
				     : project && !door_can(user, project, LEVEL_GUEST))
		return false;
	request->user = user;
	token_touch(sim, request);
	return true;
}

bool
door_admit(struct sim *sim, struct request *request, const struct resource *project,
	unsigned *abilities)
{
	const struct deploy_token *token = request->deploy_token;

	if (request->credential != CREDENTIAL_ACTIVE)
		return false;
	if (request->token)
		return token_admit(sim, request, project, abilities);
	if (project && (!deploy_token_reaches(token, project) || project->no_repository))
		return false;
	return abilities_of(sim, token->scopes, abilities);
}

static void
door_handle(struct sim *sim, struct request *request, struct answer *answer)
{
	char *path;

	auth_look(sim, request);
	if (strcmp(request->method, "GET") != 0) {
		answer->status = 404;
		return;
	}
	json_decref(request->params);
	request->params = json_object();
	form_decode(request->query, request->params);
	if (!path_is_git(request->path)) {
		door_registry(sim, request, answer);
		return;
	}
	path = percent_decode(request->path + 1, strlen(request->path) - 1 - strlen(GIT));
	door_git(sim, request, path, answer);
	free(path);
}

void
gitlab_handle(struct sim *sim, struct request *request, struct answer *answer)
{
	if (door_known(request->path))
		door_handle(sim, request, answer);
	else
		api_handle(sim, request, answer);
}
