#include "world_file.h"

#include "secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool
fail(char wrong[512], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(wrong, 512, format, args);
	va_end(args);
	return false;
}

static const char *
text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

static bool
true_of(const json_t *json, const char *key)
{
	return json_is_true(json_object_get(json, key));
}

static bool
key_known(const char *known, const char *key)
{
	size_t length = strlen(key);

	for (const char *at = known; *at; at += strspn(at, " ")) {
		size_t part = strcspn(at, " ");

		if (part == length && memcmp(at, key, part) == 0)
			return true;
		at += part;
	}
	return false;
}

/* A misspelt key would make a test prove nothing, so it is an error. */
static bool
keys_check(const json_t *json, const char *what, const char *known, char wrong[512])
{
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		return fail(wrong, "%s is no object", what);
	json_object_foreach((json_t *)json, key, value) {
		if (!key_known(known, key))
			return fail(wrong, "%s has no key '%s'", what, key);
	}
	return true;
}

int
level_parse(const json_t *level)
{
	static const struct {
		const char *name;
		int level;
	} names[] = {
		{ "minimal", 5 },
		{ "guest", LEVEL_GUEST },
		{ "planner", 15 },
		{ "reporter", 20 },
		{ "developer", LEVEL_DEVELOPER },
		{ "maintainer", LEVEL_MAINTAINER },
		{ "owner", LEVEL_OWNER },
	};

	for (size_t i = 0; json_is_string(level) && i < ARRAY_SIZE(names); i++) {
		if (strcmp(names[i].name, json_string_value(level)) == 0)
			return names[i].level;
	}
	return (int)json_integer_value(level);
}

/* "-3d" from the simulator's now, or a date and time. */
static bool
moment_of(const struct sim *sim, const json_t *json, const char *key, int64_t *moment,
	char wrong[512])
{
	const char *text = text_of(json, key);
	int64_t span;

	if (!text)
		return true;
	if (span_parse(text, &span))
		*moment = clock_now(&sim->clock) + span;
	else if (!moment_parse(text, moment))
		return fail(wrong, "'%s' is no time: '%s'", key, text);
	return true;
}

static bool
expiry_of(const struct sim *sim, const json_t *json, int *expires, char wrong[512])
{
	const json_t *given = json_object_get(json, "expires");
	int64_t span;

	*expires = given ? NEVER : clock_today(&sim->clock) + 365;
	if (!json_is_string(given))
		return true;
	if (span_parse(json_string_value(given), &span))
		*expires = clock_today(&sim->clock) + (int)(span / DAY_MSEC);
	else if (!day_parse(json_string_value(given), expires))
		return fail(wrong, "'expires' is no day: '%s'", json_string_value(given));
	return true;
}

static struct user *
token_user(struct sim *sim, const json_t *json, struct user *user, struct resource *resource,
	const char *name)
{
	int level = level_parse(json_object_get(json, "access_level"));

	if (!resource)
		return user;
	return bot_add(&sim->world, resource, name, level ? level : LEVEL_MAINTAINER,
		clock_now(&sim->clock));
}

static struct token *
token_read(struct sim *sim, const json_t *json, struct user *user, struct resource *resource,
	const char *name, char wrong[512])
{
	const json_t *scopes = json_object_get(json, "scopes");
	const char *secret = text_of(json, "secret");
	struct token *token;
	int64_t created = clock_now(&sim->clock), used = 0;
	int expires;

	if (!moment_of(sim, json, "created", &created, wrong) ||
		!moment_of(sim, json, "last_used", &used, wrong) ||
		!expiry_of(sim, json, &expires, wrong))
		return NULL;
	if (secret && map_get(&sim->world.secrets, secret)) {
		fail(wrong, "token '%s' has a secret that is in use", name);
		return NULL;
	}
	user = token_user(sim, json, user, resource, name);
	token = token_add(&sim->world, (long)json_integer_value(json_object_get(json, "id")), user,
		name, secret ? must_copy(secret) : secret_new(sim, user));
	if (!token) {
		fail(wrong, "token '%s' has an id that is taken or too large", name);
		return NULL;
	}
	token->scopes = scopes ? json_deep_copy(scopes) : json_pack("[s]", "api");
	token->created_at = created;
	token->last_used_at = used;
	token->expires = expires;
	token->revoked = true_of(json, "revoked");
	token->impersonation = true_of(json, "impersonation");
	if (text_of(json, "description"))
		token->description = must_copy(text_of(json, "description"));
	return token;
}

