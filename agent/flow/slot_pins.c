/* The pins of a slot's row: its deliveries, and how they follow the projects that come and go. */
#include "flow/slot_pins.h"

#include <string.h>

#include "base/advice.h"
#include "base/json.h"
#include "gitlab/answer.h"

static int64_t
now_of(const struct attempt *attempt)
{
	return gitlab_now(gitlab_server_of(attempt->gitlab));
}

/* --- deliveries --- */

struct slot_place *
slot_place_at(const struct attempt *attempt, size_t which)
{
	return slot_place_of(&attempt->destinations[which]);
}

void
slot_tell(struct attempt *attempt, const char *text, int advice)
{
	attempt->told = attempt->told
	                        ? arena_format(attempt->arena, "%s; %s", attempt->told, text)
	                        : text;
	attempt->told_advice = advice;
}

static void
freeze_place(struct attempt *attempt, size_t which)
{
	attempt->deliveries.items[which].spec = json_encode_text(
		&destination_shape, &attempt->destinations[which], attempt->arena);
}

void
slot_note_written(struct attempt *attempt, size_t which)
{
	struct slot_place *place = slot_place_at(attempt, which);

	if (!place || place->pins != STATED_YES)
		return;
	place->pinned_at = now_of(attempt);
	freeze_place(attempt, which);
}

/* The one that stands in the policy. */
struct destination *
slot_find(struct attempt *attempt)
{
	for (size_t i = 0; i < attempt->deliveries.count; i++)
		if (slot_place_at(attempt, i) && !slot_place_at(attempt, i)->of_group)
			return &attempt->destinations[i];
	return NULL;
}

/* The delivery at a project below, or the count of all. */
static size_t
find_below(const struct attempt *attempt, int64_t project)
{
	size_t i = 0;

	while (i < attempt->deliveries.count &&
		!(slot_place_at(attempt, i) && slot_place_at(attempt, i)->of_group &&
			attempt->destinations[i].owner_id == project))
		i++;
	return i;
}

/* Memory for one more; what is new there is not on the disk yet. */
void
slot_add_place(struct attempt *attempt, const struct destination *added)
{
	const size_t count = attempt->deliveries.count;
	struct delivery *deliveries =
		arena_alloc(attempt->arena, (count + 1) * sizeof(*deliveries));
	struct destination *places = arena_alloc(attempt->arena, (count + 1) * sizeof(*places));

	if (count) {
		memcpy(deliveries, attempt->deliveries.items, count * sizeof(*deliveries));
		memcpy(places, attempt->destinations, count * sizeof(*places));
	}
	places[count] = *added;
	deliveries[count] = (struct delivery){
		.place = added->text, .state = DELIVERY_PENDING, .trouble = ""
	};
	attempt->destinations = places;
	attempt->deliveries = (struct deliveries){ deliveries, count + 1 };
	freeze_place(attempt, count);
}

/* Those below are found anew. */
void
slot_drop_below(struct attempt *attempt)
{
	size_t kept = 0;

	for (size_t i = 0; i < attempt->deliveries.count; i++) {
		if (slot_place_at(attempt, i) && slot_place_at(attempt, i)->of_group)
			continue;
		attempt->destinations[kept] = attempt->destinations[i];
		attempt->deliveries.items[kept++] = attempt->deliveries.items[i];
	}
	attempt->deliveries.count = kept;
}

/* --- pins that go --- */

static bool
note_unpinned(struct attempt *attempt, size_t which, const char *text, struct err *err)
{
	struct delivery *delivery = &attempt->deliveries.items[which];

	slot_place_at(attempt, which)->pins = STATED_NO;
	/* At the end it is GitLab's list that proves it: one token is in the slot. */
	if (attempt->row->state == STATE_RETIRED)
		delivery->state = DELIVERY_PROVEN;
	else if (delivery->state == DELIVERY_PENDING)
		delivery->state = DELIVERY_UNPROVEN;
	delivery->trouble = "";
	delivery->failing_since = 0;
	freeze_place(attempt, which);
	return journal_delivery(attempt->journal, attempt->row, delivery,
		arena_format(attempt->arena, "%s: %s", delivery->place, text), err);
}

