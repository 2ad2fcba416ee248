/* agents.c: Kubernetes agents and their tokens: replaced, never rotated, and two of them at most. */
#include "access.h"
#include "page.h"
#include "route.h"
#include "views.h"

#include <stdlib.h>
#include <string.h>

#define URL_SAFE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

enum { ACTIVE_TOKENS_MAX = 2, TOKEN_LENGTH = 50 };

static json_t *
agent_view(struct sim *sim, struct request *request, void *row)
{
	const struct agent *agent = row;
	const struct resource *project = agent->project;
	char created[MOMENT_SIZE], project_created[MOMENT_SIZE];

	(void)sim;
	(void)request;
	return json_pack("{s:I, s:s, s:{s:I, s:s?, s:s, s:s, s:s, s:s, s:s}, s:s, s:I}", "id",
		(json_int_t)agent->id, "name", agent->name, "config_project", "id",
		(json_int_t)project->id, "description", project->description, "name",
		project->name, "name_with_namespace", project->path, "path",
		resource_slug(project), "path_with_namespace", project->path, "created_at",
		moment_print(project->created_at, project_created), "created_at",
		moment_print(agent->created_at, created), "created_by_user_id",
		(json_int_t)agent->creator_id);
}

json_t *
agent_token_view(struct sim *sim, struct request *request, void *row)
{
	const struct agent_token *token = row;
	char created[MOMENT_SIZE];

	(void)sim;
	(void)request;
	return json_pack("{s:I, s:s, s:s?, s:I, s:s, s:s, s:I}", "id", (json_int_t)token->id,
		"name", token->name, "description", token->description, "agent_id",
		(json_int_t)token->agent_id, "status", token->revoked ? "revoked" : "active",
		"created_at", moment_print(token->created_at, created), "created_by_user_id",
		(json_int_t)token->creator_id);
}

/* Who may not read finds no agents at all; who may read but not write is told so. */
static struct resource *
project_require(struct sim *sim, struct request *request, int level, struct answer *answer)
{
	struct resource *project = resource_require(sim, request, PROJECT, answer);

	if (!project || has_level(sim, request, project, level))
		return project;
	if (level == LEVEL_MAINTAINER)
		error_forbidden(answer);
	else
		error_record_not_found(answer);
	return NULL;
}

static struct agent *
agent_require(struct sim *sim, struct request *request, int level, struct answer *answer)
{
	struct resource *project = project_require(sim, request, level, answer);
	const struct list *agents = &sim->world.extras.agents;

	if (!project)
		return NULL;
	for (size_t i = 0; i < agents->count; i++) {
		struct agent *agent = agents->items[i];

		if (agent->project == project && agent->id == param_number(request, "agent_id"))
			return agent;
	}
	error_record_not_found(answer);
	return NULL;
}

static void
agents_list(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *project = resource_require(sim, request, PROJECT, answer);
	const struct list *agents = &sim->world.extras.agents;
	struct list found = { 0 };

	if (!project)
		return;
	if (!has_level(sim, request, project, LEVEL_DEVELOPER)) {
		error_not_found(answer, "ClusterAgents");
		return;
	}
	for (size_t i = 0; i < agents->count; i++) {
		struct agent *agent = agents->items[i];

		if (agent->project == project)
			list_add(&found, agent);
	}
	page_answer(sim, request, &found, agent_view, answer);
	list_done(&found);
}

static void
agent_get(struct sim *sim, struct request *request, struct answer *answer)
{
	struct agent *agent = agent_require(sim, request, LEVEL_DEVELOPER, answer);

	if (agent)
		answer_json(answer, 200, agent_view(sim, request, agent));
}

/* Lower-case letters, digits and inner dashes, 63 at most: it becomes the name of a host. */
static bool
name_valid(const char *name)
{
	size_t length = strlen(name);

	if (!length || length > 63 || name[0] == '-' || name[length - 1] == '-')
		return false;
	return name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}

static bool
name_taken(const struct sim *sim, const struct resource *project, const char *name)
{
	const struct list *agents = &sim->world.extras.agents;

	for (size_t i = 0; i < agents->count; i++) {
		const struct agent *agent = agents->items[i];

		if (agent->project == project && strcmp(agent->name, name) == 0)
			return true;
	}
	return false;
}

static void
agent_create(struct sim *sim, struct request *request, struct answer *answer)
{
	struct resource *project = project_require(sim, request, LEVEL_MAINTAINER, answer);
	const char *name = param_text(request, "name");
	struct agent *agent;

	if (!project)
		return;
	if (!name_valid(name) || name_taken(sim, project, name)) {
		error_bad_request(answer,
			name_valid(name)
				? "[\"Name has already been taken\"]"
				: "[\"Name can contain only lowercase letters, digits, and '-', "
				  "but cannot start or end with '-'\"]");
		return;
	}
	agent = agent_add(&sim->world.extras, project, name);
	agent->creator_id = request->user->id;
	agent->created_at = clock_now(&sim->clock);
	answer_json(answer, 201, agent_view(sim, request, agent));
}

