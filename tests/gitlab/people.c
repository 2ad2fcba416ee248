/* people.c: users and members. */
#include "people.h"
#include "access.h"
#include "keys.h"
#include "page.h"
#include "route.h"

#include <stdlib.h>
#include <string.h>

json_t *
user_basic(struct sim *sim, const struct request *request, const struct user *user)
{
	return user_view(sim, request, user, 0);
}

static json_t *
user_listed(struct sim *sim, struct request *request, void *user)
{
	return user_view(sim, request, user, is_admin(sim, request) ? USER_AS_ADMIN : 0);
}

static void
user_current(struct sim *sim, struct request *request, struct answer *answer)
{
	/* Here it counts who one is, not whether Admin Mode is on. */
	answer_json(answer, 200,
		user_view(sim, request, request->user,
			request->user->admin ? USER_AS_ADMIN : USER_AS_SELF));
}

/* What a listing asks for; looked up once, not for each user. */
struct wanted {
	const char *username, *search;
	bool bots, humans, others, admins, active, inactive, blocked;
};

static struct wanted
wanted_of(const struct request *request)
{
	return (struct wanted){ .username = param_text(request, "username"),
		.search = param_text(request, "search"),
		.bots = !param_true(request, "without_project_bots"),
		.humans = !param_true(request, "exclude_humans"),
		.others = !param_true(request, "humans"),
		.admins = param_true(request, "admins"),
		.active = param_true(request, "active"),
		.inactive = param_true(request, "exclude_active"),
		.blocked = param_true(request, "blocked") };
}

static bool
user_matches(const struct wanted *wanted, const struct user *user)
{
	const bool active = !strcmp(user->state, "active");

	if (wanted->username && strcasecmp(wanted->username, user->username) != 0)
		return false;
	if ((!wanted->bots && user->kind == USER_BOT) ||
		!(user->kind == USER_HUMAN ? wanted->humans : wanted->others) ||
		(wanted->admins && !user->admin) || (wanted->active && !active) ||
		(wanted->inactive && active) ||
		(wanted->blocked && strcmp(user->state, "blocked") != 0))
		return false;
	return !wanted->search || strcasestr(user->username, wanted->search) ||
	       strcasestr(user->name, wanted->search);
}

static void
users_list(struct sim *sim, struct request *request, struct answer *answer)
{
	const struct list *users = &sim->world.users;
	const struct wanted wanted = wanted_of(request);
	struct list found = { 0 };

	/* Newest first: order_by=id, sort=desc. */
	for (size_t i = users->count; i-- > 0;) {
		if (users->items[i] && user_matches(&wanted, users->items[i]))
			list_add(&found, users->items[i]);
	}
	page_answer(sim, request, &found, user_listed, answer);
	list_done(&found);
}

static struct user *
user_require(struct sim *sim, struct request *request, const char *name, struct answer *answer)
{
	struct user *user = list_at(&sim->world.users, param_number(request, name));

	if (!user)
		error_not_found(answer, "User");
	return user;
}

static void
user_get(struct sim *sim, struct request *request, struct answer *answer)
{
	struct user *user = user_require(sim, request, "id", answer);

	if (user)
		answer_json(answer, 200,
			user_view(sim, request, user,
				is_admin(sim, request) ? USER_AS_ADMIN | USER_DETAILS
						       : USER_PROFILE));
}

static bool
email_taken(const struct list *users, const char *email)
{
	for (size_t i = 0; i < users->count; i++) {
		const struct user *user = users->items[i];

		if (user && user->email && strcasecmp(user->email, email) == 0)
			return true;
	}
	return false;
}

static void
user_create(struct sim *sim, struct request *request, struct answer *answer)
{
	struct user *user;

	if (email_taken(&sim->world.users, param_text(request, "email"))) {
		error_message(answer, 409, "Email has already been taken");
		return;
	}
	user = user_add(
		&sim->world, 0, param_text(request, "username"), param_text(request, "name"));

	if (!user) {
		error_message(answer, 409, "Username has already been taken");
		return;
	}
	user->admin = param_true(request, "admin");
	user->email = must_copy(param_text(request, "email"));
	user->creator = request->user;
	user->created_at = clock_now(&sim->clock);
	answer_json(answer, 201, user_view(sim, request, user, USER_AS_ADMIN));
}

