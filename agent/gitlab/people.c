#include "gitlab/people.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/source.h"
#include "base/when.h"

#define API "/api/v4"
/* By age, so that what is made while we page comes last and moves nothing. */
#define BY_ID "order_by=id&sort=asc"

#define PERSON(member) offsetof(struct person, member)
static const struct field person_fields[] = {
	{ "id", FIELD_INT, PERSON(id), .required = true },
	{ "username", FIELD_TEXT, PERSON(username), .required = true },
	{ "state", FIELD_TEXT, PERSON(state) },
	{ "is_admin", FIELD_BOOL, PERSON(is_admin) },
	{ "bot", FIELD_BOOL, PERSON(bot) },
	{ NULL },
};
static const struct shape person_shape = { "a user", person_fields, sizeof(struct person),
	.tolerant = true };

#define WORK(member) offsetof(struct place_of_work, member)
static const struct field project_fields[] = {
	{ "id", FIELD_INT, WORK(id), .required = true },
	{ "path_with_namespace", FIELD_TEXT, WORK(path), .required = true },
	{ "archived", FIELD_BOOL, WORK(archived) },
	{ "builds_access_level", FIELD_TEXT, WORK(builds) },
	{ "repository_access_level", FIELD_TEXT, WORK(repository) },
	{ NULL },
};
static const struct shape project_shape = { "a project", project_fields,
	sizeof(struct place_of_work), .tolerant = true };

static const struct field group_fields[] = {
	{ "id", FIELD_INT, WORK(id), .required = true },
	{ "full_path", FIELD_TEXT, WORK(path), .required = true },
	{ NULL },
};
static const struct shape group_shape = { "a group", group_fields, sizeof(struct place_of_work),
	.tolerant = true };

struct version {
	struct place at;
	const char *version;
};
static const struct field version_fields[] = {
	{ "version", FIELD_TEXT, offsetof(struct version, version), .required = true },
	{ NULL },
};
static const struct shape version_shape = { "a version", version_fields, sizeof(struct version),
	.tolerant = true };

struct member {
	struct place at;
	int64_t access_level;
	int64_t expires_on;
};
static const struct field member_fields[] = {
	{ "access_level", FIELD_INT, offsetof(struct member, access_level), .required = true },
	{ "expires_at", FIELD_DATE, offsetof(struct member, expires_on) },
	{ NULL },
};
static const struct shape member_shape = { "a member", member_fields, sizeof(struct member),
	.tolerant = true };

/* What is shown to people from now on. */
static const char *
tamed(struct arena *arena, const char *text)
{
	char *copy = arena_text(arena, text);

	source_tame(copy);
	return copy;
}

static bool
get_person(struct gitlab *gitlab, const char *path, struct arena *arena, struct person *person,
	struct err *err)
{
	if (!gitlab_get(gitlab, path, &person_shape, arena, person, err))
		return false;
	person->username = tamed(arena, person->username);
	return true;
}

bool
people_me(struct gitlab *gitlab, struct arena *arena, struct person *me, struct err *err)
{
	return get_person(gitlab, API "/user", arena, me, err);
}

bool
people_user(struct gitlab *gitlab, int64_t id, struct arena *arena, struct person *person,
	struct err *err)
{
	return get_person(
		gitlab, arena_format(arena, API "/users/%" PRId64, id), arena, person, err);
}

bool
people_version(
	struct gitlab *gitlab, struct arena *arena, const char **version, struct err *err)
{
	struct version answer;
	int major, minor;

	/* Before 15.2 there is only /version. */
	if (!gitlab_get(gitlab, API "/metadata", &version_shape, arena, &answer, err) &&
		(err->kind != ERR_MOVED || !gitlab_get(gitlab, API "/version", &version_shape,
						   arena, &answer, err)))
		return false;
	*version = tamed(arena, answer.version);
	if (sscanf(answer.version, "%d.%d", &major, &minor) == 2)
		gitlab_set_version(gitlab_server_of(gitlab), major, minor);
	return true;
}

/* --- projects and groups --- */

bool
people_project(struct gitlab *gitlab, int64_t id, struct arena *arena,
	struct place_of_work *project, struct err *err)
{
	return gitlab_get(gitlab, arena_format(arena, API "/projects/%" PRId64, id),
		&project_shape, arena, project, err);
}

/* GitLab knows what moved by its old path for a while. Who asks by path means what is there, and so do we: paths
 * differ by case at the most. */
