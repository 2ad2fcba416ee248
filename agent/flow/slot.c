#include "flow/slot_pins.h"

#include <string.h>

#include "base/advice.h"

static int64_t
now_of(const struct attempt *attempt)
{
	return gitlab_now(gitlab_server_of(attempt->gitlab));
}

bool
slot_is(const struct attempt *attempt)
{
	return slot_is_of((enum token_type)attempt->frozen.type, attempt->frozen.name);
}

/* --- orphans --- */

bool
slot_is_orphan(const struct attempt *attempt, int64_t id)
{
	const struct orphan *orphans = attempt->frozen.orphans.items;

	for (size_t i = 0; i < attempt->frozen.orphans.count; i++)
		if (orphans[i].id == id)
			return true;
	return false;
}

static void
remember_orphan(struct attempt *attempt, int64_t id)
{
	struct list *list = &attempt->frozen.orphans;
	struct orphan *orphans =
		arena_alloc(attempt->arena, (list->count + 1) * sizeof(*orphans));

	if (slot_is_orphan(attempt, id))
		return;
	if (list->count)
		memcpy(orphans, list->items, list->count * sizeof(*orphans));
	orphans[list->count++].id = id;
	list->items = orphans;
	attempt_freeze(attempt);
}

bool
slot_stays(struct attempt *attempt, struct err *err)
{
	if (!attempt->frozen.orphans.count ||
		(err->kind != ERR_REFUSED && err->kind != ERR_PERSON &&
			err->kind != ERR_POLICY))
		return false;
	slot_tell(attempt,
		arena_format(attempt->arena,
			"%s (and a token whose secret is lost is in the slot, and waits for another one)",
			err->text),
		err->advice);
	err->kind = ERR_LATER;
	return false;
}

/* Jobs may get another password than the one that is delivered: of an old token, or of one whose secret nobody knows. */
bool
slot_needs_pins(const struct attempt *attempt, const struct tokens *all)
{
	if (attempt->row->target_id || attempt->frozen.orphans.count)
		return true;
	for (size_t i = 0; i < all->count; i++)
		if (slot_is_to_end(attempt, &all->items[i]))
			return true;
	return false;
}

/* --- preflight --- */

bool
slot_is_alone(const struct attempt *attempt, const struct tokens *all, struct err *err)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct token *token = &all->items[i];

		if (strcmp(token->name, SLOT_TOKEN) != 0 ||
			!token_is_alive(token, now_of(attempt)) ||
			token->id == attempt->row->target_id ||
			token->id == attempt->row->new_id || slot_is_to_end(attempt, token))
			continue;
		err_set(err, ERR_PERSON, 0,
			"#%lld of that name, which is not ours, is in the slot too: which of them a job gets is not said",
			(long long)token->id);
		return err_advise(err, GLR_SLOT_TWO);
	}
	return true;
}

static bool
is_unshadowed(const struct slot_sight *sight, struct err *err)
{
	if (sight->another)
		return err_set(err, ERR_LATER, 0,
			"%s is the pin of the slot above, which is being replaced: this one waits",
			sight->another);
	if (!sight->shadow)
		return true;
	err_set(err, ERR_PERSON, 0, "the variable %s goes before the slot, and is not ours",
		sight->shadow);
	return err_advise(err, GLR_SLOT_SHADOWED);
}

/* A pair is known by its owner's number. */
static bool
pin_pairs(struct attempt *attempt, struct err *err)
{
	const struct destination_tools tools = attempt_tools(attempt);

	for (size_t i = 0; i < attempt->deliveries.count; i++)
		if (attempt->destinations[i].to.kind == DESTINATION_CI_DEPLOY_PAIR &&
			!attempt->destinations[i].owner_id &&
			!destination_pin(&tools, &attempt->destinations[i], err))
			return false;
	return true;
}

static void
set_pins(struct attempt *attempt, struct destination *slot,
	const struct slot_children *children, bool pins)
{
	struct slot_place *place = slot_place_of(slot);
	const int64_t group = slot->owner_id;

	place->pins = pins && place->level == VARIABLE_PROJECT ? STATED_YES : STATED_NO;
	place->pinned_at = 0;
	/* From here on `slot` may stand elsewhere. */
	for (size_t i = 0; pins && i < children->count; i++) {
		const struct slot_child *child = &children->items[i];
		const struct destination below =
			slot_below(group, child->id, child->path, attempt->arena);

		if (child->reach == SLOT_REACHES)
			slot_add_place(attempt, &below);
	}
}

