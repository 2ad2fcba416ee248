/* world_copy.c: a second world like the first: rows are copied, then what they point at. */
#include "world.h"

#include <string.h>

static char *
text_copy(const char *text)
{
	return text ? must_copy(text) : NULL;
}

static struct user *
user_copy(struct user *from)
{
	struct user *to = must_alloc(sizeof(*to));

	*to = *from;
	to->username = text_copy(from->username);
	to->name = text_copy(from->name);
	to->state = text_copy(from->state);
	to->email = text_copy(from->email);
	to->tokens = (struct list){ 0 };
	return from->copy = to;
}

static struct token *
token_copy(struct token *from)
{
	struct token *to = must_alloc(sizeof(*to));

	*to = *from;
	to->name = text_copy(from->name);
	to->description = text_copy(from->description);
	to->secret = text_copy(from->secret);
	to->scopes = json_deep_copy(from->scopes);
	to->successors = (struct list){ 0 };
	return from->copy = to;
}

static struct resource *
resource_copy(struct resource *from)
{
	struct resource *to = must_alloc(sizeof(*to));

	to->kind = from->kind;
	to->id = from->id;
	to->archived = from->archived;
	to->no_repository = from->no_repository;
	to->no_builds = from->no_builds;
	to->created_at = from->created_at;
	to->path = text_copy(from->path);
	to->name = text_copy(from->name);
	to->visibility = text_copy(from->visibility);
	to->description = text_copy(from->description);
	return from->copy = to;
}

static void
variables_copy(struct list *to, const struct list *from)
{
	*to = (struct list){ 0 };
	for (size_t i = 0; i < from->count; i++) {
		const struct variable *old = from->items[i];
		struct variable *variable = must_alloc(sizeof(*variable));

		*variable = *old;
		variable->key = text_copy(old->key);
		variable->value = text_copy(old->value);
		variable->environment_scope = text_copy(old->environment_scope);
		variable->description = text_copy(old->description);
		variable->variable_type = text_copy(old->variable_type);
		list_add(to, variable);
	}
}

/* Makes NAMEs_copy(): all rows of a list, holes too. */
#define LIST_COPY(name)                                                                        \
	static void name##s_copy(struct list *to, const struct list *from)                     \
	{                                                                                      \
		*to = (struct list){ 0 };                                                      \
		for (size_t i = 0; i < from->count; i++)                                       \
			list_put(to, i, from->items[i] ? name##_copy(from->items[i]) : NULL);  \
	}

LIST_COPY(user)
LIST_COPY(token)
LIST_COPY(resource)

/* Makes NAMEs_point(): a list of pointers to rows points at their copies. */
#define LIST_POINT(name)                                                                       \
	static void name##s_point(struct list *to, const struct list *from)                    \
	{                                                                                      \
		for (size_t i = 0; i < from->count; i++)                                       \
			list_add(to, ((struct name *)from->items[i])->copy);                   \
	}

LIST_POINT(user)
LIST_POINT(token)
LIST_POINT(resource)

static void
deploy_tokens_copy(struct list *to, const struct list *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct deploy_token *old = from->items[i];
		struct deploy_token *token = must_alloc(sizeof(*token));

		*token = *old;
		token->name = text_copy(old->name);
		token->username = text_copy(old->username);
		token->secret = text_copy(old->secret);
		token->scopes = json_deep_copy(old->scopes);
		list_add(to, token);
	}
}

static void
triggers_copy(struct list *to, const struct list *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct trigger *old = from->items[i];
		struct trigger *trigger = must_alloc(sizeof(*trigger));

		*trigger = *old;
		trigger->description = text_copy(old->description);
		trigger->secret = text_copy(old->secret);
		trigger->owner = old->owner ? old->owner->copy : NULL;
		list_add(to, trigger);
	}
}