/* What cannot be taken away names a token that lives, and is known again by the next replacement. */
static bool
unpin(struct attempt *attempt, size_t which, const char *why, struct err *err)
{
	const struct destination_tools tools = attempt_tools(attempt);
	const struct destination *slot = &attempt->destinations[which];
	bool changed;

	if (!slot_unpin(
		    &tools, slot, &attempt->last_stamp, attempt->row->secret, &changed, err)) {
		identity_judge(attempt->identity, attempt->gitlab, err);
		if (err->kind != ERR_REFUSED)
			return false;
		/* At the end nobody comes after us who would try again. */
		if (attempt->row->state == STATE_RETIRED) {
			err->kind = ERR_PERSON;
			return err_advise(err, GLR_DESTINATION_REFUSED);
		}
		slot_tell(attempt,
			arena_format(attempt->arena,
				"the variable " SLOT_PASSWORD
				" of %s could not be taken away, and is to be deleted by hand: %s",
				slot_place_of(slot)->owner, err->text),
			GLR_DESTINATION_REFUSED);
	} else if (changed) {
		slot_tell(attempt,
			arena_format(attempt->arena,
				"the variable " SLOT_PASSWORD
				" of %s was changed by another hand: it stays, and goes before the slot",
				slot_place_of(slot)->owner),
			GLR_SLOT_SHADOWED);
	}
	return note_unpinned(attempt, which, why, err);
}

bool
slot_unpin_all(struct attempt *attempt, const char *why, struct err *err)
{
	struct err refused = { 0 };

	for (size_t i = 0; i < attempt->deliveries.count; i++) {
		const struct slot_place *place = slot_place_at(attempt, i);

		if (!place || place->pins != STATED_YES || unpin(attempt, i, why, err))
			continue;
		if (err->kind != ERR_PERSON)
			return false;
		refused = *err;
	}
	if (refused.kind == ERR_NONE)
		return true;
	*err = refused;
	return false;
}

/* --- projects that come and go --- */

static const struct slot_child *
find_child(const struct slot_children *children, int64_t id)
{
	for (size_t i = 0; i < children->count; i++)
		if (children->items[i].id == id)
			return &children->items[i];
	return NULL;
}

/* GitLab lets nobody change its variables, and starts no job there. */
static bool
leave_pinned(
	struct attempt *attempt, size_t which, const struct slot_child *child, struct err *err)
{
	const bool archived = child->reach == SLOT_ARCHIVED;

	if (slot_place_at(attempt, which)->pinned_at)
		slot_tell(attempt,
			arena_format(attempt->arena,
				"%s %s, and still pinned: its variable " SLOT_PASSWORD
				" is to be deleted by hand when it %s",
				child->path,
				archived ? "is archived"
					 : "has its CI/CD or its repository switched off",
				archived ? "is unarchived" : "is on again"),
			GLR_DESTINATION_REFUSED);
	return note_unpinned(attempt, which,
		archived ? "archived, and still pinned" : "switched off, and still pinned",
		err);
}

static bool
unpin_those_that_left(
	struct attempt *attempt, const struct slot_children *children, struct err *err)
{
	for (size_t i = 0; i < attempt->deliveries.count; i++) {
		const struct slot_place *place = slot_place_at(attempt, i);
		const struct slot_child *child;
		bool ok;

		if (!place || !place->of_group || place->pins != STATED_YES)
			continue;
		child = find_child(children, attempt->destinations[i].owner_id);
		if (child && child->reach == SLOT_REACHES)
			continue;
		if (child && (child->reach == SLOT_ARCHIVED || child->reach == SLOT_CLOSED))
			ok = leave_pinned(attempt, i, child, err);
		else
			ok = unpin(attempt, i,
				child ? "unpinned: it has a slot of its own"
				      : "unpinned: it has left the group",
				err);
		if (!ok)
			return false;
	}
	return true;
}