struct token *
world_file_token(struct sim *sim, const json_t *json, struct user *user,
	struct resource *resource, char wrong[512])
{
	const char *name = text_of(json, "name");
	long count = (long)json_integer_value(json_object_get(json, "count"));
	struct token *token = NULL;

	if (!keys_check(json, "a token",
		    "name secret scopes access_level created expires last_used revoked "
		    "description count id impersonation",
		    wrong))
		return NULL;
	if (!name) {
		fail(wrong, "a token has no name");
		return NULL;
	}
	if (!count)
		return token_read(sim, json, user, resource, name, wrong);
	for (long i = 1; i <= count; i++) {
		char *numbered = must_print("%s-%04ld", name, i);

		token = token_read(sim, json, user, resource, numbered, wrong);
		free(numbered);
		if (!token)
			return NULL;
	}
	return token;
}

static void
text_take(const json_t *json, const char *key, char **into)
{
	if (!text_of(json, key))
		return;
	free(*into);
	*into = must_copy(text_of(json, key));
}

static void
true_take(const json_t *json, const char *key, bool *into)
{
	if (json_object_get(json, key))
		*into = true_of(json, key);
}

struct variable *
world_file_variable(struct sim *sim, const json_t *json, struct list *variables,
	char wrong[512])
{
	const char *key = text_of(json, "key");
	const char *scope = text_of(json, "environment_scope");
	struct variable *variable = NULL;

	if (!key) {
		fail(wrong, "a variable has no key");
		return NULL;
	}
	for (size_t i = 0; i < variables->count && !variable; i++) {
		struct variable *other = variables->items[i];

		if (strcmp(other->key, key) == 0 &&
			strcmp(other->environment_scope, scope ? scope : "*") == 0)
			variable = other;
	}
	if (!variable)
		variable = variable_add(&sim->world, variables, key);
	text_take(json, "value", &variable->value);
	text_take(json, "environment_scope", &variable->environment_scope);
	text_take(json, "variable_type", &variable->variable_type);
	text_take(json, "description", &variable->description);
	true_take(json, "masked", &variable->masked);
	true_take(json, "hidden", &variable->hidden);
	true_take(json, "protected", &variable->protected);
	true_take(json, "raw", &variable->raw);
	return variable;
}

static bool
tokens_load(struct sim *sim, const json_t *json, struct user *user, struct resource *resource,
	char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(json_object_get(json, "tokens"), i, item) {
		if (!world_file_token(sim, item, user, resource, wrong))
			return false;
	}
	return true;
}

static struct user *
user_load(struct sim *sim, const json_t *json, char wrong[512])
{
	const char *username = text_of(json, "username");
	struct user *user;

	if (!keys_check(json, "a user", "id username name admin state tokens", wrong))
		return NULL;
	if (!username) {
		fail(wrong, "a user has no username");
		return NULL;
	}
	user = user_add(&sim->world, (long)json_integer_value(json_object_get(json, "id")),
		username, text_of(json, "name"));
	if (!user) {
		fail(wrong, "user '%s' has a name or id that is taken", username);
		return NULL;
	}
	user->admin = true_of(json, "admin");
	user->created_at = clock_now(&sim->clock);
	text_take(json, "state", &user->state);
	return user;
}

