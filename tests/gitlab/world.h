/* world.h: what exists: users, groups, projects, tokens, variables.
 * Holds no rule of GitLab's; who may do what is in access.c and the endpoints. The caller holds
 * the simulator's lock. Rows live until world_done(), also when they are removed. */
#ifndef WORLD_H
#define WORLD_H

#include "base.h"
#include "clock.h"
#include "extras.h"

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

enum {
	LEVEL_NONE = 0,
	LEVEL_GUEST = 10,
	LEVEL_REPORTER = 20,
	LEVEL_DEVELOPER = 30,
	LEVEL_MAINTAINER = 40,
	LEVEL_OWNER = 50,
};

enum user_kind { USER_HUMAN, USER_BOT, USER_SERVICE };

struct user {
	long id;
	char *username, *name, *state;
	char *email; /* NULL: made of the name */
	enum user_kind kind;
	bool admin;
	/* Of a bot its project or group, of a service account the same, or NULL when it
	 * belongs to the instance. */
	struct resource *home;
	int bot_level;
	struct user *creator;
	struct resource *enterprise; /* the group a person's account belongs to, or NULL */
	int64_t created_at;
	struct list tokens;
	struct user *copy; /* for world_copy() alone, as are the others of that name */
};

enum resource_kind { GROUP, PROJECT };

struct member {
	struct user *user;
	int level;
};

struct variable {
	long id;
	char *key, *value, *environment_scope, *description, *variable_type;
	bool masked, hidden, protected, raw;
};

struct deploy_token {
	long id;
	char *name, *username, *secret;
	json_t *scopes;
	bool revoked;
	int64_t expires_at; /* 0: never */
};

struct trigger {
	long id;
	char *description, *secret;
	struct user *owner;
	int64_t created_at, updated_at;
};

struct resource {
	enum resource_kind kind;
	long id;
	bool archived;
	bool no_repository, no_builds; /* that feature of a project is switched off */
	char *path, *name, *visibility, *description;
	struct resource *parent;
	int64_t created_at;
	/* struct member, struct variable, struct user, struct user, struct resource,
	 * struct deploy_token, struct trigger. A bot is a member by standing in `bots`. */
	struct list members, variables, bots, accounts, children, deploy_tokens, triggers;
	struct list
		shared_with; /* of a project: struct resource, groups it does not stand in */
	struct resource *copy;
};

struct token {
	long id;
	struct user *user;
	char *name, *description, *secret;
	json_t *scopes;
	bool revoked, impersonation;
	int expires;                      /* a day, or NEVER */
	int64_t created_at, last_used_at; /* 0: never used */
	struct token *predecessor;
	struct list successors;
	char last_used_ip[48];
	struct token *copy;
};

struct world {
	struct list users, groups, projects, tokens; /* by id, with holes */
	struct map usernames, group_paths, project_paths, moved_paths, secrets;
	struct list variables; /* of the instance */
	struct list graveyard_users, graveyard_tokens, old_paths;
	long next_user, next_group, next_project, next_token, next_variable, next_deploy_token,
		next_trigger;
	struct extras extras;
};

void world_init(struct world *world);
void world_done(struct world *world);
/* All of it, for world_done(); `to` is overwritten. */
void world_copy(struct world *to, struct world *from);

/* `id` 0 means the next free one. NULL when the id or the name is taken. */
struct user *user_add(struct world *world, long id, const char *username, const char *name);
void user_remove(struct world *world, struct user *user);
/* False: the name is another's. */
bool user_rename(struct world *world, struct user *user, const char *username);

/* Parents of `path` are created where they are missing. */
struct resource *resource_add(
	struct world *world, enum resource_kind kind, long id, const char *path);
/* With all that is below it, its bots and accounts, and their tokens. */
void resource_remove(struct world *world, struct resource *resource);
struct resource *resource_by_path(
	struct world *world, enum resource_kind kind, const char *path);
struct list *resource_list(struct world *world, enum resource_kind kind);
const char *resource_slug(const struct resource *resource);
bool project_rename(struct world *world, struct resource *project, const char *to);

struct member *member_find(const struct resource *resource, const struct user *user);
void member_set(struct resource *resource, struct user *user, int level);

/* The secret is taken, and may not be in use. */
struct token *token_add(
	struct world *world, long id, struct user *user, const char *name, char *secret);
void token_remove(struct world *world, struct token *token);

struct variable *variable_add(struct world *world, struct list *variables, const char *key);
void variable_remove(struct list *variables, struct variable *variable);
void variable_free(void *variable);

/* Scopes and secret are taken; without a username it is named after its id. */
struct deploy_token *deploy_token_add(struct world *world, struct resource *resource,
	const char *name, const char *username, json_t *scopes, char *secret);
void deploy_token_remove(struct resource *resource, struct deploy_token *token);

/* The secret is taken. */
struct trigger *trigger_add(struct world *world, struct resource *project, struct user *owner,
	const char *description, char *secret);
void trigger_remove(struct resource *project, struct trigger *trigger);

/* The bot a project or group token acts as. */
struct user *bot_add(struct world *world, struct resource *resource, const char *name,
	int level, int64_t now);

#endif
