#include "job_variables.h"

#include "auth.h"

#include <string.h>

/* Where two live ones have the name, GitLab does not say which: a setting does. */
static bool
newest_wanted(const struct sim *sim, const struct job *job)
{
	const char *choice =
		json_string_value(json_object_get(sim->settings, "deploy_token_choice"));

	if (choice && strcmp(choice, "by_turns") == 0)
		return job->id % 2 == 0;
	return choice && strcmp(choice, "newest") == 0;
}

static const struct deploy_token *
deploy_token_in(const struct sim *sim, const struct job *job, const struct resource *resource)
{
	const struct deploy_token *found = NULL;

	for (size_t i = 0; i < resource->deploy_tokens.count; i++) {
		const struct deploy_token *token = resource->deploy_tokens.items[i];

		if (strcmp(token->name, "gitlab-deploy-token") == 0 &&
			deploy_token_alive(sim, token) && (!found || newest_wanted(sim, job)))
			found = token;
	}
	return found;
}

/* The project's own goes first, then that of the group right above it, and no other. */
static void
deploy_token_give(const struct sim *sim, const struct job *job, json_t *variables)
{
	const struct resource *parent = job->project->parent;
	const struct deploy_token *token = deploy_token_in(sim, job, job->project);

	if (!token && parent)
		token = deploy_token_in(sim, job, parent);
	if (!token)
		return;
	json_object_set_new(variables, "CI_DEPLOY_USER", json_string(token->username));
	json_object_set_new(variables, "CI_DEPLOY_PASSWORD", json_string(token->secret));
}

/* A scope with stars in it, which match anything. */
static bool
scope_matches(const char *scope, const char *environment)
{
	if (*scope == '*')
		return scope_matches(scope + 1, environment) ||
		       (*environment && scope_matches(scope, environment + 1));
	if (*scope != *environment)
		return false;
	return *scope == '\0' || scope_matches(scope + 1, environment + 1);
}

/* 0: not for this job. The higher wins: everywhere, a pattern, the very name. */
static size_t
scope_rank(const struct variable *variable, const struct job *job)
{
	const char *scope = variable->environment_scope;

	if (strcmp(scope, "*") == 0)
		return 1;
	if (!job->environment)
		return 0;
	if (strcmp(scope, job->environment) == 0)
		return SIZE_MAX;
	return scope_matches(scope, job->environment) ? 1 + strlen(scope) : 0;
}

static void
variables_give(const struct list *given, const struct job *job, json_t *variables)
{
	for (size_t i = 0; i < given->count; i++) {
		const struct variable *variable = given->items[i];
		const size_t rank = scope_rank(variable, job);
		bool beaten = !rank || (variable->protected && !job->protected);

		for (size_t j = 0; j < given->count && !beaten; j++) {
			const struct variable *other = given->items[j];

			beaten = strcmp(other->key, variable->key) == 0 &&
			         (!other->protected || job->protected) &&
			         scope_rank(other, job) > rank;
		}
		if (!beaten)
			json_object_set_new(
				variables, variable->key, json_string(variable->value));
	}
}

static void
resource_give(const struct resource *resource, const struct job *job, json_t *variables)
{
	if (!resource)
		return;
	resource_give(resource->parent, job, variables);
	variables_give(&resource->variables, job, variables);
}

json_t *
job_variables(const struct sim *sim, const struct job *job)
{
	json_t *variables = json_object();

	deploy_token_give(sim, job, variables);
	variables_give(&sim->world.variables, job, variables);
	resource_give(job->project, job, variables);
	return variables;
}
