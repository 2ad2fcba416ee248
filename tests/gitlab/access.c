#include "access.h"

#include "auth.h"

#include <stdlib.h>
#include <string.h>

bool
setting_true(const struct sim *sim, const char *name)
{
	return json_is_true(json_object_get(sim->settings, name));
}

bool
is_admin(const struct sim *sim, const struct request *request)
{
	if (!request->user->admin)
		return false;
	return !setting_true(sim, "admin_mode") ||
	       token_has_scope(request->token, "admin_mode");
}

const char *
resource_word(enum resource_kind kind)
{
	return kind == GROUP ? "group" : "project";
}

int
level_direct(const struct user *user, const struct resource *resource)
{
	const struct member *member;

	if (user->kind == USER_BOT)
		return user->home == resource ? user->bot_level : LEVEL_NONE;
	member = member_find(resource, user);
	return member ? member->level : LEVEL_NONE;
}

int
level_in(const struct user *user, const struct resource *resource)
{
	int highest = LEVEL_NONE;

	for (; resource; resource = resource->parent) {
		int level = level_direct(user, resource);

		if (level > highest)
			highest = level;
	}
	return highest;
}

bool
has_level(const struct sim *sim, const struct request *request, const struct resource *resource,
	int level)
{
	return is_admin(sim, request) || level_in(request->user, resource) >= level;
}

/* Members of anything below a group can see that it exists. */
static bool
member_below(const struct user *user, const struct resource *resource)
{
	for (size_t i = 0; i < resource->children.count; i++) {
		struct resource *child = resource->children.items[i];

		if (level_direct(user, child) > LEVEL_NONE || member_below(user, child))
			return true;
	}
	return false;
}

bool
resource_visible(
	const struct sim *sim, const struct request *request, const struct resource *resource)
{
	if (strcmp(resource->visibility, "private") != 0 || is_admin(sim, request))
		return true;
	return level_in(request->user, resource) > LEVEL_NONE ||
	       (resource->kind == GROUP && member_below(request->user, resource));
}

/* GitLab sends a moved project's readers, and its writers, to the numeric address. */
static void
answer_moved(
	const struct request *request, const struct resource *project, struct answer *answer)
{
	const char *id = strstr(request->path, "/projects/");
	const char *rest;
	char *location;

	if (!id)
		return;
	id += strlen("/projects/");
	rest = id + strcspn(id, "/");
	location = must_print("%s://%s%.*s%ld%s%s%s", request->tls ? "https" : "http",
		request->host, (int)(id - request->path), request->path, project->id, rest,
		*request->query ? "?" : "", request->query);
	answer_json(answer, 301,
		json_pack("{s:s, s:s}", "message", "301 Moved Permanently", "location",
			location));
	answer_header(answer, "Location", "%s", location);
	free(location);
}

struct resource *
resource_named(struct world *world, enum resource_kind kind, const char *id)
{
	char *end;
	long number;

	if (!id || !*id)
		return NULL;
	number = strtol(id, &end, 10);
	return *end == '\0' ? list_at(resource_list(world, kind), number)
	                    : resource_by_path(world, kind, id);
}

struct resource *
resource_require(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	const char *id = param_text(request, "id");
	struct resource *resource = resource_named(&sim->world, kind, id), *moved;

	if (resource && resource_visible(sim, request, resource))
		return resource;
	moved = kind == PROJECT && !resource ? map_get(&sim->world.moved_paths, id) : NULL;
	if (moved && resource_visible(sim, request, moved))
		answer_moved(request, moved, answer);
	else
		error_not_found(answer, kind == GROUP ? "Group" : "Project");
	return NULL;
}
