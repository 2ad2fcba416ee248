#include "flow/decide.h"

#include <string.h>

#include "base/advice.h"
#include "base/when.h"
#include "destination/destination.h"
#include "flow/pins.h"

static void
person(struct plan_item *item, int advice, const char *why)
{
	item->action = PLAN_PERSON;
	item->advice = advice;
	item->why = why;
}

/* --- which token is meant --- */

struct living {
	size_t count;
	const struct token *last; /* the one with the highest id */
};

static struct living
find_living(const struct deciding *deciding, const struct tokens *namesakes)
{
	struct living living = { 0 };

	for (size_t i = 0; i < namesakes->count; i++)
		if (token_is_alive(&namesakes->items[i], deciding->now)) {
			living.last = &namesakes->items[i];
			living.count++;
		}
	return living;
}

static const struct token *
find_token(const struct tokens *namesakes, int64_t id)
{
	for (size_t i = 0; i < namesakes->count; i++)
		if (namesakes->items[i].id == id)
			return &namesakes->items[i];
	return NULL;
}

static const char *
list_ids(const struct deciding *deciding, const struct tokens *namesakes, bool alive_only)
{
	const char *text = "";

	for (size_t i = 0; i < namesakes->count; i++)
		if (!alive_only || token_is_alive(&namesakes->items[i], deciding->now))
			text = arena_format(deciding->arena, "%s%s#%lld", text,
				*text ? ", " : "", (long long)namesakes->items[i].id);
	return text;
}

static bool
is_ordered(const struct deciding *deciding, const struct plan_item *item)
{
	return deciding->options->ordered &&
	       deciding->options->ordered(deciding->options->context, &item->address);
}

/* on_foreign_rotation: takeover. Only what was made by rotating ours; and a second agent that takes over too is
 * answered once a day, not once a run. */
static const char *
why_not_taken_over(const struct deciding *deciding, const struct plan_item *item,
	const struct token *known, const struct token *living)
{
	if (item->entry->on_foreign_rotation != FOREIGN_TAKEOVER)
		return "";
	if (!known || !token_is_revoked(known) || living->id < known->id ||
		living->user_id != known->user_id)
		return ", and was not made by rotating ours";
	if (deciding->now - item->record->rotated_at < DAY_SEC)
		return ", and it is taken over once a day at most";
	return NULL;
}

static void
pick_one_successor(const struct deciding *deciding, struct plan_item *item,
	const struct token *known, const struct token *living)
{
	const char *why_not = why_not_taken_over(deciding, item, known, living);

	if (!why_not || is_ordered(deciding, item)) {
		item->token = living;
		item->takes_over = true;
		return;
	}
	person(item, GLR_FOREIGN_ROTATION,
		arena_format(deciding->arena,
			"somebody else rotated it: #%lld is dead, and #%lld is the token now%s",
			(long long)item->record->token_id, (long long)living->id, why_not));
}

/* on_loss: recreate, of what GitLab removed. It was alive when our last run found all well, it ran out since, and a bot
 * goes with its last token; had a run seen it revoked, that run had not found all well. */
static bool
ran_out_unseen(const struct deciding *deciding, const struct plan_item *item)
{
	const int64_t dies_at = date_start(item->record->expires_on);

	return item->entry->on_loss == LOSS_RECREATE &&
	       kind_of(item->address.type)->has_level && !item->holding->namesakes.count &&
	       dies_at != NO_MOMENT && deciding->options->well_at &&
	       deciding->options->well_at < dies_at && dies_at <= deciding->now;
}

static void
pick_again(const struct deciding *deciding, struct plan_item *item)
{
	char date[WHEN_TEXT_BYTES];

	date_text(item->record->expires_on, date);
	if (!item->entry->scopes.count || !item->entry->access_level) {
		person(item, GLR_CANNOT_CREATE,
			arena_format(deciding->arena,
				"it ran out on %s and was removed, and its entry does not say with which scopes and access_level to create another",
				date));
		return;
	}
	item->action = PLAN_CREATE;
	item->recreates = true;
	item->why = arena_format(deciding->arena,
		"it ran out on %s and was removed while no run was made", date);
}

/* The token that was adopted is dead or gone. Whoever made the one that lives now holds its secret. */
static void
pick_successor(
	const struct deciding *deciding, struct plan_item *item, const struct token *known)
{
	const struct living living = find_living(deciding, &item->holding->namesakes);
	const long long id = item->record->token_id;

	/* Numbers only grow. */
	if (!known && living.count && living.last->id < id) {
		person(item, GLR_IDENTITY,
			arena_format(deciding->arena,
				"#%lld is gone and the older #%lld lives: GitLab looks restored from a backup",
				id, (long long)living.last->id));
		return;
	}
	if (living.count == 1) {
		pick_one_successor(deciding, item, known, living.last);
		return;
	}
	if (living.count) {
		person(item, GLR_FOREIGN_ROTATION,
			arena_format(deciding->arena,
				"somebody else rotated it: #%lld is dead, and %s are the tokens now",
				id, list_ids(deciding, &item->holding->namesakes, true)));
		return;
	}
	/* What only ran out can still be rotated: its secret is dead, and nobody took it away. */
	if (known && !token_is_revoked(known)) {
		item->token = known;
		return;
	}
	if (ran_out_unseen(deciding, item)) {
		pick_again(deciding, item);
		return;
	}
	person(item, GLR_REVOKED,
		arena_format(deciding->arena, "#%lld %s, and nothing of that name is alive", id,
			known ? "was revoked, not by us"
			      : "is not among its owner's tokens any more"));
}

/* `id:` says which of several is adopted. Rotated since, it lives on under another number, and the one that the entry
 * says is dead: one that lives was never ours. */
