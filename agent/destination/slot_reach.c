/* Whom a slot reaches, and what goes before it. Reads only. */
#include <string.h>

#include "destination/ci_variable.h"
#include "destination/slot.h"
#include "gitlab/answer.h"
#include "gitlab/people.h"
#include "gitlab/token.h"

/* --- whom it reaches --- */

static bool
has_own_slot(const struct destination_tools *tools, int64_t project, bool *has, struct err *err)
{
	const struct owner owner = { .type = TYPE_PROJECT_DEPLOY, .id = project };
	const int64_t now = gitlab_now(gitlab_server_of(tools->gitlab));
	struct tokens tokens;

	if (!token_list(tools->gitlab, &owner, tools->arena, &tokens, err))
		return false;
	*has = false;
	for (size_t i = 0; i < tokens.count; i++)
		*has = *has || (!strcmp(tokens.items[i].name, SLOT_TOKEN) &&
				       token_is_alive(&tokens.items[i], now));
	return true;
}

static bool
is_off(const char *feature)
{
	return feature && !strcmp(feature, "disabled");
}

bool
slot_children(const struct destination_tools *tools, int64_t group,
	struct slot_children *children, struct err *err)
{
	const struct place_of_work *places;
	struct slot_children draft = { 0 };
	struct list list;
	bool has_own;

	if (!people_children(tools->gitlab, group, tools->arena, &list, err))
		return err_wrap(err, "the projects of the group");
	places = list.items;
	draft.items = arena_alloc(tools->arena, (list.count + 1) * sizeof(*draft.items));
	for (size_t i = 0; i < list.count; i++) {
		struct slot_child *child = &draft.items[draft.count++];

		*child = (struct slot_child){ places[i].id, places[i].path, SLOT_ARCHIVED };
		if (places[i].archived == STATED_YES)
			continue;
		child->reach = SLOT_CLOSED;
		if (is_off(places[i].builds) || is_off(places[i].repository))
			continue;
		if (!has_own_slot(tools, places[i].id, &has_own, err))
			return err_wrap(err, "the deploy tokens of %s", places[i].path);
		child->reach = has_own ? SLOT_HAS_OWN : SLOT_REACHES;
	}
	*children = draft;
	return true;
}

/* --- what goes before it --- */

struct looking {
	const struct destination_tools *tools;
	const struct destination *slot;
	const struct list *own;
	const struct stamp *ours;
	struct slot_sight *sight;
};

/* A project, a group, or the instance. */
struct spot {
	enum variable_level level;
	int64_t id;
	const char *path;
	const struct destination *pinned; /* where a pin may stand; NULL: nowhere here */
};

static const char *
spot_text(const struct spot *spot, struct arena *arena)
{
	if (spot->level == VARIABLE_INSTANCE)
		return "the instance";
	return arena_format(arena, "%s %s", spot->level == VARIABLE_GROUP ? "group" : "project",
		spot->path);
}

/* The first of a kind is what is told. */
static void
note(const char **what, const char *text)
{
	if (!*what)
		*what = text;
}

static bool
is_own(const struct looking *looking, const struct variable_where *where)
{
	const struct destination *own = looking->own->items;

	for (size_t i = 0; i < looking->own->count; i++) {
		const struct variable_place *place;

		if (own[i].to.kind != DESTINATION_CI_DEPLOY_PAIR)
			continue;
		place = ci_variable_place(&own[i]);
		if (place->level == (int)where->level && own[i].owner_id == where->owner_id &&
			!strcmp(place->key, where->key))
			return true;
	}
	return false;
}

static bool
has_every_scope(const struct variable *present)
{
	return !present->environment_scope || !strcmp(present->environment_scope, "*");
}

static void
judge(const struct looking *looking, const struct spot *spot,
	const struct variable_where *where, size_t count, const struct variable *present)
{
	struct arena *arena = looking->tools->arena;
	const char *text = arena_format(arena, "%s of %s%s%s", where->key,
		spot_text(spot, arena),
		count == 1 && !has_every_scope(present) ? ", scope " : "",
		count == 1 && !has_every_scope(present) ? present->environment_scope : "");

	if (count == 1 && has_every_scope(present)) {
		if (is_own(looking, where))
			return;
		if (spot->pinned && !strcmp(where->key, SLOT_PASSWORD))
			switch (slot_judge(
				looking->tools, spot->pinned, present, looking->ours)) {
			case PIN_OURS:
				return;
			case PIN_OF_ANOTHER_SLOT:
				note(&looking->sight->another, text);
				return;
			case PIN_FOREIGN:
				break;
			}
	}
	note(&looking->sight->shadow, text);
}

