#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An id beyond this would make the index by id absurdly long. */
#define ID_MAX 20000000

void
world_init(struct world *world)
{
	*world = (struct world){ .next_user = 2,
		.next_group = 10,
		.next_project = 10,
		.next_token = 100,
		.next_variable = 1,
		.next_deploy_token = 1,
		.next_trigger = 1 };
}

static bool
id_take(struct list *index, long *next, long *id)
{
	if (*id == 0) {
		while (list_at(index, *next))
			(*next)++;
		*id = (*next)++;
	}
	return *id > 0 && *id <= ID_MAX && !list_at(index, *id);
}

struct user *
user_add(struct world *world, long id, const char *username, const char *name)
{
	struct user *user;

	if (map_get(&world->usernames, username) ||
		!id_take(&world->users, &world->next_user, &id))
		return NULL;
	user = must_alloc(sizeof(*user));
	user->id = id;
	user->username = must_copy(username);
	user->name = must_copy(name ? name : username);
	user->state = must_copy("active");
	list_put(&world->users, (size_t)id, user);
	map_put(&world->usernames, user->username, user);
	return user;
}

static void
user_free(void *item)
{
	struct user *user = item;

	if (!user)
		return;
	free(user->username);
	free(user->name);
	free(user->state);
	free(user->email);
	list_done(&user->tokens);
	free(user);
}

static void
memberships_remove(struct list *resources, struct user *user)
{
	for (size_t i = 0; i < resources->count; i++) {
		struct resource *resource = resources->items[i];
		struct member *member = resource ? member_find(resource, user) : NULL;

		if (!member)
			continue;
		list_remove(&resource->members, member);
		free(member);
	}
}

bool
user_rename(struct world *world, struct user *user, const char *username)
{
	struct user *other = map_get(&world->usernames, username);

	if (other)
		return other == user;
	map_remove(&world->usernames, user->username);
	free(user->username);
	user->username = must_copy(username);
	map_put(&world->usernames, user->username, user);
	return true;
}

void
user_remove(struct world *world, struct user *user)
{
	while (user->tokens.count)
		token_remove(world, user->tokens.items[user->tokens.count - 1]);
	if (user->home) {
		list_remove(&user->home->bots, user);
		list_remove(&user->home->accounts, user);
	}
	memberships_remove(&world->groups, user);
	memberships_remove(&world->projects, user);
	map_remove(&world->usernames, user->username);
	world->users.items[user->id] = NULL;
	list_add(&world->graveyard_users, user);
}

struct list *
resource_list(struct world *world, enum resource_kind kind)
{
	return kind == GROUP ? &world->groups : &world->projects;
}

static struct map *
resource_paths(struct world *world, enum resource_kind kind)
{
	return kind == GROUP ? &world->group_paths : &world->project_paths;
}

struct resource *
resource_by_path(struct world *world, enum resource_kind kind, const char *path)
{
	return map_get(resource_paths(world, kind), path);
}

const char *
resource_slug(const struct resource *resource)
{
	const char *slash = strrchr(resource->path, '/');

	return slash ? slash + 1 : resource->path;
}

static struct resource *
parent_of_path(struct world *world, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct resource *parent;
	char *above;

	if (!slash)
		return NULL;
	above = strndup(path, (size_t)(slash - path));
	parent = resource_by_path(world, GROUP, above);
	if (!parent)
		parent = resource_add(world, GROUP, 0, above);
	free(above);
	return parent;
}

struct resource *
resource_add(struct world *world, enum resource_kind kind, long id, const char *path)
{
	struct resource *resource;
	struct resource *parent;

	if (resource_by_path(world, kind, path))
		return NULL;
	parent = parent_of_path(world, path);
	if (!id_take(resource_list(world, kind),
		    kind == GROUP ? &world->next_group : &world->next_project, &id))
		return NULL;
	resource = must_alloc(sizeof(*resource));
	resource->kind = kind;
	resource->id = id;
	resource->path = must_copy(path);
	resource->name = must_copy(resource_slug(resource));
	resource->visibility = must_copy("private");
	resource->parent = parent;
	if (parent)
		list_add(&parent->children, resource);
	list_put(resource_list(world, kind), (size_t)id, resource);
	map_put(resource_paths(world, kind), resource->path, resource);
	return resource;
}