static bool
entry_means_another(const struct deciding *deciding, struct plan_item *item)
{
	const struct token *meant = find_token(&item->holding->namesakes, item->entry->id);

	if (!meant || meant->id == item->record->token_id ||
		!token_is_alive(meant, deciding->now))
		return false;
	person(item, GLR_NAMESAKES,
		arena_format(deciding->arena,
			"the entry says id: %lld, which lives, but #%lld is the one adopted: "
			"say id: %lld, or give one of them another name",
			(long long)meant->id, (long long)item->record->token_id,
			(long long)item->record->token_id));
	return true;
}

static void
pick_known(const struct deciding *deciding, struct plan_item *item)
{
	const struct token *known =
		find_token(&item->holding->namesakes, item->record->token_id);

	if (!known || !token_is_alive(known, deciding->now)) {
		pick_successor(deciding, item, known);
		return;
	}
	/* Of an answer that could be read in part only the number is remembered. */
	if (item->record->created_msec != NO_MOMENT &&
		(known->created_msec != item->record->created_msec ||
			known->user_id != item->record->user_id)) {
		person(item, GLR_IDENTITY,
			arena_format(deciding->arena,
				"#%lld is another token than the one adopted",
				(long long)known->id));
		return;
	}
	if (entry_means_another(deciding, item))
		return;
	item->token = known;
}

static void
pick_by_id(const struct deciding *deciding, struct plan_item *item)
{
	item->token = find_token(&item->holding->namesakes, item->entry->id);
	if (!item->token || !token_is_alive(item->token, deciding->now))
		person(item, GLR_NAMESAKES,
			arena_format(deciding->arena,
				"the entry says id: %lld, and no living token of that name has it",
				(long long)item->entry->id));
}

static void
pick_new(const struct deciding *deciding, struct plan_item *item)
{
	const struct tokens *namesakes = &item->holding->namesakes;
	const struct living living = find_living(deciding, namesakes);

	if (living.count == 1)
		item->token = living.last;
	else if (living.count)
		person(item, GLR_NAMESAKES,
			arena_format(deciding->arena, "%zu living tokens have that name: %s",
				living.count, list_ids(deciding, namesakes, true)));
	else if (namesakes->count)
		person(item, GLR_REVOKED,
			arena_format(deciding->arena, "only dead tokens have that name: %s",
				list_ids(deciding, namesakes, false)));
	else if (!item->entry->scopes.count)
		person(item, GLR_CANNOT_CREATE,
			"it does not exist, and its entry does not say with which scopes to create it");
	else if (kind_of(item->address.type)->has_level && !item->entry->access_level)
		person(item, GLR_CANNOT_CREATE,
			"it does not exist, and its entry does not say with which access_level to create it");
	else {
		item->action = PLAN_CREATE;
		item->why = "it does not exist yet";
	}
}

static void
pick_token(const struct deciding *deciding, struct plan_item *item)
{
	/* What was released and comes back is adopted as if it were new. */
	if (item->record && item->record->token_id && !item->record->released_at)
		pick_known(deciding, item);
	else if (item->entry->id)
		pick_by_id(deciding, item);
	else
		pick_new(deciding, item);
}

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

	if (!policies_destinations(
		    item->entry, &item->address, deciding->arena, &item->destinations, &err)) {
		person(item, 0, arena_text(deciding->arena, err.text));
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
		.created_at = item->token->created_msec / 1000,
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

static void
decide_due(const struct deciding *deciding, struct plan_item *item)
{
	const char *apart = why_not_managed(deciding, item);

	if (apart) {
		item->action = PLAN_NOTHING;
		item->why = apart;
		item->due.dies_at = date_start(item->token->expires_on);
		return;
	}
	apart = why_in_use(deciding, item);
	if (apart) {
		person(item, 0,
			arena_format(deciding->arena,
				"%s: take it out of the policy, or give glrotate another",
				apart));
		return;
	}
	item->adopts = !item->record || !item->record->token_id || item->record->released_at;
	set_due(deciding, item);
	item->why = why_due(deciding, item);
	item->action = item->due.due_at <= deciding->now ? PLAN_ROTATE : PLAN_NOTHING;
	if (item->takes_over) {
		item->action = PLAN_ROTATE;
		item->due.urgent_at = deciding->now;
		item->why = arena_format(deciding->arena,
			"somebody else rotated it: #%lld is taken over",
			(long long)item->token->id);
	}
	if (is_ordered(deciding, item)) {
		item->action = PLAN_ROTATE;
		item->why = "ordered";
	}
}

/* It goes on by what it froze, whatever the policy says by now. */
static void
decide_open(const struct deciding *deciding, struct plan_item *item)
{
	const struct rotation *row = item->row;

	item->action = PLAN_OPEN;
	item->token = find_token(
		&item->holding->namesakes, row->new_id ? row->new_id : row->target_id);
	item->why = arena_format(deciding->arena, "its rotation stands at %s%s%s",
		row_state_name(row->state), *row->trouble ? ": " : "", row->trouble);
	item->advice = row->advice;
	if (item->token && item->lifetime)
		set_due(deciding, item);
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
	person(item, GLR_PATH_MOVED,
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

	item->lifetime = policies_lifetime(deciding->policies, &item->address);
	if (item->lifetime)
		set_rule(deciding, item);
	if (item->row)
		decide_open(deciding, item);
	else if (!item->lifetime)
		person(item, 0, "no line of lifetimes holds for it");
	else if (!holding->is_readable)
		person(item, holding->trouble.advice, holding->trouble.text);
	else if (has_places && !is_elsewhere(deciding, item))
		pick_token(deciding, item);
	if (item->token && item->action == PLAN_NOTHING)
		decide_due(deciding, item);
}
