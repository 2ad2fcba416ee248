/* world_rows.c: a token, a variable, and the values in them, as the world file writes them. */
#include "world_file.h"

#include "secret.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool
world_fail(char wrong[512], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(wrong, 512, format, args);
	va_end(args);
	return false;
}

const char *
world_text(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

bool
world_true(const json_t *json, const char *key)
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
bool
world_keys(const json_t *json, const char *what, const char *known, char wrong[512])
{
	const char *key;
	json_t *value;

	if (!json_is_object(json))
		return world_fail(wrong, "%s is no object", what);
	json_object_foreach((json_t *)json, key, value)
	{
		if (!key_known(known, key))
			return world_fail(wrong, "%s has no key '%s'", what, key);
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
bool
world_moment(const struct sim *sim, const json_t *json, const char *key, int64_t *moment,
	char wrong[512])
{
	const char *text = world_text(json, key);
	int64_t span;

	if (!text)
		return true;
	if (span_parse(text, &span))
		*moment = clock_now(&sim->clock) + span;
	else if (!moment_parse(text, moment))
		return world_fail(wrong, "'%s' is no time: '%s'", key, text);
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
		return world_fail(wrong, "'expires' is no day: '%s'", json_string_value(given));
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
	const char *secret = world_text(json, "secret");
	struct token *token;
	int64_t created = clock_now(&sim->clock), used = 0;
	int expires;

	if (!world_moment(sim, json, "created", &created, wrong) ||
		!world_moment(sim, json, "last_used", &used, wrong) ||
		!expiry_of(sim, json, &expires, wrong))
		return NULL;
	if (secret && map_get(&sim->world.secrets, secret)) {
		world_fail(wrong, "token '%s' has a secret that is in use", name);
		return NULL;
	}
	user = token_user(sim, json, user, resource, name);
	token = token_add(&sim->world, (long)json_integer_value(json_object_get(json, "id")),
		user, name, secret ? must_copy(secret) : secret_new(sim, user));
	if (!token) {
		world_fail(wrong, "token '%s' has an id that is taken or too large", name);
		return NULL;
	}
	token->scopes = scopes ? json_deep_copy(scopes) : json_pack("[s]", "api");
	token->created_at = created;
	token->last_used_at = used;
	token->expires = expires;
	token->revoked = world_true(json, "revoked");
	token->impersonation = world_true(json, "impersonation");
	if (world_text(json, "description"))
		token->description = must_copy(world_text(json, "description"));
	return token;
}

struct token *
world_file_token(struct sim *sim, const json_t *json, struct user *user,
	struct resource *resource, char wrong[512])
{
	const char *name = world_text(json, "name");
	long count = (long)json_integer_value(json_object_get(json, "count"));
	struct token *token = NULL;

	if (!world_keys(json, "a token",
		    "name secret scopes access_level created expires last_used revoked "
		    "description count id impersonation",
		    wrong))
		return NULL;
	if (!name) {
		world_fail(wrong, "a token has no name");
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

void
world_text_take(const json_t *json, const char *key, char **into)
{
	if (!world_text(json, key))
		return;
	free(*into);
	*into = must_copy(world_text(json, key));
}

static void
true_take(const json_t *json, const char *key, bool *into)
{
	if (json_object_get(json, key))
		*into = world_true(json, key);
}

struct variable *
world_file_variable(
	struct sim *sim, const json_t *json, struct list *variables, char wrong[512])
{
	const char *key = world_text(json, "key");
	const char *scope = world_text(json, "environment_scope");
	struct variable *variable = NULL;

	if (!key) {
		world_fail(wrong, "a variable has no key");
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
	world_text_take(json, "value", &variable->value);
	world_text_take(json, "environment_scope", &variable->environment_scope);
	world_text_take(json, "variable_type", &variable->variable_type);
	world_text_take(json, "description", &variable->description);
	true_take(json, "masked", &variable->masked);
	true_take(json, "hidden", &variable->hidden);
	true_take(json, "protected", &variable->protected);
	true_take(json, "raw", &variable->raw);
	return variable;
}
