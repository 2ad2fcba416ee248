#include "flow/decide.h"

#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "destination/slot.h"
#include "flow/idle.h"
#include "flow/overlap.h"
#include "flow/pins.h"

/* --- rules --- */

static void
set_rule(const struct deciding *deciding, struct plan_item *item)
{
	const struct token_record *record = item->record;
	char lifetime[WHEN_TEXT_BYTES], renew[WHEN_TEXT_BYTES];

	item->rule = arena_format(deciding->arena, "max %s renew %s",
		span_text(item->lifetime->max_lifetime_sec, lifetime),
		span_text(item->lifetime->renew_before_sec, renew));
	item->rule_since = record && !record->released_at && !strcmp(record->rule, item->rule)
	                           ? record->rule_since
	                           : deciding->now;
}

static bool
set_destinations(const struct deciding *deciding, struct plan_item *item)
{
	struct err err;

	if (!policies_destinations(deciding->policies, item->entry, &item->address,
		    deciding->arena, &item->destinations, &err)) {
		decide_person(item, 0, arena_text(deciding->arena, err.text));
		return false;
	}
	if (item->record && !item->record->released_at)
		pins_apply(item->record->destinations, deciding->arena, &item->destinations);
	return true;
}

static bool
is_among(const struct texts *texts, const char *text)
{
	for (size_t i = 0; i < texts->count; i++)
		if (!strcmp(texts->items[i], text))
			return true;
	return false;
}

/* What we ourselves present is rotated by the entry that says with which secret, and by no other. */
static const char *
why_in_use(const struct deciding *deciding, const struct plan_item *item)
{
	const struct plan_options *options = deciding->options;

	/* Deploy tokens are numbered by themselves, and open no API. */
	if (kind_of(item->address.type)->is_deploy)
		return NULL;
	if (item->token->id == options->own_token_id)
		return item->entry->is_own ? NULL
		                           : "it is the credential that glrotate itself uses";
	if (item->token->id == options->rescue_token_id)
		return "it is the rescue credential";
	if (item->entry->rotate_with == ROTATE_WITH_SELF)
		return NULL;
	for (size_t i = 0; i < options->in_use_count; i++)
		if (item->token->id == options->in_use[i])
			return "another entry says that it rotates itself";
	return NULL;
}

/* Why a pattern does not keep this token alive; NULL when it does. */
static const char *
why_not_managed(const struct deciding *deciding, const struct plan_item *item)
{
	const struct token_entry *entry = item->entry;
	const struct token *token = item->token;

	if (!address_is_pattern(&entry->token))
		return NULL;
	if (why_in_use(deciding, item))
		return arena_format(
			deciding->arena, "not managed: %s", why_in_use(deciding, item));
	if (slot_is_of(item->address.type, item->address.name) &&
		!token_entry_delivers(entry, DESTINATION_SLOT))
		return "not managed: GitLab itself hands it to jobs, and its entry does not say 'slot'";
	if (entry->level_at_most && token->access_level > entry->level_at_most)
		return arena_format(deciding->arena,
			"not managed: it is %s, above level_at_most",
			role_name(token->access_level) ? role_name(token->access_level)
						       : "of an unknown level");
	for (size_t i = 0; entry->scopes_at_most.count && i < token->scopes.count; i++)
		if (!is_among(&entry->scopes_at_most, token->scopes.items[i]))
			return arena_format(deciding->arena,
				"not managed: its scope %s is not in scopes_at_most",
				token->scopes.items[i]);
	return NULL;
}

/* --- when, and why --- */

static void
set_due(const struct deciding *deciding, struct plan_item *item)
{
	const struct due_facts facts = {
		.identity = item->address.text,
		.created_at = plan_created_at(item, deciding->now),
		.expires_on = item->token->expires_on,
		.max_lifetime_sec = item->lifetime->max_lifetime_sec,
		.renew_before_sec = item->lifetime->renew_before_sec,
		.rule_since = item->rule_since,
		.ramp_sec = deciding->policies->limits.ramp_sec,
		.rotated_at = item->record ? item->record->rotated_at : 0,
	};

	due_compute(&facts, &item->due);
}

static const char *
why_due(const struct deciding *deciding, const struct plan_item *item)
{
	const struct due *due = &item->due;
	char date[WHEN_TEXT_BYTES], span[WHEN_TEXT_BYTES];

	if (due->dies_at != NO_MOMENT && due->dies_at <= deciding->now)
		return arena_format(deciding->arena,
			"it ran out on %s, and can still be rotated",
			date_text(item->token->expires_on, date));
	if (due->ramped)
		return arena_format(deciding->arena, "%s; its turn in the ramp is %s",
			due->dies_at == NO_MOMENT ? "it never expires"
						  : "it lives longer than max_lifetime",
			date_text(date_of(due->due_at), date));
	if (due->basis == DUE_BY_EXPIRY)
		return arena_format(deciding->arena, "it expires %s, renewed %s before",
			date_text(item->token->expires_on, date),
			span_text(due->renew_before_sec, span));
	if (due->basis_at <= deciding->now)
		return arena_format(deciding->arena, "it outlived max_lifetime on %s",
			date_text(date_of(due->basis_at), date));
	return arena_format(deciding->arena, "it reaches max_lifetime %s, renewed %s before",
		date_text(date_of(due->basis_at), date),
		span_text(due->renew_before_sec, span));
}