void
variable_free(void *item)
{
	struct variable *variable = item;

	free(variable->key);
	free(variable->value);
	free(variable->environment_scope);
	free(variable->description);
	free(variable->variable_type);
	free(variable);
}

struct deploy_token *
deploy_token_add(struct world *world, struct resource *resource, const char *name,
	const char *username, json_t *scopes, char *secret)
{
	struct deploy_token *token = must_alloc(sizeof(*token));

	token->id = world->next_deploy_token++;
	token->name = must_copy(name);
	token->username = username ? must_copy(username)
	                           : must_print("gitlab+deploy-token-%ld", token->id);
	token->scopes = scopes;
	token->secret = secret;
	list_add(&resource->deploy_tokens, token);
	return token;
}

struct trigger *
trigger_add(struct world *world, struct resource *project, struct user *owner,
	const char *description, char *secret)
{
	struct trigger *trigger = must_alloc(sizeof(*trigger));

	*trigger = (struct trigger){ .id = world->next_trigger++,
		.owner = owner,
		.description = must_copy(description),
		.secret = secret };
	list_add(&project->triggers, trigger);
	return trigger;
}

void
trigger_remove(struct resource *project, struct trigger *trigger)
{
	list_remove(&project->triggers, trigger);
	free(trigger->description);
	free(trigger->secret);
	free(trigger);
}

void
deploy_token_remove(struct resource *resource, struct deploy_token *token)
{
	list_remove(&resource->deploy_tokens, token);
	free(token->name);
	free(token->username);
	free(token->secret);
	json_decref(token->scopes);
	free(token);
}

static void
resource_free(void *item)
{
	struct resource *resource = item;

	if (!resource)
		return;
	for (size_t i = 0; i < resource->members.count; i++)
		free(resource->members.items[i]);
	for (size_t i = 0; i < resource->variables.count; i++)
		variable_free(resource->variables.items[i]);
	while (resource->deploy_tokens.count)
		deploy_token_remove(resource, resource->deploy_tokens.items[0]);
	list_done(&resource->deploy_tokens);
	while (resource->triggers.count)
		trigger_remove(resource, resource->triggers.items[0]);
	list_done(&resource->triggers);
	list_done(&resource->members);
	list_done(&resource->variables);
	list_done(&resource->bots);
	list_done(&resource->accounts);
	list_done(&resource->children);
	list_done(&resource->shared_with);
	free(resource->path);
	free(resource->name);
	free(resource->visibility);
	free(resource->description);
	free(resource);
}

static void
users_remove(struct world *world, struct list *users)
{
	while (users->count)
		user_remove(world, users->items[users->count - 1]);
}

void
resource_remove(struct world *world, struct resource *resource)
{
	while (resource->children.count)
		resource_remove(world, resource->children.items[resource->children.count - 1]);
	users_remove(world, &resource->bots);
	users_remove(world, &resource->accounts);
	for (size_t i = 0; i < world->old_paths.count; i++)
		if (map_get(&world->moved_paths, world->old_paths.items[i]) == resource)
			map_remove(&world->moved_paths, world->old_paths.items[i]);
	for (size_t i = 0; i < world->users.count; i++) {
		struct user *user = world->users.items[i];

		if (user && user->enterprise == resource)
			user->enterprise = NULL;
	}
	for (size_t i = 0; i < world->projects.count; i++) {
		struct resource *project = world->projects.items[i];

		if (project)
			list_remove(&project->shared_with, resource);
	}
	extras_forget(&world->extras, resource);
	if (resource->parent)
		list_remove(&resource->parent->children, resource);
	map_remove(resource_paths(world, resource->kind), resource->path);
	resource_list(world, resource->kind)->items[resource->id] = NULL;
	resource_free(resource);
}