static bool
is_at(const struct place_of_work *place, const char *path, struct err *err)
{
	return !strcasecmp(place->path, path) ||
	       err_set(err, ERR_MOVED, 0, "'%s' leads to '%s' now", path, place->path);
}

static bool
get_at(struct gitlab *gitlab, const char *path, const char *request, const struct shape *shape,
	struct arena *arena, struct place_of_work *place, struct err *err)
{
	struct place_of_work draft;

	if (!gitlab_get(gitlab, request, shape, arena, &draft, err) ||
		!is_at(&draft, path, err))
		return false;
	*place = draft;
	return true;
}

bool
people_project_at(struct gitlab *gitlab, const char *path, struct arena *arena,
	struct place_of_work *project, struct err *err)
{
	return get_at(gitlab, path,
		arena_format(arena, API "/projects/%s", http_escape(arena, path)),
		&project_shape, arena, project, err);
}

bool
people_group(struct gitlab *gitlab, int64_t id, struct arena *arena,
	struct place_of_work *group, struct err *err)
{
	return gitlab_get(gitlab,
		arena_format(arena, API "/groups/%" PRId64 "?with_projects=false", id),
		&group_shape, arena, group, err);
}

bool
people_group_at(struct gitlab *gitlab, const char *path, struct arena *arena,
	struct place_of_work *group, struct err *err)
{
	return get_at(gitlab, path,
		arena_format(
			arena, API "/groups/%s?with_projects=false", http_escape(arena, path)),
		&group_shape, arena, group, err);
}

static bool
we_administer(struct gitlab *gitlab, struct arena *arena, bool *administer, struct err *err)
{
	struct person me;

	if (!people_me(gitlab, arena, &me, err))
		return false;
	*administer = me.is_admin == STATED_YES;
	return true;
}

bool
people_projects(struct gitlab *gitlab, int64_t group, struct arena *arena,
	struct list *projects, struct err *err)
{
	const char *path = API "/projects?simple=true&" BY_ID;
	bool administer;

	if (group)
		path = arena_format(arena,
			API
			"/groups/%" PRId64
			"/projects?include_subgroups=true&with_shared=false&simple=true&" BY_ID,
			group);
	else if (!we_administer(gitlab, arena, &administer, err))
		return false;
	else if (!administer)
		path = API "/projects?simple=true&membership=true&" BY_ID;
	return gitlab_list(gitlab, path, &project_shape, arena, projects, err);
}

/* Not `simple`, which would not say whether one is archived, or what is switched off. */
bool
people_children(struct gitlab *gitlab, int64_t group, struct arena *arena,
	struct list *projects, struct err *err)
{
	return gitlab_list(gitlab,
		arena_format(arena,
			API "/groups/%" PRId64
			    "/projects?include_subgroups=false&with_shared=false&" BY_ID,
			group),
		&project_shape, arena, projects, err);
}

static bool
add_group_itself(struct gitlab *gitlab, int64_t id, struct arena *arena, struct list *groups,
	struct err *err)
{
	struct place_of_work *items =
		arena_alloc(arena, (groups->count + 1) * sizeof(struct place_of_work));

	if (!people_group(gitlab, id, arena, &items[0], err))
		return false;
	if (groups->count)
		memcpy(items + 1, groups->items, groups->count * sizeof(*items));
	*groups = (struct list){ items, groups->count + 1 };
	return true;
}

bool
people_groups(struct gitlab *gitlab, int64_t group, struct arena *arena, struct list *groups,
	struct err *err)
{
	struct list draft;

	if (!group)
		return gitlab_list(
			gitlab, API "/groups?" BY_ID, &group_shape, arena, groups, err);
	if (!gitlab_list(gitlab,
		    arena_format(
			    arena, API "/groups/%" PRId64 "/descendant_groups?" BY_ID, group),
		    &group_shape, arena, &draft, err) ||
		!add_group_itself(gitlab, group, arena, &draft, err))
		return false;
	*groups = draft;
	return true;
}

/* --- owners --- */

static bool
own_project(struct gitlab *gitlab, const struct address *address, struct arena *arena,
	struct owner *owner, struct err *err)
{
	struct place_of_work project;

	if (!people_project_at(gitlab, address->owner, arena, &project, err))
		return false;
	*owner =
		(struct owner){ .type = address->type, .id = project.id, .path = project.path };
	return true;
}

static bool
own_group(struct gitlab *gitlab, const struct address *address, struct arena *arena,
	struct owner *owner, struct err *err)
{
	struct place_of_work group;

	if (!people_group_at(gitlab, address->owner, arena, &group, err))
		return false;
	*owner = (struct owner){ .type = address->type, .id = group.id, .path = group.path };
	return true;
}

