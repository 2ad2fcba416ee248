#include "gitlab/kinds.h"

#include <inttypes.h>
#include <string.h>

#define API "/api/v4"

/* clang-format off */
static const struct kind kinds[TYPE_COUNT] = {
	/*                          type                   manageable level  user   deploy rotates replaces least_right */
	[TYPE_PERSONAL]         = { TYPE_PERSONAL,         true,      false, true,  false, true,   true,    "an administrator, or the person's own token" },
	[TYPE_SERVICE_ACCOUNT]  = { TYPE_SERVICE_ACCOUNT,  true,      false, true,  false, true,   true,    "Owner of the group, Maintainer of the project, or an administrator" },
	[TYPE_IMPERSONATION]    = { TYPE_IMPERSONATION,    true,      false, true,  false, true,   true,    "an administrator" },
	[TYPE_PROJECT]          = { TYPE_PROJECT,          true,      true,  false, false, true,   true,    "Maintainer of the project" },
	[TYPE_GROUP]            = { TYPE_GROUP,            true,      true,  false, false, true,   true,    "Owner of the group" },
	[TYPE_PROJECT_DEPLOY]   = { TYPE_PROJECT_DEPLOY,   true,      false, false, true,  false,  true,    "Maintainer of the project" },
	[TYPE_GROUP_DEPLOY]     = { TYPE_GROUP_DEPLOY,     true,      false, false, true,  false,  true,    "Owner of the group" },
	[TYPE_TRIGGER]          = { TYPE_TRIGGER,          false,     false, false, false, false,  true,    "Maintainer of the project" },
	[TYPE_KUBERNETES_AGENT] = { TYPE_KUBERNETES_AGENT, false,     false, false, false, false,  true,    "Maintainer of the project" },
	[TYPE_RUNNER]           = { TYPE_RUNNER,           false,     false, false, false, true,   false,   "an administrator, or the runner's Owner" },
	[TYPE_WEBHOOK]          = { TYPE_WEBHOOK,          false,     false, false, false, true,   false,   "Maintainer of the project" },
};
/* clang-format on */

const struct kind *
kind_of(enum token_type type)
{
	return &kinds[type];
}

const char *
kind_tokens_path(const struct owner *owner, struct arena *arena)
{
	const char *home = owner->in_project ? "projects" : "groups";

	switch (owner->type) {
	case TYPE_PROJECT:
		return arena_format(
			arena, API "/projects/%" PRId64 "/access_tokens", owner->id);
	case TYPE_GROUP:
		return arena_format(arena, API "/groups/%" PRId64 "/access_tokens", owner->id);
	case TYPE_PROJECT_DEPLOY:
		return arena_format(
			arena, API "/projects/%" PRId64 "/deploy_tokens", owner->id);
	case TYPE_GROUP_DEPLOY:
		return arena_format(arena, API "/groups/%" PRId64 "/deploy_tokens", owner->id);
	case TYPE_IMPERSONATION:
		return arena_format(
			arena, API "/users/%" PRId64 "/impersonation_tokens", owner->user_id);
	case TYPE_SERVICE_ACCOUNT:
		if (owner->id)
			return arena_format(arena,
				API "/%s/%" PRId64 "/service_accounts/%" PRId64
				    "/personal_access_tokens",
				home, owner->id, owner->user_id);
		return API "/personal_access_tokens";
	default:
		return API "/personal_access_tokens";
	}
}

const char *
kind_token_path(const struct owner *owner, int64_t id, struct arena *arena)
{
	/* A group's service accounts have no GET of one token; their own list and the general GET show it. */
	return arena_format(arena, "%s/%" PRId64, kind_tokens_path(owner, arena), id);
}

const char *
kind_rotated_path(const struct owner *owner, int64_t id, struct arena *arena)
{
	/* Impersonation tokens have no route of their own; an administrator rotates them like any other. */
	if (owner->type == TYPE_IMPERSONATION)
		return arena_format(arena, API "/personal_access_tokens/%" PRId64, id);
	return kind_token_path(owner, id, arena);
}

const char *
kind_create_path(const struct owner *owner, struct arena *arena)
{
	if (!kind_of(owner->type)->of_user || owner->id || owner->type == TYPE_IMPERSONATION)
		return kind_tokens_path(owner, arena);
	return arena_format(
		arena, API "/users/%" PRId64 "/personal_access_tokens", owner->user_id);
}

static const struct {
	int64_t level;
	const char *name;
} roles[] = {
	{ ROLE_GUEST, "guest" },
	{ ROLE_PLANNER, "planner" },
	{ ROLE_REPORTER, "reporter" },
	{ ROLE_DEVELOPER, "developer" },
	{ ROLE_MAINTAINER, "maintainer" },
	{ ROLE_OWNER, "owner" },
};

const char *
role_name(int64_t level)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (roles[i].level == level)
			return roles[i].name;
	return NULL;
}

int64_t
role_parse(const char *word)
{
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if (!strcmp(roles[i].name, word))
			return roles[i].level;
	return ROLE_NONE;
}