static bool
users_load(struct sim *sim, const json_t *list, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item) {
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

	json_array_foreach(list, i, item) {
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

	json_array_foreach(list, i, item) {
		const char *name = text_of(item, "user");
		struct user *user = map_get(&sim->world.usernames, name);
		int level = level_parse(json_object_get(item, "level"));

		if (!user)
			return fail(wrong, "'%s' has the unknown member '%s'", resource->path,
				name ? name : "");
		if (!level)
			return fail(wrong, "'%s' has a member without a level", resource->path);
		member_set(resource, user, level);
	}
	return true;
}

static bool
variables_load(struct sim *sim, const json_t *list, struct list *variables, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item) {
		if (!keys_check(item, "a variable",
			    "key value environment_scope masked hidden protected raw "
			    "variable_type description",
			    wrong) ||
			!world_file_variable(sim, item, variables, wrong))
			return false;
	}
	return true;
}

static struct resource *
resource_make(struct sim *sim, enum resource_kind kind, const json_t *json, char wrong[512])
{
	const char *path = text_of(json, "path");
	struct resource *resource;

	if (!keys_check(json, "a group or project",
		    "id path name visibility description members tokens variables "
		    "service_accounts",
		    wrong))
		return NULL;
	if (!path || !*path) {
		fail(wrong, "a group or project has no path");
		return NULL;
	}
	resource = resource_by_path(&sim->world, kind, path);
	if (!resource)
		resource = resource_add(&sim->world, kind,
			(long)json_integer_value(json_object_get(json, "id")), path);
	if (!resource) {
		fail(wrong, "'%s' has an id that is taken or too large", path);
		return NULL;
	}
	resource->created_at = clock_now(&sim->clock);
	text_take(json, "name", &resource->name);
	text_take(json, "visibility", &resource->visibility);
	text_take(json, "description", &resource->description);
	return resource;
}

/* Two walks: accounts of one resource may be members of another. */
static bool
resources_make(struct sim *sim, enum resource_kind kind, const json_t *list, char wrong[512])
{
	size_t i;
	json_t *item;

	json_array_foreach(list, i, item) {
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

	json_array_foreach(list, i, item) {
		struct resource *resource =
			resource_by_path(&sim->world, kind, text_of(item, "path"));

		if (!members_load(sim, json_object_get(item, "members"), resource, wrong) ||
			!tokens_load(sim, item, NULL, resource, wrong) ||
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

	json_object_foreach((json_t *)settings, key, value) {
		if (!json_object_get(sim->settings, key))
			return fail(wrong, "there is no setting '%s'", key);
		json_object_set(sim->settings, key, value);
	}
	return true;
}

static bool
world_load(struct sim *sim, const json_t *json, char wrong[512])
{
	const json_t *groups = json_object_get(json, "groups");
	const json_t *projects = json_object_get(json, "projects");

	return keys_check(json, "the world",
		       "users groups projects service_accounts variables settings", wrong) &&
	       settings_load(sim, json_object_get(json, "settings"), wrong) &&
	       users_load(sim, json_object_get(json, "users"), wrong) &&
	       accounts_load(sim, json_object_get(json, "service_accounts"), NULL, wrong) &&
	       resources_make(sim, GROUP, groups, wrong) &&
	       resources_make(sim, PROJECT, projects, wrong) &&
	       resources_fill(sim, GROUP, groups, wrong) &&
	       resources_fill(sim, PROJECT, projects, wrong) &&
	       variables_load(sim, json_object_get(json, "variables"), &sim->world.variables,
		       wrong);
}

bool
world_file_load(struct sim *sim, const char *file, char wrong[512])
{
	json_error_t error;
	json_t *json = json_load_file(file, JSON_REJECT_DUPLICATES, &error);
	char inner[512];
	bool loaded;

	if (!json)
		return fail(wrong, "%s:%d:%d: %s", file, error.line, error.column, error.text);
	loaded = world_load(sim, json, inner);
	json_decref(json);
	return loaded || fail(wrong, "%.100s: %.400s", file, inner);
}