bool
slot_preflight(struct attempt *attempt, const struct tokens *all, struct err *err)
{
	const struct destination_tools tools = attempt_tools(attempt);
	struct slot_children children = { 0 };
	struct slot_sight sight;
	struct destination *slot;
	struct list own;

	slot_drop_below(attempt);
	slot = slot_find(attempt);
	if (!slot)
		return err_set(
			err, ERR_POLICY, 0, "'deliver' of its entry does not say 'slot'");
	if (!slot_is_alone(attempt, all, err) || !destination_pin(&tools, slot, err) ||
		!pin_pairs(attempt, err))
		return false;
	if (slot_place_of(slot)->level == VARIABLE_GROUP &&
		!slot_children(&tools, slot->owner_id, &children, err))
		return false;
	own = (struct list){ attempt->destinations, attempt->deliveries.count };
	if (!slot_look_around(
		    &tools, slot, &children, &own, &attempt->last_stamp, &sight, err) ||
		!is_unshadowed(&sight, err))
		return false;
	set_pins(attempt, slot, &children, slot_needs_pins(attempt, all));
	return true;
}

bool
slot_keep_orphan(struct attempt *attempt, const struct token *orphan, struct err *err)
{
	/* Jobs go back to what lives in the slot. */
	if (!slot_unpin_all(attempt, "unpinned: its secret is lost", err))
		return false;
	if (!orphan || !token_is_alive(orphan, now_of(attempt)))
		return true;
	remember_orphan(attempt, orphan->id);
	return journal_event(attempt->journal, attempt->row->address, attempt->row->id,
		"orphan.kept",
		arena_format(attempt->arena,
			"#%lld, whose secret nobody has, is in the slot, and a job may have it: it ends with the old one",
			(long long)orphan->id),
		err);
}

bool
slot_keep(struct attempt *attempt, struct err *err)
{
	return evidence_of_life(attempt, err) && slot_follow(attempt, true, err);
}

bool
slot_keep_or_free(struct attempt *attempt, struct err *err)
{
	struct err dead;

	if (evidence_of_life(attempt, err))
		return slot_follow(attempt, true, err);
	if (err->kind != ERR_MOVED)
		return false;
	dead = *err;
	if (!slot_unpin_all(attempt, "unpinned: its token is dead", err))
		return false;
	*err = dead;
	err->kind = ERR_PERSON;
	return err_advise(err, GLR_IDENTITY);
}

/* --- the end --- */

static bool
end_orphan(struct attempt *attempt, const struct token *orphan, struct err *err)
{
	const struct owner owner = frozen_owner(&attempt->frozen);

	if (strcmp(orphan->name, SLOT_TOKEN) != 0 || !attempt->frozen.username ||
		strcmp(orphan->username, attempt->frozen.username) != 0) {
		err_set(err, ERR_PERSON, 0, "#%lld is another token than the one made",
			(long long)orphan->id);
		return err_advise(err, GLR_IDENTITY);
	}
	/* Rule 1: what deletes is on the disk before it is sent. */
	if (!journal_event(attempt->journal, attempt->row->address, attempt->row->id,
		    "orphan.ended",
		    arena_format(attempt->arena,
			    "ends #%lld, which our own request made and whose secret nobody has",
			    (long long)orphan->id),
		    err) ||
		!journal_flush(attempt->journal, err))
		return false;
	if (token_revoke(attempt->gitlab, &owner, orphan->id, err))
		return true;
	identity_judge(attempt->identity, attempt->gitlab, err);
	if (err->kind == ERR_MOVED)
		err->kind = ERR_LATER;
	return err_wrap(err, "ending #%lld, whose secret is lost", (long long)orphan->id);
}

bool
slot_end_orphans(struct attempt *attempt, const struct tokens *all, struct err *err)
{
	for (size_t i = 0; i < all->count; i++) {
		const struct token *token = &all->items[i];

		if (slot_is_to_end(attempt, token) && token->id != attempt->row->old_id &&
			!end_orphan(attempt, token, err))
			return false;
	}
	return true;
}

/* What GitLab made of a request that nobody believed in any more may have come to light after the old one's end. */
static bool
end_latecomers(struct attempt *attempt, struct err *err)
{
	bool any = false;
	struct tokens all;

	if (!evidence_list(attempt, &all, err))
		return false;
	for (size_t i = 0; i < all.count; i++)
		any = any || slot_is_to_end(attempt, &all.items[i]);
	if (!any)
		return true;
	return slot_keep_or_free(attempt, err) && slot_jobs_ended(attempt, &all, err) &&
	       slot_end_orphans(attempt, &all, err);
}

bool
slot_settle(struct attempt *attempt, struct err *err)
{
	struct tokens all;

	if (!end_latecomers(attempt, err) || !evidence_list(attempt, &all, err) ||
		!slot_is_alone(attempt, &all, err))
		return false;
	for (size_t i = 0; i < all.count; i++)
		if (slot_is_to_end(attempt, &all.items[i]))
			return err_set(err, ERR_LATER, 0, "#%lld, which was ended, still lives",
				(long long)all.items[i].id);
	/* Those that cannot be unpinned since then. */
	return slot_follow(attempt, false, err) &&
	       slot_unpin_all(attempt, "unpinned: its token is alone in the slot", err);
}
