/* A slot as `plan` and `check` tell it, before anything is done. Reads only. */
#include <stdio.h>
#include <string.h>

#include "destination/slot.h"
#include "flow/plan.h"
#include "flow/slot.h"
#include "gitlab/people.h"

/* So many projects are named. */
#define NAMES_MOST 3

struct words {
	const struct destination_tools *tools;
	struct slot_children children;
	struct slot_sight sight;
	struct list
		below; /* struct place_of_work: all projects of a group and of those below it */
};

static size_t
count_that(const struct words *words, enum slot_reach reach)
{
	size_t count = 0;

	for (size_t i = 0; i < words->children.count; i++)
		count += words->children.items[i].reach == reach;
	return count;
}

static const char *
plural(struct arena *arena, size_t count)
{
	return arena_format(arena, "%zu project%s", count, count == 1 ? "" : "s");
}

static bool
is_child(const struct words *words, int64_t id)
{
	for (size_t i = 0; i < words->children.count; i++)
		if (words->children.items[i].id == id)
			return true;
	return false;
}

/* Only the group right above a project counts. */
static const char *
not_reached(const struct words *words)
{
	struct arena *arena = words->tools->arena;
	const struct place_of_work *places = words->below.items;
	const char *names = "";
	size_t count = 0;

	for (size_t i = 0; i < words->below.count; i++) {
		if (is_child(words, places[i].id))
			continue;
		if (count++ < NAMES_MOST)
			names = arena_format(
				arena, "%s%s%s", names, *names ? ", " : "", places[i].path);
	}
	if (!count)
		return "";
	return arena_format(arena,
		"; not %s of groups further below (%s%s): ci_deploy_pair serves those",
		plural(arena, count), names, count > NAMES_MOST ? ", …" : "");
}

static const char *
reach_text(const struct words *words)
{
	struct arena *arena = words->tools->arena;
	const size_t own = count_that(words, SLOT_HAS_OWN);
	const char *text = arena_format(
		arena, "GitLab hands it to %s", plural(arena, count_that(words, SLOT_REACHES)));

	if (own)
		text = arena_format(arena, "%s; %s %s a slot of %s own", text,
			plural(arena, own), own == 1 ? "has" : "have",
			own == 1 ? "its" : "their");
	return arena_format(arena, "%s%s", text, not_reached(words));
}

static struct stamp
stamp_of(const struct plan_item *item, const char *uuid)
{
	struct stamp stamp = { .generation = item->record ? item->record->generation : 0 };

	snprintf(stamp.agent, sizeof(stamp.agent), "%s", uuid);
	return stamp;
}

static bool
find_words(struct words *words, const struct destination *slot, const struct plan_item *item,
	const char *uuid, struct err *err)
{
	const struct destination_tools *tools = words->tools;
	const struct stamp stamp = stamp_of(item, uuid);
	struct destination *own =
		arena_alloc(tools->arena, (item->destinations.count + 1) * sizeof(*own));
	const struct list places = { own, item->destinations.count };

	memcpy(own, item->destinations.items, item->destinations.count * sizeof(*own));
	/* One that cannot be pinned tells it on a line of its own. */
	for (size_t i = 0; i < places.count; i++)
		if (own[i].to.kind == DESTINATION_CI_DEPLOY_PAIR && !own[i].owner_id)
			(void)!destination_pin(tools, &own[i], err);
	if (slot_place_of(slot)->level == VARIABLE_GROUP &&
		(!slot_children(tools, slot->owner_id, &words->children, err) ||
			!people_projects(tools->gitlab, slot->owner_id, tools->arena,
				&words->below, err)))
		return false;
	return slot_look_around(
		tools, slot, &words->children, &places, &stamp, &words->sight, err);
}

const char *
slot_words(const struct destination_tools *tools, const char *uuid,
	const struct plan_item *item, size_t which)
{
	const struct destination *places = item->destinations.items;
	struct destination slot = places[which];
	struct words words = { .tools = tools };
	struct err err;
	const char *text;

	if (!destination_pin(tools, &slot, &err) ||
		!find_words(&words, &slot, item, uuid, &err))
		return arena_format(tools->arena, "cannot: %s", err.text);
	if (words.sight.shadow)
		return arena_format(tools->arena,
			"cannot: the variable %s goes before the slot", words.sight.shadow);
	text = slot_place_of(&slot)->level == VARIABLE_GROUP ? reach_text(&words)
	                                                     : "GitLab hands it to jobs";
	if (words.sight.another)
		text = arena_format(tools->arena,
			"%s; %s is the pin of the slot above: this one waits for it", text,
			words.sight.another);
	if (words.sight.unread)
		text = arena_format(tools->arena,
			"%s; whether a variable of %s goes before it cannot be read", text,
			words.sight.unread);
	return text;
}
