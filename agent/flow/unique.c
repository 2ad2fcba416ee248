#include "flow/unique.h"

#include <string.h>

#include "base/when.h"
#include "destination/destination.h"

/* One item wants one thing: a place, or, where `place` is NULL, its token. */
struct claim {
	const struct destination *place;
	int64_t token_id;
	struct plan_item *item;
	bool is_of_row; /* the item's open row has it, and the policy no say in that */
};
struct claims {
	struct claim *items;
	size_t count, capacity;
};

static void
claim_add(struct plan *plan, struct claims *claims, const struct claim *claim)
{
	claims->items = arena_grow(
		plan->arena, claims->items, claims->count, &claims->capacity, sizeof(*claim));
	claims->items[claims->count++] = *claim;
}

/* What is released, or found by a pattern that does not keep it alive, gets no secret. */
static bool
gets_secrets(const struct plan_item *item)
{
	return item->action != PLAN_RELEASED &&
	       (item->action != PLAN_NOTHING || item->due.due_at != NO_MOMENT);
}

/* Who was there first stays: else a maintainer could stop the token of another with a new one beside it. */
static int
standing(const struct plan_item *item)
{
	if (item->row)
		return 3;
	if (item->record && item->record->token_id && !item->record->released_at)
		return 2;
	return item->entry && !address_is_pattern(&item->entry->token);
}

static int
compare_things(const struct claim *a, const struct claim *b)
{
	if (a->place && b->place)
		return strcmp(destination_root(a->place), destination_root(b->place));
	return (a->token_id > b->token_id) - (a->token_id < b->token_id);
}

/* The best standing of a thing's claims comes first. */
static int
compare_claims(const void *a, const void *b)
{
	const struct claim *left = a, *right = b;
	int order = compare_things(left, right);

	if (!order)
		order = standing(right->item) - standing(left->item);
	return order ? order : strcmp(left->item->address.text, right->item->address.text);
}

static const char *
why_not(struct arena *arena, const struct claim *claim, const struct claim *other)
{
	if (!claim->place)
		return arena_format(arena,
			"#%lld is the token of '%s' too: one entry of the two is too many",
			(long long)claim->token_id, other->item->address.text);
	if (claim->item == other->item)
		return arena_format(
			arena, "'%s' stands twice in its 'deliver'", claim->place->text);
	return arena_format(arena, "'%s' would get two secrets: of '%s' and of '%s'",
		claim->place->text, claim->item->address.text, other->item->address.text);
}

/* An open row goes on by what it froze, but for one that follows the policy until its request; and a person who is asked for
 * already knows a better reason. */
static bool
can_be_stopped(const struct plan_item *item)
{
	return item->action == PLAN_OPEN ? item->row->state == STATE_PLANNED && item->grip &&
	                                           item->grip->is_uncommitted
	                                 : item->action != PLAN_PERSON;
}

static void
set_apart(struct arena *arena, const struct claim *claim, const struct claim *other)
{
	struct plan_item *item = claim->item;

	if (!can_be_stopped(item))
		return;
	item->action = PLAN_PERSON;
	item->advice = 0;
	item->adopts = false;
	item->why = why_not(arena, claim, other);
}

static const char *
words_of_row(struct arena *arena, const struct plan_item *item)
{
	const struct rotation *row = item->row;
	char until[WHEN_TEXT_BYTES];

	return arena_format(arena, "the rotation of '%s', which stands at %s%s%s",
		item->address.text, row_state_name(row->state),
		row->state == STATE_OVERLAP ? " until " : "",
		row->state == STATE_OVERLAP ? moment_text(row->retire_after, until) : "");
}

/* That row ends by itself, and then what it has is free. */
static void
set_waiting(struct arena *arena, const struct claim *claim, const struct claim *other)
{
	struct plan_item *item = claim->item;

	if (!can_be_stopped(item) || item->waits_for)
		return;
	item->waits_for =
		claim->place
			? arena_format(arena, "it waits for %s: '%s' is still its",
				  words_of_row(arena, other->item), claim->place->text)
			: arena_format(arena, "it waits for %s: #%lld is its token",
				  words_of_row(arena, other->item), (long long)claim->token_id);
	item->why = arena_format(arena, "%s; %s", item->why, item->waits_for);
	item->adopts = item->adopts && claim->place;
	if (item->action == PLAN_ROTATE || item->action == PLAN_CREATE)
		item->action = PLAN_WAITS;
}