/* What is to be taken away again is on the disk before it stands. */
static bool
pin_late(struct attempt *attempt, size_t which, struct err *err)
{
	struct err why;

	if (!journal_flush(attempt->journal, err))
		return false;
	attempt->verified = false;
	if (deliver_one(attempt, which, &why, err))
		return true;
	if (why.kind == ERR_NONE)
		return false;
	if (why.kind != ERR_PERSON && why.kind != ERR_REFUSED) {
		*err = why;
		/* A project that goes meanwhile says nothing of the token. */
		if (err->kind == ERR_MOVED)
			err->kind = ERR_LATER;
		return false;
	}
	/* It cannot be pinned: that is told, and holds nobody else up as long as no job there can have what is to end. */
	slot_place_at(attempt, which)->unpinnable = true;
	if (answer_was_forbidden(&why))
		return note_unpinned(
			attempt, which, "not pinned: its variables are nobody's", err);
	slot_tell(attempt, arena_text(attempt->arena, why.text),
		why.advice ? why.advice : GLR_DESTINATION_REFUSED);
	return note_unpinned(attempt, which, "not pinned", err);
}

static bool
pin_again(struct attempt *attempt, size_t which, struct err *err)
{
	slot_place_at(attempt, which)->pins = STATED_YES;
	slot_place_at(attempt, which)->unpinnable = false;
	attempt->deliveries.items[which].state = DELIVERY_PENDING;
	freeze_place(attempt, which);
	return journal_delivery(attempt->journal, attempt->row,
		       &attempt->deliveries.items[which], NULL, err) &&
	       pin_late(attempt, which, err);
}

static bool
pin_newcomer(
	struct attempt *attempt, const struct slot_child *child, int64_t group, struct err *err)
{
	const struct destination below =
		slot_below(group, child->id, child->path, attempt->arena);
	const size_t which = attempt->deliveries.count;

	slot_add_place(attempt, &below);
	return journal_add_delivery(attempt->journal, attempt->row,
		       &attempt->deliveries.items[which],
		       arena_format(attempt->arena, "%s: reached since", below.text), err) &&
	       pin_late(attempt, which, err);
}

/* Late pins are written one by one: between the two rows on the disk that say so, the pin stands, and since when is not known. */
static bool
is_pinned(const struct attempt *attempt, size_t which)
{
	const struct slot_place *place = slot_place_at(attempt, which);

	return place->pins == STATED_YES && place->pinned_at &&
	       attempt->deliveries.items[which].state != DELIVERY_PENDING;
}

static bool
pin_those_that_came(struct attempt *attempt, int64_t group,
	const struct slot_children *children, struct err *err)
{
	for (size_t i = 0; i < children->count; i++) {
		const struct slot_child *child = &children->items[i];
		const size_t which = find_below(attempt, child->id);
		bool ok = true;

		if (child->reach != SLOT_REACHES)
			continue;
		if (which == attempt->deliveries.count)
			ok = pin_newcomer(attempt, child, group, err);
		else if (!is_pinned(attempt, which))
			ok = pin_again(attempt, which, err);
		if (!ok)
			return false;
	}
	return true;
}

static bool
follow_project(struct attempt *attempt, bool adds, struct err *err)
{
	for (size_t i = 0; adds && i < attempt->deliveries.count; i++) {
		if (slot_place_at(attempt, i) && !is_pinned(attempt, i) &&
			!pin_again(attempt, i, err))
			return false;
	}
	return true;
}

bool
slot_follow(struct attempt *attempt, bool adds, struct err *err)
{
	const struct destination_tools tools = attempt_tools(attempt);
	const struct destination *slot = slot_find(attempt);
	struct slot_children children;
	struct tokens all;
	int64_t group;

	if (!slot)
		return true;
	if (adds) {
		if (!evidence_list(attempt, &all, err))
			return false;
		if (!slot_is_alone(attempt, &all, err))
			slot_tell(attempt, arena_text(attempt->arena, err->text), err->advice);
		if (!slot_needs_pins(attempt, &all))
			return true;
	}
	if (slot_place_of(slot)->level == VARIABLE_PROJECT)
		return follow_project(attempt, adds, err);
	group = slot->owner_id;
	if (!slot_children(&tools, group, &children, err)) {
		/* That they cannot be read says nothing of the token. */
		if (err->kind == ERR_MOVED || err->kind == ERR_REFUSED)
			err->kind = ERR_LATER;
		return false;
	}
	return unpin_those_that_left(attempt, &children, err) &&
	       (!adds || pin_those_that_came(attempt, group, &children, err));
}