static void
agent_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	struct agent *agent = agent_require(sim, request, LEVEL_MAINTAINER, answer);

	if (!agent)
		return;
	agent_remove(&sim->world.extras, agent);
	answer_no_content(answer);
}

/* Only the living stand in lists and can be asked for. */
static void
tokens_collect(const struct agent *agent, struct list *into)
{
	for (size_t i = 0; i < agent->tokens.count; i++) {
		struct agent_token *token = agent->tokens.items[i];

		if (!token->revoked)
			list_add(into, token);
	}
}

static void
tokens_list(struct sim *sim, struct request *request, struct answer *answer)
{
	struct agent *agent = agent_require(sim, request, LEVEL_DEVELOPER, answer);
	struct list found = { 0 };

	if (!agent)
		return;
	tokens_collect(agent, &found);
	page_answer(sim, request, &found, agent_token_view, answer);
	list_done(&found);
}

static struct agent_token *
token_require(const struct agent *agent, const struct request *request, bool revoked_too,
	struct answer *answer)
{
	for (size_t i = 0; i < agent->tokens.count; i++) {
		struct agent_token *token = agent->tokens.items[i];

		if (token->id == param_number(request, "token_id") &&
			(revoked_too || !token->revoked))
			return token;
	}
	error_record_not_found(answer);
	return NULL;
}

static json_t *
token_view_single(struct sim *sim, struct request *request, struct agent_token *token)
{
	json_t *json = agent_token_view(sim, request, token);

	json_object_set_new(json, "last_used_at", json_null());
	return json;
}

static void
token_get(struct sim *sim, struct request *request, struct answer *answer)
{
	struct agent *agent = agent_require(sim, request, LEVEL_DEVELOPER, answer);
	struct agent_token *token = agent ? token_require(agent, request, false, answer) : NULL;

	if (token)
		answer_json(answer, 200, token_view_single(sim, request, token));
}

static void
token_create(struct sim *sim, struct request *request, struct answer *answer)
{
	struct agent *agent = agent_require(sim, request, LEVEL_MAINTAINER, answer);
	struct list active = { 0 };
	char body[TOKEN_LENGTH + 1];
	struct agent_token *token;
	json_t *json;
	bool full;

	if (!agent)
		return;
	tokens_collect(agent, &active);
	full = sim->version >= V(16, 2) && active.count >= ACTIVE_TOKENS_MAX;
	list_done(&active);
	if (full) {
		error_bad_request(answer, "An agent can have only two active tokens at a time");
		return;
	}
	random_text(body, TOKEN_LENGTH, URL_SAFE);
	token = agent_token_add(&sim->world.extras, agent, param_text(request, "name"),
		param_text(request, "description"), must_print("glagent-%s", body));
	token->creator_id = request->user->id;
	token->created_at = clock_now(&sim->clock);
	json = token_view_single(sim, request, token);
	json_object_set_new(json, "token", json_string(token->secret));
	answer_json(answer, 201, json);
}

/* Revoking looks at all tokens, so that a second time is no error. */
static void
token_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	struct agent *agent = agent_require(sim, request, LEVEL_MAINTAINER, answer);
	struct agent_token *token = agent ? token_require(agent, request, true, answer) : NULL;

	if (!token)
		return;
	token->revoked = true;
	answer_no_content(answer);
}

/* clang-format off */
#define AGENT_ID { "agent_id", PARAM_NUMBER, .required = true }
#define TOKEN_ID { "token_id", PARAM_NUMBER, .required = true }

static const struct param list_params[] = { PAGE_PARAMS, { 0 } };
static const struct param create_params[] = { { "name", PARAM_TEXT, .required = true }, { 0 } };
static const struct param agent_params[] = { AGENT_ID, { 0 } };
static const struct param tokens_params[] = { AGENT_ID, PAGE_PARAMS, { 0 } };
static const struct param token_params[] = { AGENT_ID, TOKEN_ID, { 0 } };
static const struct param token_create_params[] = {
	AGENT_ID, { "name", PARAM_TEXT, .required = true }, { "description", PARAM_TEXT }, { 0 }
};

#define AGENTS "/projects/:id/cluster_agents"
#define TOKENS AGENTS "/:agent_id/tokens"

const struct route agent_routes[] = {
	{ "GET",    AGENTS,              agents_list,  list_params },
	{ "POST",   AGENTS,              agent_create, create_params },
	{ "GET",    AGENTS "/:agent_id", agent_get,    agent_params },
	{ "DELETE", AGENTS "/:agent_id", agent_delete, agent_params },
	{ "GET",    TOKENS,              tokens_list,  tokens_params },
	{ "POST",   TOKENS,              token_create, token_create_params },
	{ "GET",    TOKENS "/:token_id", token_get,    token_params },
	{ "DELETE", TOKENS "/:token_id", token_delete, token_params },
	{ 0 }
};
/* clang-format on */