/* A place that stands twice in one 'deliver' is wanted twice. */
static bool
are_rivals(const struct claim *a, const struct claim *b)
{
	if (a->item == b->item && (!a->place || a == b || a->is_of_row || b->is_of_row))
		return false;
	return !a->place || destination_overlaps(a->place, b->place);
}

/* The first of those that stand as well as `claims[i]`, or better, and want the same; NULL: none. */
static const struct claim *
rival_of(const struct claim *claims, size_t count, size_t i, bool is_of_row)
{
	const struct claim *claim = &claims[i];

	for (size_t k = 0; k < count && standing(claims[k].item) >= standing(claim->item); k++)
		if (claims[k].is_of_row == is_of_row && are_rivals(&claims[k], claim))
			return &claims[k];
	return NULL;
}

/* `claims` are all of one thing, or of one root. */
static void
settle(struct arena *arena, const struct claim *claims, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const struct claim *rival;

		if (claims[i].is_of_row)
			continue;
		rival = rival_of(claims, count, i, false);
		if (rival)
			set_apart(arena, &claims[i], rival);
		rival = rival_of(claims, count, i, true);
		if (rival)
			set_waiting(arena, &claims[i], rival);
	}
}

static void
settle_all(struct arena *arena, struct claims *claims)
{
	if (claims->count)
		qsort(claims->items, claims->count, sizeof(*claims->items), compare_claims);
	for (size_t from = 0, to; from < claims->count; from = to) {
		to = from + 1;
		while (to < claims->count &&
			!compare_things(&claims->items[from], &claims->items[to]))
			to++;
		if (to > from + 1)
			settle(arena, &claims->items[from], to - from);
	}
}

static void
claim_token(struct plan *plan, struct claims *tokens, struct plan_item *item, int64_t id,
	bool is_of_row)
{
	if (id)
		claim_add(plan, tokens,
			&(struct claim){
				.token_id = id, .item = item, .is_of_row = is_of_row });
}

/* What an open row is about is its own, whether its entry or its owner's list shows that token or not. */
static void
claim_tokens(struct plan *plan, struct claims *tokens, struct plan_item *item)
{
	if (item->row) {
		claim_token(plan, tokens, item, item->row->target_id, true);
		claim_token(plan, tokens, item, item->row->new_id, true);
	}
	if (item->token)
		claim_token(plan, tokens, item, item->token->id, false);
}

/* Whether it goes on with the places of today's policy, or not at all. */
static bool
follows_policy(const struct plan_item *item)
{
	return item->grip->is_uncommitted &&
	       (!item->entry || (item->row->state == STATE_PLANNED && item->lifetime &&
					item->destinations.count));
}

static void
claim_places(struct plan *plan, struct claims *places, struct plan_item *item)
{
	const struct destination *wanted = item->destinations.items, *held;

	for (size_t i = 0; i < item->destinations.count; i++)
		claim_add(plan, places, &(struct claim){ .place = &wanted[i], .item = item });
	if (!item->grip || follows_policy(item))
		return;
	held = item->grip->places.items;
	for (size_t i = 0; i < item->grip->places.count; i++)
		claim_add(plan, places,
			&(struct claim){ .place = &held[i], .item = item, .is_of_row = true });
}

void
unique_enforce(struct plan *plan)
{
	/* Deploy tokens are numbered by themselves. */
	struct claims tokens = { 0 }, deploy_tokens = { 0 }, places = { 0 };

	for (size_t i = 0; i < plan->count; i++) {
		struct plan_item *item = &plan->items[i];

		if (!gets_secrets(item))
			continue;
		claim_tokens(plan,
			kind_of(item->address.type)->is_deploy ? &deploy_tokens : &tokens,
			item);
		claim_places(plan, &places, item);
	}
	settle_all(plan->arena, &tokens);
	settle_all(plan->arena, &deploy_tokens);
	settle_all(plan->arena, &places);
}
