#include "sim_act.h"

#include "auth.h"
#include "rotate.h"
#include "sim_api.h"
#include "sim_jobs.h"
#include "world_file.h"

#include <stdlib.h>
#include <string.h>

const char *
act_text(const json_t *act, const char *key)
{
	return json_string_value(json_object_get(act, key));
}

/* A copy without what says what to do, for those who take no unknown key. */
static json_t *
attributes_of(const json_t *act)
{
	static const char *const others[] = { "act", "owner", "kind", "token" };
	json_t *copy = json_copy((json_t *)act);

	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		json_object_del(copy, others[i]);
	return copy;
}

/* The newest of those that live, or of all. */
static struct token *
token_by_name(const struct sim *sim, const char *name)
{
	struct token *found = NULL;

	for (size_t i = 0; i < sim->world.tokens.count; i++) {
		struct token *token = sim->world.tokens.items[i];

		if (token && strcmp(token->name, name) == 0 &&
			(!found || token_alive(sim, token) || !token_alive(sim, found)))
			found = token;
	}
	return found;
}

struct token *
act_token(struct sim *sim, const json_t *act, struct answer *answer)
{
	const json_t *given = json_object_get(act, "token");
	struct token *token =
		json_is_string(given)
			? token_by_name(sim, json_string_value(given))
			: list_at(&sim->world.tokens, (long)json_integer_value(given));

	if (!token)
		error_error(answer, 404, "there is no such token");
	return token;
}

struct user *
act_user(struct sim *sim, const json_t *act, const char *key, struct answer *answer)
{
	const json_t *given = json_object_get(act, key);
	struct user *user =
		json_is_integer(given)
			? list_at(&sim->world.users, (long)json_integer_value(given))
			: map_get(&sim->world.usernames, json_string_value(given));

	if (!user)
		error_error(answer, 404, "there is no such user");
	return user;
}

struct resource *
act_resource(struct sim *sim, const json_t *act, struct answer *answer)
{
	const char *owner = act_text(act, "owner");
	const char *kind = act_text(act, "kind");
	struct resource *resource = NULL;

	if (!kind || strcmp(kind, "group") != 0)
		resource = resource_by_path(&sim->world, PROJECT, owner);
	if (!resource && (!kind || strcmp(kind, "project") != 0))
		resource = resource_by_path(&sim->world, GROUP, owner);
	if (!resource)
		error_error(answer, 404, "there is no such project or group");
	return resource;
}

static void
token_answer(const struct sim *sim, const struct token *token, struct answer *answer)
{
	answer_json(answer, 200, sim_token_json(sim, token));
}

static void
act_rotate(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct token *token = act_token(sim, act, answer);
	int expires = clock_today(&sim->clock) + 7;

	if (!token)
		return;
	if (act_text(act, "expires_at"))
		day_parse(act_text(act, "expires_at"), &expires);
	token_answer(sim, rotate_token(sim, token, expires), answer);
}

static void
act_revoke(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct token *token = act_token(sim, act, answer);

	if (!token)
		return;
	token->revoked = true;
	token_answer(sim, token, answer);
}

static void
user_answer(const struct user *user, struct answer *answer)
{
	answer_json(answer, 200,
		json_pack("{s:I, s:s, s:s, s:b}", "id", (json_int_t)user->id, "username",
			user->username, "state", user->state, "admin", user->admin));
}

static void
state_set(struct sim *sim, const json_t *act, const char *state, struct answer *answer)
{
	struct user *user = act_user(sim, act, "user", answer);

	if (!user)
		return;
	free(user->state);
	user->state = must_copy(state);
	user_answer(user, answer);
}

static void
act_block_user(struct sim *sim, const json_t *act, struct answer *answer)
{
	state_set(sim, act, "blocked", answer);
}

static void
act_unblock_user(struct sim *sim, const json_t *act, struct answer *answer)
{
	state_set(sim, act, "active", answer);
}

static void
act_set_admin(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct user *user = act_user(sim, act, "user", answer);

	if (!user)
		return;
	user->admin = json_is_true(json_object_get(act, "admin"));
	user_answer(user, answer);
}

static void
act_demote_root(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct user *root = list_at(&sim->world.users, 1);

	(void)act;
	root->admin = false;
	user_answer(root, answer);
}

static void
act_purge_bot(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct token *token =
		json_object_get(act, "token") ? act_token(sim, act, answer) : NULL;
	struct user *user = token ? token->user : NULL;

	if (!user && !answer->status)
		user = act_user(sim, act, "user", answer);
	if (!user)
		return;
	user_answer(user, answer);
	user_remove(&sim->world, user);
}

static struct list *
variables_of(struct sim *sim, const json_t *act, const char **level, struct answer *answer)
{
	struct resource *resource;

	*level = "instance";
	if (!act_text(act, "owner"))
		return &sim->world.variables;
	resource = act_resource(sim, act, answer);
	if (resource)
		*level = resource->kind == GROUP ? "group" : "project";
	return resource ? &resource->variables : NULL;
}