/* Above the slot's own project a credential need not have any right. */
static bool
may_be_unread(const struct spot *spot, const struct err *err)
{
	return spot->level != VARIABLE_PROJECT &&
	       (err->kind == ERR_REFUSED || err->kind == ERR_MOVED);
}

static bool
look_at(const struct looking *looking, const struct spot *spot, struct err *err)
{
	static const char *const keys[] = { SLOT_PASSWORD, SLOT_USERNAME };
	const struct destination_tools *tools = looking->tools;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct variable_where where = { spot->level, spot->id, keys[i], "*" };
		auto_variable struct variable present = { 0 };
		size_t count;

		if (!variable_get_any(
			    tools->gitlab, &where, tools->arena, &count, &present, err)) {
			if (!may_be_unread(spot, err))
				return err_wrap(err, "%s", spot_text(spot, tools->arena));
			note(&looking->sight->unread, spot_text(spot, tools->arena));
			return true;
		}
		if (count)
			judge(looking, spot, &where, count, &present);
	}
	return true;
}

/* Every group that a path goes through. */
static bool
look_above(const struct looking *looking, const char *path, struct err *err)
{
	const struct destination_tools *tools = looking->tools;

	for (const char *slash = strrchr(path, '/'); slash; slash = strrchr(path, '/')) {
		struct place_of_work group;

		path = arena_text_n(tools->arena, path, (size_t)(slash - path));
		if (people_group_at(tools->gitlab, path, tools->arena, &group, err)) {
			if (!look_at(looking,
				    &(struct spot){ VARIABLE_GROUP, group.id, path, NULL },
				    err))
				return false;
			continue;
		}
		/* A person's own namespace is no group, and has no variables. */
		if (err->kind != ERR_MOVED && err->kind != ERR_REFUSED)
			return false;
		if (strchr(path, '/') || err->kind == ERR_REFUSED)
			note(&looking->sight->unread,
				arena_format(tools->arena, "group %s", path));
	}
	return look_at(looking, &(struct spot){ .level = VARIABLE_INSTANCE }, err);
}

static bool
look_in_project(const struct looking *looking, const struct destination *pinned,
	const char *path, struct err *err)
{
	return look_at(looking,
		&(struct spot){ VARIABLE_PROJECT, pinned->owner_id, path, pinned }, err);
}

static bool
look_below(const struct looking *looking, struct slot_children *children, struct err *err)
{
	for (size_t i = 0; i < children->count; i++) {
		struct slot_child *child = &children->items[i];
		const struct destination pinned = slot_below(
			looking->slot->owner_id, child->id, child->path, looking->tools->arena);

		if (child->reach != SLOT_REACHES ||
			look_in_project(looking, &pinned, child->path, err))
			continue;
		if (!answer_was_forbidden(err))
			return false;
		child->reach = SLOT_CLOSED;
	}
	return true;
}

bool
slot_look_around(const struct destination_tools *tools, const struct destination *slot,
	struct slot_children *children, const struct list *own, const struct stamp *ours,
	struct slot_sight *sight, struct err *err)
{
	struct slot_sight draft = { 0 };
	const struct looking looking = { tools, slot, own, ours, &draft };
	struct place_of_work home;

	if (slot_place_of(slot)->level == VARIABLE_PROJECT) {
		if (!people_project(tools->gitlab, slot->owner_id, tools->arena, &home, err) ||
			!look_in_project(&looking, slot, home.path, err))
			return false;
	} else if (!people_group(tools->gitlab, slot->owner_id, tools->arena, &home, err) ||
		   !look_at(&looking,
			   &(struct spot){ VARIABLE_GROUP, slot->owner_id, home.path, NULL },
			   err) ||
		   !look_below(&looking, children, err)) {
		return false;
	}
	if (!look_above(&looking, home.path, err))
		return false;
	*sight = draft;
	return true;
}
