#include "policy/claims.h"

#include <string.h>
#include <strings.h>

#include "destination/destination.h"
#include "policy/brake.h"

/* Of one file, or one secret with many keys: each is compared with all before it. */
#define PLACES_MOST 1000

/* What one comparison of all entries works on. */
struct checking {
	const struct policies *policies;
	struct arena *arena;
	struct diags *diags;
};

/* Something that must be there once: an address, or a destination. */
struct claim {
	const struct token_entry *entry;
	const char *text;
	struct place at;
	size_t order;
	const struct destination *place; /* NULL: an address */
};
struct claims {
	struct claim *items;
	size_t count, capacity;
};

static void
claim_add(struct arena *arena, struct claims *claims, const struct token_entry *entry,
	const char *text, struct place at)
{
	claims->items = arena_grow(
		arena, claims->items, claims->count, &claims->capacity, sizeof(*claims->items));
	claims->items[claims->count] = (struct claim){
		.entry = entry, .text = text, .at = at, .order = claims->count
	};
	claims->count++;
}

static int
by_order(const struct claim *a, const struct claim *b)
{
	return a->order < b->order ? -1 : a->order > b->order;
}

/* GitLab's paths do not tell capital letters from small ones; names do. */
static int
compare_addresses(const struct address *a, const struct address *b)
{
	int order = (a->type > b->type) - (a->type < b->type);

	if (!order)
		order = strcasecmp(a->owner, b->owner);
	return order ? order : strcmp(a->name, b->name);
}

static int
compare_tokens(const void *a, const void *b)
{
	const struct claim *left = a, *right = b;
	int order = compare_addresses(&left->entry->token, &right->entry->token);

	return order ? order : by_order(left, right);
}

static int
compare_texts(const void *a, const void *b)
{
	const struct claim *left = a, *right = b;
	int order = strcmp(left->text, right->text);

	return order ? order : by_order(left, right);
}

static int
compare_roots(const void *a, const void *b)
{
	const struct claim *left = a, *right = b;
	int order = strcmp(destination_root(left->place), destination_root(right->place));

	return order ? order : by_order(left, right);
}

static void
check_tokens_are_unique(const struct checking *checking)
{
	const struct token_entry *entries = checking->policies->tokens.items;
	struct claims claims = { 0 };

	for (size_t i = 0; i < checking->policies->tokens.count; i++)
		if (entries[i].token.text)
			claim_add(checking->arena, &claims, &entries[i], entries[i].token.text,
				entries[i].at);
	if (claims.count)
		qsort(claims.items, claims.count, sizeof(*claims.items), compare_tokens);
	for (size_t i = 1; i < claims.count; i++) {
		const struct claim *first = &claims.items[i - 1], *again = &claims.items[i];

		if (!compare_addresses(&first->entry->token, &again->entry->token))
			diags_add(checking->diags, again->at, "'%s' stands at %s:%d already",
				again->text, first->at.file, first->at.line);
	}
}

/* Each token that rotates itself has a secret of its own. */
static void
check_secrets_are_unique(const struct checking *checking)
{
	const struct token_entry *entries = checking->policies->tokens.items;
	struct claims claims = { 0 };

	for (size_t i = 0; i < checking->policies->tokens.count; i++)
		if (entries[i].token.text && entries[i].secret &&
			!address_is_pattern(&entries[i].token))
			claim_add(checking->arena, &claims, &entries[i], entries[i].secret,
				entries[i].at);
	if (claims.count)
		qsort(claims.items, claims.count, sizeof(*claims.items), compare_texts);
	for (size_t i = 1; i < claims.count; i++) {
		const struct claim *first = &claims.items[i - 1], *again = &claims.items[i];

		if (!strcmp(first->text, again->text))
			diags_add(checking->diags, again->at,
				"'%s': 'secret' is that of '%s' too: expected one for each",
				again->entry->token.text, first->entry->token.text);
	}
}

/* What the stars of a pattern could stand for, so that its templates can be tried out. */
static const char *
without_stars(struct arena *arena, const char *pattern, const char *wide)
{
	char *text = arena_alloc(arena, strlen(pattern) * (strlen(wide) + 1) + 1), *end = text;

	while (*pattern)
		if (!strncmp(pattern, "**", 2)) {
			end = stpcpy(end, wide);
			pattern += 2;
		} else {
			*end++ = *pattern == '*' ? 'x' : *pattern;
			pattern++;
		}
	return text;
}