static void
user_delete(struct sim *sim, struct request *request, struct answer *answer)
{
	struct user *user = user_require(sim, request, "id", answer);

	if (!user)
		return;
	user_remove(&sim->world, user);
	answer_no_content(answer);
}

static void
state_change(struct sim *sim, struct request *request, const char *from, const char *to,
	struct answer *answer)
{
	struct user *user = user_require(sim, request, "id", answer);

	if (!user)
		return;
	if (strcmp(user->state, from) != 0) {
		answer_json(answer, 201, json_null());
		return;
	}
	free(user->state);
	user->state = must_copy(to);
	answer_json(answer, 201, json_true());
}

static void
user_block(struct sim *sim, struct request *request, struct answer *answer)
{
	state_change(sim, request, "active", "blocked", answer);
}

static void
user_unblock(struct sim *sim, struct request *request, struct answer *answer)
{
	state_change(sim, request, "blocked", "active", answer);
}

static json_t *
member_view(struct sim *sim, struct request *request, void *row)
{
	const struct member *member = row;
	json_t *json = user_basic(sim, request, member->user);

	json_object_set_new(json, "access_level", json_integer(member->level));
	json_object_set_new(json, "created_at", json_null());
	json_object_set_new(json, "expires_at", json_null());
	json_object_set_new(json, "membership_state", json_string("active"));
	return json;
}

/* Bots are members too; `rooms` lends each a row to stand in. */
static void
members_collect(const struct resource *resource, struct list *into, struct list *rooms)
{
	for (size_t i = 0; i < resource->members.count; i++)
		list_add(into, resource->members.items[i]);
	for (size_t i = 0; i < resource->bots.count; i++) {
		struct member *room = must_alloc(sizeof(*room));

		*room = (struct member){ resource->bots.items[i], 0 };
		room->level = room->user->bot_level;
		list_add(into, room);
		list_add(rooms, room);
	}
}

static void
members_list(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);
	struct list found = { 0 }, rooms = { 0 };

	if (!resource)
		return;
	members_collect(resource, &found, &rooms);
	page_answer(sim, request, &found, member_view, answer);
	for (size_t i = 0; i < rooms.count; i++)
		free(rooms.items[i]);
	list_done(&rooms);
	list_done(&found);
}

static void
member_answer(struct sim *sim, struct request *request, enum resource_kind kind, bool inherited,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);
	struct member member = { list_at(&sim->world.users, param_number(request, "user_id")),
		0 };
	const struct member *direct;

	if (!resource)
		return;
	if (member.user && (inherited || member.user->home == resource))
		member.level = level_in(member.user, resource);
	direct = member.user ? member_find(resource, member.user) : NULL;
	if (direct && !inherited)
		member.level = direct->level;
	if (member.level > LEVEL_NONE)
		answer_json(answer, 200, member_view(sim, request, &member));
	else
		error_record_not_found(answer);
}

static void
member_get(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	member_answer(sim, request, kind, false, answer);
}

static void
member_get_all(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	member_answer(sim, request, kind, true, answer);
}

static void
member_add(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource = resource_require(sim, request, kind, answer);
	struct user *user;

	if (!resource)
		return;
	if (!has_level(
		    sim, request, resource, kind == GROUP ? LEVEL_OWNER : LEVEL_MAINTAINER)) {
		error_forbidden(answer);
		return;
	}
	user = user_require(sim, request, "user_id", answer);
	if (!user)
		return;
	if (member_find(resource, user)) {
		error_message(answer, 409, "Member already exists");
		return;
	}
	member_set(resource, user, (int)param_number(request, "access_level"));
	answer_json(answer, 201, member_view(sim, request, member_find(resource, user)));
}

/* The direct member that a change names. */
static struct member *
member_require(struct sim *sim, struct request *request, enum resource_kind kind,
	struct resource **resource, struct answer *answer)
{
	struct user *user = list_at(&sim->world.users, param_number(request, "user_id"));
	struct member *member;

	*resource = resource_require(sim, request, kind, answer);
	if (!*resource)
		return NULL;
	if (!has_level(
		    sim, request, *resource, kind == GROUP ? LEVEL_OWNER : LEVEL_MAINTAINER)) {
		error_forbidden(answer);
		return NULL;
	}
	member = user ? member_find(*resource, user) : NULL;
	if (!member)
		error_record_not_found(answer);
	return member;
}

