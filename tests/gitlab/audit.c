/* audit.c: which requests leave an audit event. A rotation leaves none: that is GitLab's way. */
#include "audit.h"

#include "access.h"

#include <stdlib.h>
#include <string.h>

/* Where the id of what was made or ended stands. */
enum subject { ANSWER_ID, TOKEN_ID, PATH_ID, OWN_TOKEN, VARIABLE_KEY };

static const struct audited {
	const char *method, *path, *name;
	const char *entity; /* User: whoever did it; else the `id` of the path */
	const char *target;
	enum subject subject;
	const char *message; /* ends in the id or key of the subject */
} audited[] = {
/* clang-format off */
#define PATS "/personal_access_tokens"
#define PAT_CREATED "personal_access_token_created", "User", "User", ANSWER_ID, "Created personal access token with id "
#define PAT_REVOKED(subject) "personal_access_token_revoked", "User", "User", subject, "Revoked personal access token with id "
#define OF_ACCOUNT(base) \
	{ "POST",   base "/:user_id" PATS,              PAT_CREATED }, \
	{ "DELETE", base "/:user_id" PATS "/:token_id", PAT_REVOKED(TOKEN_ID) }
#define OF_RESOURCE(base, entity, word, deploy) \
	{ "POST",   base "/access_tokens",           word "_access_token_created", entity, "User", ANSWER_ID, \
		"Created " word " access token with token_id: " }, \
	{ "DELETE", base "/access_tokens/:token_id", word "_access_token_deleted", entity, "User", TOKEN_ID, \
		"Revoked " word " access token with token_id: " }, \
	{ "POST",   base "/deploy_tokens",           deploy "_created",            entity, "DeployToken", ANSWER_ID, \
		"Created " word " deploy token with token_id: " }, \
	{ "DELETE", base "/deploy_tokens/:token_id", deploy "_destroyed",          entity, "DeployToken", TOKEN_ID, \
		"Destroyed " word " deploy token with token_id: " }
#define OF_VARIABLE(base, entity, name, target) \
	{ "POST",   base "/variables",      name "_created", entity, target, VARIABLE_KEY, "Added ci variable " }, \
	{ "PUT",    base "/variables/:key", name "_updated", entity, target, VARIABLE_KEY, "Changed ci variable " }, \
	{ "DELETE", base "/variables/:key", name "_deleted", entity, target, VARIABLE_KEY, "Removed ci variable " }
#define AGENT_TOKENS "/projects/:id/cluster_agents/:agent_id/tokens"

	{ "POST",   "/user" PATS,           PAT_CREATED },
	{ "POST",   "/users/:user_id" PATS, PAT_CREATED },
	{ "DELETE", PATS "/self",           PAT_REVOKED(OWN_TOKEN) },
	{ "DELETE", PATS "/:id",            PAT_REVOKED(PATH_ID) },
	OF_ACCOUNT("/groups/:id/service_accounts"),
	OF_ACCOUNT("/projects/:id/service_accounts"),
	OF_RESOURCE("/projects/:id", "Project", "project", "deploy_token"),
	OF_RESOURCE("/groups/:id", "Group", "group", "group_deploy_token"),
	OF_VARIABLE("/projects/:id", "Project", "ci_variable", "Ci::Variable"),
	OF_VARIABLE("/groups/:id", "Group", "ci_group_variable", "Ci::GroupVariable"),
	{ "POST",   AGENT_TOKENS,              "cluster_agent_token_created", "Project", "Clusters::Agent", ANSWER_ID,
		"Created cluster agent token with id " },
	{ "DELETE", AGENT_TOKENS "/:token_id", "cluster_agent_token_revoked", "Project", "Clusters::Agent", TOKEN_ID,
		"Revoked cluster agent token with id " },
	{ 0 }
	/* clang-format on */
};

static const struct audited *
audited_find(const struct route *route)
{
	const struct audited *row;

	for (row = audited; row->method; row++) {
		if (strcmp(row->method, route->method) == 0 &&
			strcmp(row->path, route->path) == 0)
			return row;
	}
	return NULL;
}

/* Ids are numbers, or text where the route leaves them as they came. */
static char *
text_of(const json_t *value)
{
	if (json_is_string(value))
		return must_copy(json_string_value(value));
	return must_print("%lld", (long long)json_integer_value(value));
}

static char *
subject_of(const struct audited *row, const struct request *request, const json_t *made)
{
	switch (row->subject) {
	case ANSWER_ID:
		return text_of(json_object_get(made, "id"));
	case TOKEN_ID:
		return text_of(json_object_get(request->params, "token_id"));
	case PATH_ID:
		return text_of(json_object_get(request->params, "id"));
	case OWN_TOKEN:
		return must_print("%ld", request->token->id);
	default:
		return text_of(json_object_get(request->params, "key"));
	}
}

void
audit_write(struct sim *sim, const struct route *route, const struct request *request,
	const struct answer *answer)
{
	const struct audited *row = answer->status / 100 == 2 ? audited_find(route) : NULL;
	const struct resource *entity = NULL;
	struct audit_event *event;
	char *subject, *message;

	if (!row)
		return;
	if (strcmp(row->entity, "User") != 0)
		entity = resource_named(&sim->world,
			strcmp(row->entity, "Group") == 0 ? GROUP : PROJECT,
			param_text(request, "id"));
	subject = subject_of(row, request, answer->json);
	message = must_print("%s%s", row->message, subject);
	event = audit_event_add(&sim->world.extras);
	event->author_id = request->user->id;
	event->entity_type = row->entity;
	event->entity_id = entity ? entity->id : request->user->id;
	event->name = row->name;
	event->created_at = clock_now(&sim->clock);
	event->details = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "event_name",
		row->name, "author_name", request->user->name, "author_class", "User",
		"target_id", subject, "target_type", row->target, "custom_message", message,
		"ip_address", request->address, "entity_path",
		entity ? entity->path : request->user->username);
	free(subject);
	free(message);
}
