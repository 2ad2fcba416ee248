#include "world_file.h"

#include "world_extras.h"

#include <stdlib.h>
#include <string.h>

static bool
tokens_load(struct sim *sim, const json_t *json, struct user *user, struct resource *resource,
	char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(json, "tokens"), i, item)
	{
		if (!world_file_token(sim, item, user, resource, wrong))
			return false;
	}
	return true;
}

static struct user *
user_load(struct sim *sim, const json_t *json, char wrong[512])
{
	const char *username = world_text(json, "username");
	struct user *user;

	if (!world_keys(json, "a user", "id username name admin state tokens", wrong))
		return NULL;
	if (!username) {
		world_fail(wrong, "a user has no username");
		return NULL;
	}
	user = user_add(&sim->world, (long)json_integer_value(json_object_get(json, "id")),
		username, world_text(json, "name"));
	if (!user) {
		world_fail(wrong, "user '%s' has a name or id that is taken", username);
		return NULL;
	}
	user->admin = world_true(json, "admin");
	user->created_at = clock_now(&sim->clock);
	world_text_take(json, "state", &user->state);
	return user;
}

static bool
users_load(struct sim *sim, const json_t *list, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		struct user *user = user_load(sim, item, wrong);

		if (!user || !tokens_load(sim, item, user, NULL, wrong))
			return false;
	}
	return true;
}

static bool
accounts_load(struct sim *sim, const json_t *list, struct resource *home, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		struct user *user = user_load(sim, item, wrong);

		if (!user)
			return false;
		user->kind = USER_SERVICE;
		user->home = home;
		if (home)
			list_add(&home->accounts, user);
		if (!tokens_load(sim, item, user, NULL, wrong))
			return false;
	}
	return true;
}

static bool
members_load(struct sim *sim, const json_t *list, struct resource *resource, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		const char *name = world_text(item, "user");
		struct user *user = map_get(&sim->world.usernames, name);
		int level = level_parse(json_object_get(item, "level"));

		if (!user)
			return world_fail(wrong, "'%s' has the unknown member '%s'",
				resource->path, name ? name : "");
		if (!level)
			return world_fail(
				wrong, "'%s' has a member without a level", resource->path);
		member_set(resource, user, level);
	}
	return true;
}

static bool
shares_load(struct sim *sim, const json_t *list, struct resource *project, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		const char *path = json_string_value(item);
		struct resource *group = resource_by_path(&sim->world, GROUP, path);

		if (!group)
			return world_fail(wrong, "'%s' is shared with the unknown group '%s'",
				project->path, path ? path : "");
		list_add(&project->shared_with, group);
	}
	return true;
}

static bool
variables_load(struct sim *sim, const json_t *list, struct list *variables, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		if (!world_keys(item, "a variable",
			    "key value environment_scope masked hidden protected raw "
			    "variable_type description",
			    wrong) ||
			!world_file_variable(sim, item, variables, wrong))
			return false;
	}
	return true;
}

static bool
deploy_tokens_load(
	struct sim *sim, const json_t *list, struct resource *resource, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		const json_t *scopes = json_object_get(item, "scopes");
		const char *name = world_text(item, "name"),
			   *secret = world_text(item, "secret");
		struct deploy_token *token;
		char random[21];

		if (!world_keys(item, "a deploy token",
			    "name username scopes secret expires revoked", wrong))
			return false;
		random_text(random, sizeof(random) - 1, "abcdefghijklmnopqrstuvwxyz0123456789");
		token = deploy_token_add(&sim->world, resource,
			name ? name : "gitlab-deploy-token", world_text(item, "username"),
			scopes ? json_deep_copy(scopes) : json_pack("[s]", "read_registry"),
			secret ? must_copy(secret) : must_print("gldt-%s", random));
		token->revoked = world_true(item, "revoked");
		if (!world_moment(sim, item, "expires", &token->expires_at, wrong))
			return false;
	}
	return true;
}