static bool
pick_person(
	const struct list *people, const char *username, struct owner *owner, struct err *err)
{
	const struct person *items = people->items;

	for (size_t i = 0; i < people->count; i++)
		/* GitLab compares user names without case. */
		if (!strcasecmp(items[i].username, username)) {
			owner->user_id = items[i].id;
			owner->path = items[i].username;
			return true;
		}
	return err_set(
		err, ERR_MOVED, 0, "no user '%s' is visible to our credential", username);
}

static bool
list_named(struct gitlab *gitlab, const char *username, struct arena *arena,
	struct list *people, struct err *err)
{
	return gitlab_list(gitlab,
		arena_format(arena, API "/users?username=%s", http_escape(arena, username)),
		&person_shape, arena, people, err);
}

static bool
own_person(struct gitlab *gitlab, const struct address *address, struct arena *arena,
	struct owner *owner, struct err *err)
{
	struct owner draft = { .type = address->type };
	struct list people;

	if (!list_named(gitlab, address->owner, arena, &people, err) ||
		!pick_person(&people, address->owner, &draft, err))
		return false;
	*owner = draft;
	return true;
}

static bool
find_home(struct gitlab *gitlab, const char *path, struct arena *arena, struct owner *owner,
	struct err *err)
{
	struct place_of_work home;
	const bool in_group = people_group_at(gitlab, path, arena, &home, err);

	/* A project's path has a slash. */
	if (!in_group && (err->kind != ERR_MOVED || !strchr(path, '/') ||
				 !people_project_at(gitlab, path, arena, &home, err)))
		return false;
	owner->id = home.id;
	owner->path = home.path;
	owner->in_project = !in_group;
	return true;
}

/* Where a home does not list its accounts (a release that lacks it), the user's name must do. */
static bool
own_account_of(struct gitlab *gitlab, const struct owner *home, const char *username,
	struct arena *arena, struct owner *owner, struct err *err)
{
	struct list people;
	struct owner draft = *home;

	if (!gitlab_list(gitlab,
		    arena_format(arena, API "/%s/%" PRId64 "/service_accounts",
			    home->in_project ? "projects" : "groups", home->id),
		    &person_shape, arena, &people, err) &&
		(err->kind != ERR_MOVED || !list_named(gitlab, username, arena, &people, err)))
		return false;
	if (!pick_person(&people, username, &draft, err))
		return false;
	*owner = draft;
	return true;
}

/* `platform/deployer` lives in the group platform, `platform/api/deployer` in the project platform/api. */
static bool
own_service_account(struct gitlab *gitlab, const struct address *address, struct arena *arena,
	struct owner *owner, struct err *err)
{
	const char *slash = strrchr(address->owner, '/');
	struct owner home = { .type = address->type };

	if (!slash)
		return own_person(gitlab, address, arena, owner, err);
	if (!find_home(gitlab,
		    arena_text_n(arena, address->owner, (size_t)(slash - address->owner)),
		    arena, &home, err) ||
		!own_account_of(gitlab, &home, slash + 1, arena, owner, err))
		return false;
	owner->path = arena_format(arena, "%s/%s", home.path, owner->path);
	return true;
}

bool
people_owner(struct gitlab *gitlab, const struct address *address, struct arena *arena,
	struct owner *owner, struct err *err)
{
	switch (address->type) {
	case TYPE_PROJECT:
	case TYPE_PROJECT_DEPLOY:
		return own_project(gitlab, address, arena, owner, err);
	case TYPE_GROUP:
	case TYPE_GROUP_DEPLOY:
		return own_group(gitlab, address, arena, owner, err);
	case TYPE_PERSONAL:
	case TYPE_IMPERSONATION:
		return own_person(gitlab, address, arena, owner, err);
	case TYPE_SERVICE_ACCOUNT:
		return own_service_account(gitlab, address, arena, owner, err);
	default:
		return err_set(err, ERR_POLICY, 0, "tokens of type %s are not managed",
			token_type_name(address->type));
	}
}

bool
people_level(struct gitlab *gitlab, bool in_project, int64_t id, int64_t user_id,
	int64_t *level, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	struct member member;
	bool found;

	if (!gitlab_find(gitlab,
		    arena_format(arena, API "/%s/%" PRId64 "/members/all/%" PRId64,
			    in_project ? "projects" : "groups", id, user_id),
		    &member_shape, arena, &found, &member, err))
		return false;
	*level = found ? member.access_level : ROLE_NONE;
	return true;
}