/* What GitLab refused once is no trouble any more, but the policy says something else than what happens. */
static const char *
with_longest(const struct deciding *deciding, const struct plan_item *item, const char *why)
{
	const int64_t days = deciding->options->longest_days[item->address.type];

	if (!days || days * DAY_SEC >= item->lifetime->max_lifetime_sec)
		return why;
	return arena_format(
		deciding->arena, "%s; GitLab grants %lldd at most", why, (long long)days);
}

static void
decide_due(const struct deciding *deciding, struct plan_item *item)
{
	const char *apart = why_not_managed(deciding, item);
	char span[WHEN_TEXT_BYTES];

	if (apart) {
		item->action = PLAN_NOTHING;
		item->why = apart;
		/* What we ourselves present is never part of a fleet, and told elsewhere. */
		item->unmanaged = why_in_use(deciding, item) ? NULL : apart;
		item->due.dies_at = date_start(item->token->expires_on);
		return;
	}
	apart = why_in_use(deciding, item);
	if (apart) {
		decide_person(item, 0,
			arena_format(deciding->arena,
				"%s: take it out of the policy, or give glrotate another",
				apart));
		return;
	}
	item->adopts = !item->record || !item->record->token_id || item->record->released_at;
	set_due(deciding, item);
	item->why = with_longest(deciding, item, why_due(deciding, item));
	item->action = item->due.due_at <= deciding->now ? PLAN_ROTATE : PLAN_NOTHING;
	if (item->action == PLAN_ROTATE && item->entry->idle_sec)
		item->why = arena_format(deciding->arena,
			"%s; waits %s at the most for a moment without running jobs", item->why,
			span_text(item->entry->idle_sec, span));
	if (item->takes_over) {
		item->action = PLAN_ROTATE;
		item->due.urgent_at = deciding->now;
		item->why = arena_format(deciding->arena,
			"somebody else rotated it: #%lld is taken over",
			(long long)item->token->id);
	}
	if (decide_is_ordered(deciding, item)) {
		item->action = PLAN_ROTATE;
		item->why = "ordered";
	}
}

/* A held secret that not every destination took, and that lives long enough to fall due again, or is ordered anew: by the
 * rules and places of today, which may be others than the row's. */
static bool
is_superseded(const struct deciding *deciding, const struct plan_item *item)
{
	const struct rotation *row = item->row;

	/* Its present rotation goes on under a brake; another one is something new. */
	if (item->brake && !decide_is_ordered(deciding, item))
		return false;
	return row->state == STATE_HELD && row->strategy == ROW_ROTATES && item->entry &&
	       item->entry->rotate_with != ROTATE_WITH_SELF && item->token && item->lifetime &&
	       item->token->id == row->new_id && token_is_alive(item->token, deciding->now) &&
	       item->record && item->record->token_id == row->new_id &&
	       (item->due.due_at <= deciding->now || decide_is_ordered(deciding, item));
}

/* It goes on by what it froze, whatever the policy says by now. */
static void
decide_open(const struct deciding *deciding, struct plan_item *item, bool has_places)
{
	const struct rotation *row = item->row;

	item->action = PLAN_OPEN;
	item->token = decide_find(
		&item->holding->namesakes, row->new_id ? row->new_id : row->target_id);
	item->why = row->state == STATE_OVERLAP ? overlap_words(row, deciding->arena)
	            : idle_words(row)
	                    ? idle_words(row)
	                    : arena_format(deciding->arena, "its rotation stands at %s%s%s",
				      row_state_name(row->state), *row->trouble ? ": " : "",
				      row->trouble);
	item->advice = row->advice;
	if (item->token && item->lifetime)
		set_due(deciding, item);
	if (!has_places || !is_superseded(deciding, item))
		return;
	item->action = PLAN_ROTATE;
	item->supersedes = true;
	item->why = arena_format(deciding->arena,
		"#%lld is due again, and its rotation still stands at HELD",
		(long long)row->new_id);
}

/* What a path leads to now is not what was adopted: its tokens are somebody else's, whatever their names. */
static bool
is_elsewhere(const struct deciding *deciding, struct plan_item *item)
{
	const struct token_record *record = item->record;
	const struct owner *owner = &item->holding->owner;
	int64_t was, is;

	if (!record || record->released_at)
		return false;
	was = owner->user_id ? record->user_id : record->owner_id;
	is = owner->user_id ? owner->user_id : owner->id;
	if (!was || was == is)
		return false;
	decide_person(item, GLR_PATH_MOVED,
		arena_format(deciding->arena,
			"'%s' is number %lld now, and was %lld when it was adopted",
			item->address.owner, (long long)is, (long long)was));
	return true;
}

void
decide_item(const struct deciding *deciding, struct plan_item *item)
{
	const struct holding *holding = item->holding;
	/* A pattern that could not be followed stands for itself; its stars fit no destination. */
	const bool has_places = (holding->is_readable || !address_is_pattern(&item->address)) &&
	                        set_destinations(deciding, item);

	item->is_ordered = decide_is_ordered(deciding, item);
	item->lifetime = policies_lifetime(deciding->policies, &item->address);
	if (item->lifetime)
		set_rule(deciding, item);
	if (item->row)
		decide_open(deciding, item, has_places && holding->is_readable);
	else if (!item->lifetime && !address_is_pattern(&item->address))
		decide_person(item, 0, "no line of lifetimes holds for it");
	else if (!holding->is_readable)
		decide_person(item, holding->trouble.advice, holding->trouble.text);
	else if (has_places && !is_elsewhere(deciding, item))
		decide_token(deciding, item);
	decide_slot(deciding, item);
	if (item->token && item->action == PLAN_NOTHING)
		decide_due(deciding, item);
}