static struct resource *
resource_make(struct sim *sim, enum resource_kind kind, const json_t *json, char wrong[512])
{
	const char *path = world_text(json, "path");
	struct resource *resource;

	if (!world_keys(json, "a group or project",
		    "id path name visibility description members tokens variables "
		    "service_accounts deploy_tokens agents runners hooks triggers jobs "
		    "enterprise_users shared_with archived repository builds",
		    wrong))
		return NULL;
	if (!path || !*path) {
		world_fail(wrong, "a group or project has no path");
		return NULL;
	}
	resource = resource_by_path(&sim->world, kind, path);
	if (!resource)
		resource = resource_add(&sim->world, kind,
			(long)json_integer_value(json_object_get(json, "id")), path);
	if (!resource) {
		world_fail(wrong, "'%s' has an id that is taken or too large", path);
		return NULL;
	}
	resource->created_at = clock_now(&sim->clock);
	world_text_take(json, "name", &resource->name);
	world_text_take(json, "visibility", &resource->visibility);
	world_text_take(json, "description", &resource->description);
	resource->archived = world_true(json, "archived");
	resource->no_repository = json_is_false(json_object_get(json, "repository"));
	resource->no_builds = json_is_false(json_object_get(json, "builds"));
	return resource;
}

/* Two walks: accounts of one resource may be members of another. */
static bool
resources_make(struct sim *sim, enum resource_kind kind, const json_t *list, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		struct resource *resource = resource_make(sim, kind, item, wrong);

		if (!resource || !accounts_load(sim, json_object_get(item, "service_accounts"),
					 resource, wrong))
			return false;
	}
	return true;
}

static bool
resources_fill(struct sim *sim, enum resource_kind kind, const json_t *list, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item)
	{
		struct resource *resource =
			resource_by_path(&sim->world, kind, world_text(item, "path"));

		if (!members_load(sim, json_object_get(item, "members"), resource, wrong) ||
			!shares_load(
				sim, json_object_get(item, "shared_with"), resource, wrong) ||
			!tokens_load(sim, item, NULL, resource, wrong) ||
			!deploy_tokens_load(
				sim, json_object_get(item, "deploy_tokens"), resource, wrong) ||
			!variables_load(sim, json_object_get(item, "variables"),
				&resource->variables, wrong))
			return false;
	}
	return true;
}

static bool
settings_load(struct sim *sim, const json_t *settings, char wrong[512])
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)settings, key, value)
	{
		if (!json_object_get(sim->settings, key))
			return world_fail(wrong, "there is no setting '%s'", key);
		json_object_set(sim->settings, key, value);
	}
	return true;
}

static bool
world_load(struct sim *sim, const json_t *json, char wrong[512])
{
	const json_t *groups = json_object_get(json, "groups");
	const json_t *projects = json_object_get(json, "projects");

	return world_keys(json, "the world",
		       "users groups projects service_accounts variables settings runners",
		       wrong) &&
	       settings_load(sim, json_object_get(json, "settings"), wrong) &&
	       users_load(sim, json_object_get(json, "users"), wrong) &&
	       accounts_load(sim, json_object_get(json, "service_accounts"), NULL, wrong) &&
	       resources_make(sim, GROUP, groups, wrong) &&
	       resources_make(sim, PROJECT, projects, wrong) &&
	       resources_fill(sim, GROUP, groups, wrong) &&
	       resources_fill(sim, PROJECT, projects, wrong) &&
	       variables_load(
		       sim, json_object_get(json, "variables"), &sim->world.variables, wrong) &&
	       world_extras_load(sim, json, wrong);
}

bool
world_file_load(struct sim *sim, const char *file, char wrong[512])
{
	json_error_t error;
	json_t *json = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
	char inner[512];
	bool loaded;

	if (!json)
		return world_fail(
			wrong, "%s:%d:%d: %s", file, error.line, error.column, error.text);
	loaded = world_load(sim, json, inner);
	json_decref(json);
	return loaded || world_fail(wrong, "%.100s: %.400s", file, inner);
}