static void
members_copy(struct list *to, const struct list *from)
{
	for (size_t i = 0; i < from->count; i++) {
		struct member *member = must_alloc(sizeof(*member));

		*member = *(const struct member *)from->items[i];
		member->user = member->user->copy;
		list_add(to, member);
	}
}

static void
resources_fill(const struct list *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct resource *old = from->items[i];

		if (!old)
			continue;
		old->copy->parent = old->parent ? old->parent->copy : NULL;
		members_copy(&old->copy->members, &old->members);
		variables_copy(&old->copy->variables, &old->variables);
		users_point(&old->copy->bots, &old->bots);
		users_point(&old->copy->accounts, &old->accounts);
		resources_point(&old->copy->children, &old->children);
		resources_point(&old->copy->shared_with, &old->shared_with);
		deploy_tokens_copy(&old->copy->deploy_tokens, &old->deploy_tokens);
		triggers_copy(&old->copy->triggers, &old->triggers);
	}
}

/* A user in the graveyard may have outlived its home. */
static void
users_fill(const struct list *from, bool buried)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct user *old = from->items[i];

		if (!old)
			continue;
		old->copy->home = old->home && !buried ? old->home->copy : NULL;
		old->copy->creator = old->creator ? old->creator->copy : NULL;
		old->copy->enterprise =
			old->enterprise && !buried ? old->enterprise->copy : NULL;
		tokens_point(&old->copy->tokens, &old->tokens);
	}
}

static void
tokens_fill(const struct list *from)
{
	for (size_t i = 0; i < from->count; i++) {
		const struct token *old = from->items[i];

		if (!old)
			continue;
		old->copy->user = old->user->copy;
		old->copy->predecessor = old->predecessor ? old->predecessor->copy : NULL;
		tokens_point(&old->copy->successors, &old->successors);
	}
}

static void
paths_fill(struct map *map, const struct list *resources)
{
	*map = (struct map){ 0 };
	for (size_t i = 0; i < resources->count; i++) {
		struct resource *resource = resources->items[i];

		if (resource)
			map_put(map, resource->path, resource);
	}
}

static void
maps_fill(struct world *to, const struct world *from)
{
	to->usernames = to->secrets = to->moved_paths = (struct map){ 0 };
	to->old_paths = (struct list){ 0 };
	for (size_t i = 0; i < to->users.count; i++) {
		struct user *user = to->users.items[i];

		if (user)
			map_put(&to->usernames, user->username, user);
	}
	for (size_t i = 0; i < to->tokens.count; i++) {
		struct token *token = to->tokens.items[i];

		if (token)
			map_put(&to->secrets, token->secret, token);
	}
	for (size_t i = 0; i < from->old_paths.count; i++) {
		char *path = text_copy(from->old_paths.items[i]);
		const struct resource *resource = map_get(&from->moved_paths, path);

		list_add(&to->old_paths, path);
		if (resource)
			map_put(&to->moved_paths, path, resource->copy);
	}
	paths_fill(&to->group_paths, &to->groups);
	paths_fill(&to->project_paths, &to->projects);
}

static struct resource *
copy_of(const struct resource *resource)
{
	return resource->copy;
}

void
world_copy(struct world *to, struct world *from)
{
	*to = *from;
	users_copy(&to->users, &from->users);
	users_copy(&to->graveyard_users, &from->graveyard_users);
	tokens_copy(&to->tokens, &from->tokens);
	tokens_copy(&to->graveyard_tokens, &from->graveyard_tokens);
	resources_copy(&to->groups, &from->groups);
	resources_copy(&to->projects, &from->projects);
	variables_copy(&to->variables, &from->variables);
	users_fill(&from->users, false);
	users_fill(&from->graveyard_users, true);
	tokens_fill(&from->tokens);
	tokens_fill(&from->graveyard_tokens);
	resources_fill(&from->groups);
	resources_fill(&from->projects);
	maps_fill(to, from);
	extras_copy(&to->extras, &from->extras, copy_of);
}
