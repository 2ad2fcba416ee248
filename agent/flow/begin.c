#include "flow/begin.h"

#include <string.h>

#include "base/json.h"
#include "base/when.h"
#include "flow/pins.h"
#include "flow/slot.h"

static void
set_deliveries(struct attempt *attempt, const struct list *destinations)
{
	const struct destination *items = destinations->items;
	struct delivery *deliveries =
		arena_alloc(attempt->arena, (destinations->count + 1) * sizeof(*deliveries));

	for (size_t i = 0; i < destinations->count; i++)
		deliveries[i] = (struct delivery){
			.place = arena_text(attempt->arena, items[i].text),
			.spec = json_encode_text(&destination_shape, &items[i], attempt->arena),
			.state = DELIVERY_PENDING,
			.trouble = "",
		};
	attempt->deliveries = (struct deliveries){ deliveries, destinations->count };
}

static void
set_rules(struct frozen *frozen, const struct policies *policies,
	const struct token_entry *entry, const struct lifetime *lifetime)
{
	frozen->max_lifetime_sec = lifetime->max_lifetime_sec;
	frozen->settle_sec = policies->limits.settle_sec;
	/* What the entry leaves open is as the token has it. */
	if (entry->scopes.count)
		frozen->scopes = entry->scopes;
	if (entry->access_level)
		frozen->access_level = entry->access_level;
	frozen->description = entry->description;
	frozen->takes_over =
		entry->on_foreign_rotation == FOREIGN_TAKEOVER ? STATED_YES : STATED_NO;
	frozen->recreates = entry->on_loss == LOSS_RECREATE ? STATED_YES : STATED_NO;
	frozen->idle_sec = entry->idle_sec;
	frozen->rotate_with = entry->rotate_with;
	frozen->secret = entry->secret;
	frozen->is_own = entry->is_own ? STATED_YES : STATED_NO;
	frozen->overlap_sec = entry->overlap_sec ? entry->overlap_sec : DAY_SEC;
	frozen->quiet_sec = entry->retire != RETIRE_WHEN_UNUSED ? 0
	                    : entry->quiet_sec                  ? entry->quiet_sec
	                                                        : DAY_SEC;
}

/* A deploy token's user name stays the same for its life, and that of its replacements: whoever logs in with it need not hear of
 * them. One that nobody asked for says who made it. */
static const char *
first_username(const struct token_entry *entry, struct arena *arena)
{
	unsigned char bytes[4];

	if (entry->username)
		return entry->username;
	random_bytes(bytes, sizeof(bytes));
	return arena_format(
		arena, "glrotate-%02x%02x%02x%02x", bytes[0], bytes[1], bytes[2], bytes[3]);
}

void
begin_row(struct attempt *attempt, const struct policies *policies,
	const struct plan_item *item, const struct token_record *record, int64_t now)
{
	const struct owner *owner = &item->holding->owner;
	const struct token *token = item->action == PLAN_CREATE ? NULL : item->token;
	struct list destinations = item->destinations;
	struct frozen frozen = {
		.type = item->address.type,
		.owner_id = owner->id,
		.user_id = token ? token->user_id : owner->user_id,
		.in_project = owner->in_project ? STATED_YES : STATED_NO,
		.owner = item->address.owner,
		.name = item->address.name,
		.created_msec =
			token && token->created_msec != NO_MOMENT ? token->created_msec : 0,
		.expires_on = token ? token->expires_on : NO_DATE,
		.first_target = token ? token->id : 0,
		.rotated_at = record->rotated_at,
		.scopes = token ? token->scopes : (struct texts){ 0 },
		.access_level = token ? token->access_level : 0,
		.recreating = item->recreates ? STATED_YES : STATED_NO,
		.taken_over_at = item->takes_over ? now : 0,
		.hurries = item->supersedes || item->is_ordered ? STATED_YES : STATED_NO,
	};

	if (kind_of(item->address.type)->is_deploy)
		frozen.username =
			token ? token->username : first_username(item->entry, attempt->arena);
	set_rules(&frozen, policies, item->entry, item->lifetime);
	/* What was pinned at adoption a moment ago is not in the plan. */
	pins_apply(record->destinations, attempt->arena, &destinations);
	set_deliveries(attempt, &destinations);
	attempt->known_highest = item->holding->highest_id;
	attempt->is_lost = item->recreates;
	attempt->is_fresh = true;
	*attempt->row = (struct rotation){
		.token = record->number,
		.address = item->address.text,
		.strategy = token_entry_replaces(item->entry) ? ROW_REPLACES : ROW_ROTATES,
		.state = STATE_PLANNED,
		.frozen = json_encode_text(&frozen_shape, &frozen, attempt->arena),
		.target_id = frozen.first_target,
		.wanted_on = NO_DATE,
		.nonce = "",
		.new_username = "",
		.new_expires_on = NO_DATE,
		.trouble = "",
	};
}

/* No secret of ours is on its way: the row may change its mind. */
bool
begin_is_uncommitted(const struct rotation *row, const struct frozen *frozen)
{
	switch (row->state) {
	case STATE_PLANNED:
		return row->target_id == frozen->first_target && !frozen->orphans.count;
	case STATE_FOREIGN:
	case STATE_LOST:
		return true;
	default:
		return false;
	}
}