static void
act_set_variable(struct sim *sim, const json_t *act, struct answer *answer)
{
	const char *level;
	struct list *variables = variables_of(sim, act, &level, answer);
	char wrong[512];
	struct variable *variable;

	if (!variables)
		return;
	variable = world_file_variable(sim, act, variables, wrong);
	if (variable)
		answer_json(answer, 200,
			sim_variable_json(level, act_text(act, "owner"), variable));
	else
		error_error(answer, 400, "%s", wrong);
}

static void
act_delete_variable(struct sim *sim, const json_t *act, struct answer *answer)
{
	const char *level, *key = act_text(act, "key"),
			   *scope = act_text(act, "environment_scope");
	struct list *variables = variables_of(sim, act, &level, answer);

	for (size_t i = 0; variables && key && i < variables->count; i++) {
		struct variable *variable = variables->items[i];

		if (strcmp(variable->key, key) != 0 ||
			(scope && strcmp(variable->environment_scope, scope) != 0))
			continue;
		answer_json(answer, 200,
			sim_variable_json(level, act_text(act, "owner"), variable));
		variable_remove(variables, variable);
		return;
	}
	if (!answer->status)
		error_error(answer, 404, "there is no such variable");
}

static void
resource_answer(const struct resource *resource, struct answer *answer)
{
	answer_json(answer, 200,
		json_pack("{s:I, s:s, s:s}", "id", (json_int_t)resource->id, "kind",
			resource->kind == GROUP ? "group" : "project", "path", resource->path));
}

static void
act_rename_project(struct sim *sim, const json_t *act, struct answer *answer)
{
	struct resource *project =
		resource_by_path(&sim->world, PROJECT, act_text(act, "path"));
	const char *to = act_text(act, "to");

	if (!project || !to || !project_rename(&sim->world, project, to))
		error_error(
			answer, 400, "wants the path of a project, and a free one to go to");
	else
		resource_answer(project, answer);
}

static void
resource_create(
	struct sim *sim, const json_t *act, enum resource_kind kind, struct answer *answer)
{
	const char *path = act_text(act, "path");
	struct resource *resource =
		path && *path ? resource_add(&sim->world, kind, 0, path) : NULL;

	if (!resource) {
		error_error(answer, 400, "wants a free path");
		return;
	}
	resource->created_at = clock_now(&sim->clock);
	resource_answer(resource, answer);
}

static void
act_create_project(struct sim *sim, const json_t *act, struct answer *answer)
{
	resource_create(sim, act, PROJECT, answer);
}

static void
act_create_group(struct sim *sim, const json_t *act, struct answer *answer)
{
	resource_create(sim, act, GROUP, answer);
}

void
act_token_make(struct sim *sim, const json_t *act, struct user *user, struct resource *resource,
	struct answer *answer)
{
	json_t *attributes = attributes_of(act);
	char wrong[512];
	struct token *token = world_file_token(sim, attributes, user, resource, wrong);

	json_decref(attributes);
	if (token)
		token_answer(sim, token, answer);
	else
		error_error(answer, 400, "%s", wrong);
}

static void
act_create_token(struct sim *sim, const json_t *act, struct answer *answer)
{
	const char *kind = act_text(act, "kind");
	bool of_resource = kind && (strcmp(kind, "project") == 0 || strcmp(kind, "group") == 0);
	struct resource *resource = of_resource ? act_resource(sim, act, answer) : NULL;
	struct user *user = of_resource ? NULL : act_user(sim, act, "owner", answer);

	if (!answer->status)
		act_token_make(sim, act, user, resource, answer);
}

static const struct act acts[] = {
	{ "rotate", act_rotate },
	{ "revoke", act_revoke },
	{ "block_user", act_block_user },
	{ "unblock_user", act_unblock_user },
	{ "set_admin", act_set_admin },
	{ "demote_root", act_demote_root },
	{ "purge_bot", act_purge_bot },
	{ "set_variable", act_set_variable },
	{ "delete_variable", act_delete_variable },
	{ "rename_project", act_rename_project },
	{ "create_project", act_create_project },
	{ "create_group", act_create_group },
	{ "create_token", act_create_token },
	{ 0 },
};

static const struct act *const tables[] = { acts, more_acts, job_acts };

static const struct act *
act_find(const json_t *act)
{
	const char *name = act_text(act, "act");

	for (size_t i = 0; name && i < ARRAY_SIZE(tables); i++) {
		for (const struct act *row = tables[i]; row->name; row++) {
			if (strcmp(row->name, name) == 0)
				return row;
		}
	}
	return NULL;
}

json_t *
act_kinds(void)
{
	json_t *out = json_array();

	for (size_t i = 0; i < ARRAY_SIZE(tables); i++) {
		for (const struct act *row = tables[i]; row->name; row++)
			json_array_append_new(out, json_string(row->name));
	}
	return out;
}

bool
act_known(const json_t *act)
{
	return act_find(act) != NULL;
}

void
act_run(struct sim *sim, const json_t *act, struct answer *answer)
{
	const struct act *found = act_find(act);

	if (!found) {
		error_error(answer, 400, "%s", ACT_UNKNOWN);
		return;
	}
	found->act(sim, act, answer);
}

void
sim_act(struct sim *sim, struct request *request, struct answer *answer)
{
	if (hook_wanted(request->body)) {
		hook_add(sim, request->body, answer);
		return;
	}
	history_note(sim);
	act_run(sim, request->body, answer);
}