static void
member_change(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource;
	struct member *member = member_require(sim, request, kind, &resource, answer);

	if (!member)
		return;
	member->level = (int)param_number(request, "access_level");
	answer_json(answer, 200, member_view(sim, request, member));
}

static void
member_remove(struct sim *sim, struct request *request, enum resource_kind kind,
	struct answer *answer)
{
	struct resource *resource;
	struct member *member = member_require(sim, request, kind, &resource, answer);

	if (!member)
		return;
	list_remove(&resource->members, member);
	free(member);
	answer_no_content(answer);
}

FOR_BOTH(members_list)
FOR_BOTH(member_get)
FOR_BOTH(member_get_all)
FOR_BOTH(member_add)
FOR_BOTH(member_change)
FOR_BOTH(member_remove)

/* clang-format off */
#define FALSE_BY_DEFAULT(name) { name, PARAM_TRUE, .fallback = "false" }
static const struct param users_params[] = {
	{ "username", PARAM_TEXT }, { "search", PARAM_TEXT },
	{ "order_by", PARAM_TEXT, .fallback = "id" }, { "sort", PARAM_TEXT, .fallback = "desc" },
	FALSE_BY_DEFAULT("active"), FALSE_BY_DEFAULT("admins"), FALSE_BY_DEFAULT("auditors"),
	FALSE_BY_DEFAULT("blocked"), FALSE_BY_DEFAULT("exclude_active"), FALSE_BY_DEFAULT("exclude_external"),
	FALSE_BY_DEFAULT("exclude_humans"), FALSE_BY_DEFAULT("exclude_internal"), FALSE_BY_DEFAULT("external"),
	FALSE_BY_DEFAULT("humans"), FALSE_BY_DEFAULT("skip_ldap"), FALSE_BY_DEFAULT("with_custom_attributes"),
	FALSE_BY_DEFAULT("without_project_bots"), FALSE_BY_DEFAULT("without_projects"),
	PAGE_PARAMS, { 0 }
};
static const struct param id_params[] = { { "id", PARAM_NUMBER, .required = true }, { 0 } };
static const struct param create_params[] = {
	{ "username", PARAM_TEXT, .required = true }, { "name", PARAM_TEXT, .required = true },
	{ "email", PARAM_TEXT, .required = true }, { "admin", PARAM_TRUE }, { 0 }
};
static const struct param page_params[] = { PAGE_PARAMS, { 0 } };
static const struct param member_params[] = { { "user_id", PARAM_NUMBER, .required = true }, { 0 } };
static const struct param member_add_params[] = {
	{ "user_id", PARAM_NUMBER, .required = true },
	{ "access_level", PARAM_NUMBER, .required = true, .values = "5,10,15,20,30,40,50" }, { 0 }
};

const struct route user_routes[] = {
	{ "GET",    "/user",              user_current, NULL,         SCOPE_USER },
	{ "GET",    "/users",             users_list,   users_params, SCOPE_USER },
	{ "POST",   "/users",             user_create,  create_params, .admin = true },
	{ "GET",    "/users/:id",         user_get,     id_params,    SCOPE_USER },
	{ "DELETE", "/users/:id",         user_delete,  id_params,     .admin = true },
	{ "POST",   "/users/:id/block",   user_block,   id_params,     .admin = true },
	{ "POST",   "/users/:id/unblock", user_unblock, id_params,     .admin = true },
	{ 0 }
};

#define ROUTES(prefix, base) \
	{ "GET",    base "/members",              prefix##_members_list,   page_params }, \
	{ "POST",   base "/members",              prefix##_member_add,     member_add_params }, \
	{ "GET",    base "/members/:user_id",     prefix##_member_get,     member_params }, \
	{ "PUT",    base "/members/:user_id",     prefix##_member_change,  member_add_params }, \
	{ "DELETE", base "/members/:user_id",     prefix##_member_remove,  member_params }, \
	{ "GET",    base "/members/all/:user_id", prefix##_member_get_all, member_params }

const struct route member_routes[] = {
	ROUTES(project, "/projects/:id"), ROUTES(group, "/groups/:id"), { 0 }
};
/* clang-format on */
