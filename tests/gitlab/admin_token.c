/* admin_token.c: /admin/token, which tells whose a secret is, or ends it.
 * The kind is told by the prefix alone: a secret without a known one is not supported. */
#include "route.h"
#include "runners.h"
#include "token_view.h"
#include "views.h"

#include <string.h>

static void *
access_token_find(struct sim *sim, const char *secret)
{
	return map_get(&sim->world.secrets, secret);
}

static void *
deploy_token_find(struct sim *sim, const char *secret)
{
	for (enum resource_kind kind = GROUP; kind <= PROJECT; kind++) {
		const struct list *resources = resource_list(&sim->world, kind);

		for (size_t i = 0; i < resources->count; i++) {
			const struct resource *resource = resources->items[i];

			for (size_t j = 0; resource && j < resource->deploy_tokens.count; j++) {
				struct deploy_token *token = resource->deploy_tokens.items[j];

				if (strcmp(token->secret, secret) == 0)
					return token;
			}
		}
	}
	return NULL;
}

static void *
trigger_find(struct sim *sim, const char *secret)
{
	const struct list *projects = resource_list(&sim->world, PROJECT);

	for (size_t i = 0; i < projects->count; i++) {
		const struct resource *project = projects->items[i];

		for (size_t j = 0; project && j < project->triggers.count; j++) {
			struct trigger *trigger = project->triggers.items[j];

			if (strcmp(trigger->secret, secret) == 0)
				return trigger;
		}
	}
	return NULL;
}

static void *
agent_token_find(struct sim *sim, const char *secret)
{
	const struct list *agents = &sim->world.extras.agents;

	for (size_t i = 0; i < agents->count; i++) {
		const struct agent *agent = agents->items[i];

		for (size_t j = 0; j < agent->tokens.count; j++) {
			struct agent_token *token = agent->tokens.items[j];

			if (strcmp(token->secret, secret) == 0)
				return token;
		}
	}
	return NULL;
}

static void *
runner_find(struct sim *sim, const char *secret)
{
	return runner_by_secret(sim, secret);
}

static void *
none_find(struct sim *sim, const char *secret)
{
	(void)sim;
	(void)secret;
	return NULL;
}

/* Each returns NULL, or why it cannot be. */
static const char *
access_token_end(struct sim *sim, void *row)
{
	struct token *token = row;

	(void)sim;
	if (token->user->kind == USER_SERVICE)
		return "Unsupported personal access token type";
	token->revoked = true;
	return NULL;
}

/* Other than by its own endpoint, the row stays. */
static const char *
deploy_token_end(struct sim *sim, void *row)
{
	(void)sim;
	((struct deploy_token *)row)->revoked = true;
	return NULL;
}

static const char *
agent_token_end(struct sim *sim, void *row)
{
	(void)sim;
	((struct agent_token *)row)->revoked = true;
	return NULL;
}

static const char *
runner_end(struct sim *sim, void *row)
{
	runner_reset(sim, row);
	return NULL;
}

static const char *
unsupported_end(struct sim *sim, void *row)
{
	(void)sim;
	(void)row;
	return "Unsupported token type";
}

/* Of kinds that do not exist here nothing is ever found. */
static const struct kind {
	const char *prefix; /* NULL: the setting's */
	void *(*find)(struct sim *sim, const char *secret);
	json_t *(*view)(struct sim *sim, struct request *request, void *row);
	const char *(*end)(struct sim *sim, void *row);
} kinds[] = {
	/* clang-format off */
	{ "gldt-",    deploy_token_find, deploy_token_view, deploy_token_end },
	{ NULL,       access_token_find, token_view,        access_token_end },
	{ "glpat-",   access_token_find, token_view,        access_token_end },
	{ "glagent-", agent_token_find,  agent_token_view,  agent_token_end },
	{ "glrt-",    runner_find,       runner_view,       runner_end },
	{ "glptt-",   trigger_find,      trigger_view,      unsupported_end },
	{ "glft-", none_find }, { "gloas-", none_find }, { "glcbt-", none_find },
	{ "glffct-", none_find }, { "glimt-", none_find },
	/* clang-format on */
};

static const struct kind *
kind_of(const struct sim *sim, const char *secret)
{
	const char *set = json_string_value(
		json_object_get(sim->settings, "personal_access_token_prefix"));

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *prefix = kinds[i].prefix ? kinds[i].prefix : set;

		if (prefix && *prefix && strncmp(secret, prefix, strlen(prefix)) == 0)
			return &kinds[i];
	}
	return NULL;
}

static void *
row_require(struct sim *sim, struct request *request, const struct kind **kind,
	struct answer *answer)
{
	const char *secret = param_text(request, "token");
	void *row;

	*kind = kind_of(sim, secret ? secret : "");
	if (!*kind) {
		error_message(answer, 422, "Token type not supported.");
		return NULL;
	}
	row = (*kind)->find(sim, secret);
	if (!row)
		answer_json(
			answer, 404, json_pack("{s:{s:s}}", "message", "error", "Not found"));
	return row;
}

static void
token_identify(struct sim *sim, struct request *request, struct answer *answer)
{
	const struct kind *kind;
	void *row = row_require(sim, request, &kind, answer);

	if (row)
		answer_json(answer, 200, kind->view(sim, request, row));
}

static void
token_end(struct sim *sim, struct request *request, struct answer *answer)
{
	const struct kind *kind;
	void *row = row_require(sim, request, &kind, answer);
	const char *wrong = row ? kind->end(sim, row) : NULL;

	if (wrong)
		error_message(answer, 422, "%s", wrong);
	else if (row)
		answer_no_content(answer);
}

/* clang-format off */
static const struct param token_params[] = { { "token", PARAM_TEXT, .required = true }, { 0 } };

const struct route admin_token_routes[] = {
	{ "POST",   "/admin/token", token_identify, token_params, .from = V(17, 5), .admin = true },
	{ "DELETE", "/admin/token", token_end,      token_params, .from = V(17, 7), .admin = true },
	{ 0 }
};
/* clang-format on */
