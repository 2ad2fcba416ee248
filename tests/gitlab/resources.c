/* resources.c: projects and groups themselves. */
#include "access.h"
#include "keys.h"
#include "page.h"
#include "route.h"

#include <stdlib.h>
#include <string.h>

static json_t *
listed_view(struct sim *sim, struct request *request, void *row)
{
	return resource_view(sim, request, row,
		param_true(request, "simple") ? 0 : SEE_MORE | SEE_PERMISSIONS);
}

static json_t *
below_view(struct sim *sim, struct request *request, void *row)
{
	return resource_view(sim, request, row, param_true(request, "simple") ? 0 : SEE_MORE);
}

static bool
resource_wanted(
	const struct sim *sim, const struct request *request, const struct resource *resource)
{
	const char *search = param_text(request, "search");

	if (!resource_visible(sim, request, resource))
		return false;
	if ((param_true(request, "membership") || param_true(request, "owned")) &&
		level_in(request->user, resource) <
			(param_true(request, "owned") ? LEVEL_OWNER : LEVEL_GUEST))
		return false;
	if (param_true(request, "top_level_only") && resource->parent)
		return false;
	if (param_given(request, "archived") &&
		resource->archived != param_true(request, "archived"))
		return false;
	return !search || strcasestr(resource->name, search) ||
	       strcasestr(resource->path, search);
}

static void
resources_list(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	const struct list *all = resource_list(&sim->world, kind);
	struct list found = { 0 };

	/* Projects come newest first, groups by name; an id order does for both here. */
	for (size_t i = 0; i < all->count; i++) {
		struct resource *resource =
			all->items[kind == PROJECT ? all->count - 1 - i : i];

		if (resource && resource_wanted(sim, request, resource))
			list_add(&found, resource);
	}
	page_answer(sim, request, &found, listed_view, answer);
	list_done(&found);
}

static void
below_collect(const struct sim *sim, const struct request *request,
	const struct resource *group, bool deep, struct list *into)
{
	for (size_t i = 0; i < group->children.count; i++) {
		struct resource *child = group->children.items[i];

		if (child->kind != GROUP)
			continue;
		if (resource_wanted(sim, request, child))
			list_add(into, child);
		if (deep)
			below_collect(sim, request, child, deep, into);
	}
}

static void
below_list(struct sim *sim, struct request *request, bool deep, struct answer *answer)
{
	struct resource *group = resource_require(sim, request, GROUP, answer);
	struct list found = { 0 };

	if (!group)
		return;
	below_collect(sim, request, group, deep, &found);
	page_answer(sim, request, &found, below_view, answer);
	list_done(&found);
}

static bool
list_has(const struct list *list, const void *item)
{
	for (size_t i = 0; i < list->count; i++) {
		if (list->items[i] == item)
			return true;
	}
	return false;
}

/* Whether it stands in the group, or below it, or is shared with it. */
static bool
project_in(const struct request *request, const struct resource *project,
	const struct resource *group)
{
	const struct resource *above = project->parent;

	if (above == group)
		return true;
	while (param_true(request, "include_subgroups") && above) {
		if ((above = above->parent) == group && group)
			return true;
	}
	return !(param_given(request, "with_shared") && !param_true(request, "with_shared")) &&
	       list_has(&project->shared_with, group);
}

/* Newest first. */
static void
group_projects(struct sim *sim, struct request *request, struct answer *answer)
{
	const struct resource *group = resource_require(sim, request, GROUP, answer);
	const struct list *projects = &sim->world.projects;
	struct list found = { 0 };

	if (!group)
		return;
	for (size_t i = projects->count; i-- > 0;) {
		struct resource *project = projects->items[i];

		if (project && project_in(request, project, group) &&
			resource_wanted(sim, request, project))
			list_add(&found, project);
	}
	page_answer(sim, request, &found, below_view, answer);
	list_done(&found);
}

static void
group_subgroups(struct sim *sim, struct request *request, struct answer *answer)
{
	below_list(sim, request, false, answer);
}

static void
group_descendants(struct sim *sim, struct request *request, struct answer *answer)
{
	below_list(sim, request, true, answer);
}

static void
resource_get(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);
	unsigned how = SEE_MORE | SEE_ONE | SEE_PERMISSIONS;

	if (!param_given(request, "with_projects") || param_true(request, "with_projects"))
		how |= SEE_PROJECTS;
	if (resource)
		answer_json(answer, 200, resource_view(sim, request, resource, how));
}