bool
project_rename(struct world *world, struct resource *project, const char *to)
{
	if (resource_by_path(world, PROJECT, to))
		return false;
	map_remove(&world->project_paths, project->path);
	map_put(&world->moved_paths, project->path, project);
	list_add(&world->old_paths, project->path);
	if (project->parent)
		list_remove(&project->parent->children, project);
	project->path = must_copy(to);
	project->parent = parent_of_path(world, to);
	if (project->parent)
		list_add(&project->parent->children, project);
	map_put(&world->project_paths, project->path, project);
	return true;
}

struct member *
member_find(const struct resource *resource, const struct user *user)
{
	for (size_t i = 0; i < resource->members.count; i++) {
		struct member *member = resource->members.items[i];

		if (member->user == user)
			return member;
	}
	return NULL;
}

void
member_set(struct resource *resource, struct user *user, int level)
{
	struct member *member = member_find(resource, user);

	if (!member) {
		member = must_alloc(sizeof(*member));
		member->user = user;
		list_add(&resource->members, member);
	}
	member->level = level;
}

struct token *
token_add(struct world *world, long id, struct user *user, const char *name, char *secret)
{
	struct token *token;

	if (map_get(&world->secrets, secret) ||
		!id_take(&world->tokens, &world->next_token, &id))
		return NULL;
	token = must_alloc(sizeof(*token));
	token->id = id;
	token->user = user;
	token->name = must_copy(name);
	token->secret = secret;
	token->expires = NEVER;
	list_put(&world->tokens, (size_t)id, token);
	list_add(&user->tokens, token);
	map_put(&world->secrets, token->secret, token);
	return token;
}

static void
token_free(void *item)
{
	struct token *token = item;

	if (!token)
		return;
	free(token->name);
	free(token->description);
	free(token->secret);
	json_decref(token->scopes);
	list_done(&token->successors);
	free(token);
}

void
token_remove(struct world *world, struct token *token)
{
	list_remove(&token->user->tokens, token);
	map_remove(&world->secrets, token->secret);
	world->tokens.items[token->id] = NULL;
	list_add(&world->graveyard_tokens, token);
}

struct variable *
variable_add(struct world *world, struct list *variables, const char *key)
{
	struct variable *variable = must_alloc(sizeof(*variable));

	variable->id = world->next_variable++;
	variable->key = must_copy(key);
	variable->value = must_copy("");
	variable->environment_scope = must_copy("*");
	variable->variable_type = must_copy("env_var");
	list_add(variables, variable);
	return variable;
}

void
variable_remove(struct list *variables, struct variable *variable)
{
	list_remove(variables, variable);
	variable_free(variable);
}

struct user *
bot_add(struct world *world, struct resource *resource, const char *name, int level,
	int64_t now)
{
	char suffix[33], username[96];
	struct user *bot;

	random_text(suffix, sizeof(suffix) - 1, "0123456789abcdef");
	snprintf(username, sizeof(username), "%s_%ld_bot_%s",
		resource->kind == GROUP ? "group" : "project", resource->id, suffix);
	bot = user_add(world, 0, username, name);
	bot->kind = USER_BOT;
	bot->home = resource;
	bot->bot_level = level;
	bot->created_at = now;
	list_add(&resource->bots, bot);
	return bot;
}

static void
list_free(struct list *list, void (*item_free)(void *))
{
	for (size_t i = 0; i < list->count; i++)
		item_free(list->items[i]);
	list_done(list);
}

void
world_done(struct world *world)
{
	extras_done(&world->extras);
	list_free(&world->tokens, token_free);
	list_free(&world->graveyard_tokens, token_free);
	list_free(&world->users, user_free);
	list_free(&world->graveyard_users, user_free);
	list_free(&world->groups, resource_free);
	list_free(&world->projects, resource_free);
	list_free(&world->variables, variable_free);
	list_free(&world->old_paths, free);
	map_done(&world->usernames);
	map_done(&world->group_paths);
	map_done(&world->project_paths);
	map_done(&world->moved_paths);
	map_done(&world->secrets);
}