static struct address
sample_of(struct arena *arena, const struct address *token)
{
	struct address sample = *token;

	if (!address_is_pattern(token))
		return sample;
	sample.owner = without_stars(arena, token->owner, "x/x");
	sample.name = without_stars(arena, token->name, "x");
	sample.text = arena_format(
		arena, "%s:%s:%s", token_type_name(token->type), sample.owner, sample.name);
	return sample;
}

/* Whether a destination has what it needs; what it lacks the decoder has told. */
static bool
is_whole(const struct choice *choice)
{
	const struct arm *arm = destination_arms;

	while (arm->word && arm->value != choice->kind)
		arm++;
	if (!arm->word || (arm->shape && !choice->value))
		return false;
	if (!arm->shape)
		return true;
	for (const struct field *field = arm->shape->fields; field->key; field++)
		if (field->required && field->kind == FIELD_TEXT &&
			!*(const char *const *)(const void *)((const char *)choice->value +
							      field->offset))
			return false;
	return true;
}

static void
claim_destinations(
	const struct checking *checking, const struct token_entry *entry, struct claims *claims)
{
	const struct choice *deliver = entry->deliver.items;
	const bool pattern = address_is_pattern(&entry->token);
	const struct address sample = sample_of(checking->arena, &entry->token);
	struct err err;

	for (size_t i = 0; i < entry->deliver.count; i++) {
		struct list list = { 0 };
		const struct destination *found;

		if (!is_whole(&deliver[i]))
			continue;
		if (!destination_expand(&deliver[i], &sample, pattern,
			    entry->outside_owner == STATED_YES, checking->arena, &list, &err)) {
			diags_add(checking->diags, deliver[i].at, "%s", err.text);
			continue;
		}
		found = list.items;
		for (size_t k = 0; k < list.count; k++)
			if (!brake_allows(checking->policies, entry, &found[k], &err))
				diags_add(checking->diags, deliver[i].at, "%s", err.text);
		for (size_t k = 0; k < list.count && !pattern; k++) {
			claim_add(checking->arena, claims, entry, found[k].text, deliver[i].at);
			claims->items[claims->count - 1].place = &found[k];
		}
	}
}

static bool
is_same_root(const struct claim *a, const struct claim *b)
{
	return !strcmp(destination_root(a->place), destination_root(b->place));
}

/* Who claimed it before, from the first of its root on; NULL: nobody. One token that stands here twice was told as that. */
static const struct claim *
who_was_first(const struct claim *start, const struct claim *again)
{
	for (const struct claim *first = again; first-- > start;)
		if (destination_overlaps(first->place, again->place) &&
			(first->entry == again->entry ||
				compare_addresses(&first->entry->token, &again->entry->token)))
			return first;
	return NULL;
}

static void
check_destinations_are_unique(const struct checking *checking)
{
	const struct token_entry *entries = checking->policies->tokens.items;
	struct claims claims = { 0 };
	size_t start = 0; /* of those that have the root at hand */

	for (size_t i = 0; i < checking->policies->tokens.count; i++)
		if (entries[i].token.text && entries[i].token.type != TYPE_ANY)
			claim_destinations(checking, &entries[i], &claims);
	if (claims.count)
		qsort(claims.items, claims.count, sizeof(*claims.items), compare_roots);
	for (size_t i = 1; i < claims.count; i++) {
		const struct claim *again = &claims.items[i], *first;

		if (!is_same_root(&claims.items[start], again))
			start = i;
		if (i - start >= PLACES_MOST) {
			if (i - start == PLACES_MOST)
				diags_add(checking->diags, again->at,
					"more than %d secrets are delivered to '%s'",
					PLACES_MOST, destination_root(again->place));
			continue;
		}
		first = who_was_first(&claims.items[start], again);
		if (first)
			diags_add(checking->diags, again->at,
				"'%s' gets two secrets: that of '%s', and that of '%s' at %s:%d",
				again->text, again->entry->token.text, first->entry->token.text,
				first->at.file, first->at.line);
	}
}

void
claims_check(const struct policies *policies, struct diags *diags)
{
	auto_arena struct arena *arena = arena_new();
	const struct checking checking = { policies, arena, diags };

	check_tokens_are_unique(&checking);
	check_secrets_are_unique(&checking);
	check_destinations_are_unique(&checking);
}