/* The creator becomes its owner, as in GitLab. */
static void
resource_create(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	const char *above = kind == GROUP ? "parent_id" : "namespace_id";
	struct resource *parent = list_at(&sim->world.groups, param_number(request, above));
	const char *slug = param_text(request, "path") ? param_text(request, "path")
	                                               : param_text(request, "name");
	struct resource *resource;
	char *path;

	if (param_number(request, above) &&
		(!parent || !has_level(sim, request, parent, LEVEL_MAINTAINER))) {
		error_not_found(answer, kind == GROUP ? "Group" : "Namespace");
		return;
	}
	path = parent          ? must_print("%s/%s", parent->path, slug)
	       : kind == GROUP ? must_copy(slug)
	                       : must_print("%s/%s", request->user->username, slug);
	resource = resource_add(&sim->world, kind, 0, path);
	free(path);
	if (!resource) {
		error_validation(answer, "path", "has already been taken");
		return;
	}
	resource->created_at = clock_now(&sim->clock);
	if (param_text(request, "visibility")) {
		free(resource->visibility);
		resource->visibility = must_copy(param_text(request, "visibility"));
	}
	member_set(resource, request->user, LEVEL_OWNER);
	answer_json(answer, 201, resource_view(sim, request, resource, SEE_MORE | SEE_ONE));
}

static void
resource_delete(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);

	if (!resource)
		return;
	if (!has_level(sim, request, resource, LEVEL_OWNER)) {
		error_forbidden(answer);
		return;
	}
	resource_remove(&sim->world, resource);
	error_message(answer, 202, "202 Accepted");
}

static json_t *
associations_of(struct sim *sim, struct request *request, enum resource_kind kind)
{
	const struct list *all = resource_list(&sim->world, kind);
	long wanted = param_number(request, "min_access_level");
	json_t *out = json_array();

	for (size_t i = 0; i < all->count; i++) {
		struct resource *resource = all->items[i];
		int level = resource ? level_in(request->user, resource) : LEVEL_NONE;

		if (level > LEVEL_NONE && level >= wanted)
			json_array_append_new(out, association_view(sim, request, resource));
	}
	return out;
}

static void
associations_get(struct sim *sim, struct request *request, struct answer *answer)
{
	answer_json(answer, 200,
		json_pack("{s:o, s:o}", "groups", associations_of(sim, request, GROUP),
			"projects", associations_of(sim, request, PROJECT)));
}

FOR_BOTH(resources_list)
FOR_BOTH(resource_get)
FOR_BOTH(resource_create)
FOR_BOTH(resource_delete)

/* clang-format off */
static const struct param list_params[] = {
	{ "search", PARAM_TEXT }, { "membership", PARAM_TRUE }, { "owned", PARAM_TRUE },
	{ "top_level_only", PARAM_TRUE }, { "include_subgroups", PARAM_TRUE }, { "simple", PARAM_TRUE },
	PAGE_PARAMS, { 0 }
};
static const struct param projects_params[] = {
	{ "search", PARAM_TEXT }, { "membership", PARAM_TRUE }, { "owned", PARAM_TRUE },
	{ "archived", PARAM_TRUE }, { "simple", PARAM_TRUE }, { "include_subgroups", PARAM_TRUE },
	{ "with_shared", PARAM_TRUE }, PAGE_PARAMS, { 0 }
};
static const struct param create_params[] = {
	{ "name", PARAM_TEXT, .required = true }, { "path", PARAM_TEXT },
	{ "namespace_id", PARAM_NUMBER }, { "parent_id", PARAM_NUMBER },
	{ "visibility", PARAM_TEXT, .values = "private,internal,public" }, { 0 }
};

static const struct param group_params[] = {
	{ "with_projects", PARAM_TRUE }, { 0 }
};
static const struct param associations_params[] = {
	{ "min_access_level", PARAM_NUMBER }, PAGE_PARAMS, { 0 }
};

const struct route resource_routes[] = {
	{ "GET",  "/projects",                     project_resources_list,  projects_params },
	{ "POST", "/projects",                     project_resource_create, create_params },
	{ "GET",  "/projects/:id",                 project_resource_get },
	{ "DELETE", "/projects/:id",               project_resource_delete },
	{ "GET",  "/groups",                       group_resources_list,    list_params },
	{ "POST", "/groups",                       group_resource_create,   create_params },
	{ "GET",  "/groups/:id",                   group_resource_get,      group_params },
	{ "DELETE", "/groups/:id",                 group_resource_delete },
	{ "GET",  "/groups/:id/projects",          group_projects,          projects_params },
	{ "GET",  "/groups/:id/subgroups",         group_subgroups,         list_params },
	{ "GET",  "/groups/:id/descendant_groups", group_descendants,       list_params },
	{ "GET",  "/personal_access_tokens/self/associations", associations_get, associations_params, SCOPE_ANY, V(17, 4) },
	{ 0 }
};
/* clang-format on */