static bool
drop(struct attempt *attempt, const char *text, struct outcome *outcome, struct err *err)
{
	if (!journal_move(attempt->journal, attempt->row, STATE_DROPPED, NULL, text, err))
		return false;
	outcome_event(outcome, attempt->row, text);
	return true;
}

/* The two ways of renewing are two tables of steps: a row cannot change over. What is lost has no old secret that either
 * could spare. */
static const char *
why_dropped(const struct attempt *attempt, const struct token_entry *entry)
{
	const bool replaces = attempt->row->strategy == ROW_REPLACES;

	if (!entry)
		return "its entry is gone from the policy";
	if (attempt->row->state == STATE_LOST || token_entry_replaces(entry) == replaces)
		return NULL;
	return replaces ? "its strategy is 'rotate' now: it is begun anew"
	                : "its strategy is 'replace' now: it is begun anew";
}

/* New destinations are written down when the row moves into INTENDED. */
static void
aim_at(struct attempt *attempt, const struct token_record *record, struct list *destinations)
{
	pins_apply(record->destinations, attempt->arena, destinations);
	set_deliveries(attempt, destinations);
	attempt->destinations = destinations->items;
}

static bool
follow_policy(struct attempt *attempt, const struct policies *policies,
	const struct token_entry *entry, const struct address *address,
	const struct token_record *record)
{
	const struct lifetime *lifetime = policies_lifetime(policies, address);
	struct list destinations = { 0 };
	struct err ignored;

	if (!lifetime)
		return true;
	set_rules(&attempt->frozen, policies, entry, lifetime);
	attempt_note_secret(attempt);
	if (attempt->row->state == STATE_PLANNED &&
		policies_destinations(
			policies, entry, address, attempt->arena, &destinations, &ignored))
		aim_at(attempt, record, &destinations);
	return true;
}

bool
begin_again(struct attempt *attempt, const struct policies *policies,
	const struct token_record *record, struct outcome *outcome, bool *goes_on,
	struct err *err)
{
	const struct token_entry *entry;
	struct address address;
	const char *why;

	*goes_on = true;
	if (!policies->is_valid || !begin_is_uncommitted(attempt->row, &attempt->frozen))
		return true;
	if (!address_parse(attempt->arena, attempt->row->address, false, &address, err)) {
		err->kind = ERR_STORE;
		return false;
	}
	entry = policies_entry(policies, &address);
	why = why_dropped(attempt, entry);
	if (!why)
		return follow_policy(attempt, policies, entry, &address, record);
	*goes_on = false;
	return drop(attempt, why, outcome, err);
}

/* --- a replacement that nobody took --- */

static bool
was_taken(const struct attempt *attempt)
{
	for (size_t i = 0; i < attempt->deliveries.count; i++)
		if (attempt->deliveries.items[i].state != DELIVERY_PENDING &&
			attempt->deliveries.items[i].state != DELIVERY_SET_ASIDE)
			return true;
	return false;
}

static bool
is_place(const struct attempt *attempt, const char *text)
{
	for (size_t i = 0; i < attempt->deliveries.count; i++)
		if (!strcmp(attempt->deliveries.items[i].place, text))
			return true;
	return false;
}

static bool
are_its_places(const struct attempt *attempt, const struct list *destinations)
{
	const struct destination *items = destinations->items;

	for (size_t i = 0; i < destinations->count; i++)
		if (!is_place(attempt, items[i].text))
			return false;
	return destinations->count == attempt->deliveries.count;
}

/* What a slot's jobs may have is not let go of, nor what every destination had before one of them lost it. */
static bool
may_be_let_go(const struct attempt *attempt)
{
	const enum state_of_row state = attempt->row->state;

	return attempt->row->strategy == ROW_REPLACES && !slot_is(attempt) &&
	       (state == STATE_ORPHANED ||
		       (state == STATE_HELD && !attempt->row->retire_after &&
			       !was_taken(attempt)));
}

bool
begin_elsewhere(struct attempt *attempt, const struct policies *policies,
	const struct token_record *record, bool ordered, struct outcome *outcome,
	struct err *err)
{
	const char *text =
		ordered ? "ordered before any destination took its secret"
			: "its destinations are others now, and none took its secret";
	const struct token_entry *entry;
	struct list destinations;
	struct address address;
	struct err ignored;

	if (!policies->is_valid || !may_be_let_go(attempt) ||
		!address_parse(
			attempt->arena, attempt->row->address, false, &address, &ignored))
		return true;
	entry = policies_entry(policies, &address);
	if (!entry || !policies_destinations(policies, entry, &address, attempt->arena,
			      &destinations, &ignored))
		return true;
	if (attempt->row->state == STATE_HELD) {
		if (!ordered && are_its_places(attempt, &destinations))
			return true;
		if (!journal_move(
			    attempt->journal, attempt->row, STATE_ORPHANED, NULL, text, err))
			return false;
		outcome_event(outcome, attempt->row, text);
		attempt->was_let_go = true;
	}
	aim_at(attempt, record, &destinations);
	return true;
}
