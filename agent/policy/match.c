#include "policy/match.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/fields.h"

#define SHOWN_MOST ((size_t)10)

/* What one call works on; `open` are the candidates that --owner and --type leave. */
struct matching {
	const struct selection *selection;
	const struct candidate *candidates;
	size_t count;
	struct arena *arena;
	bool *open;
	bool *hit; /* by the argument at hand */
};

enum meaning { BY_ID, BY_ADDRESS, BY_PATTERN, BY_NAME_PATTERN, BY_NAME };

static bool
is_id(const char *argument, int64_t *id)
{
	char *end;

	if (argument[0] != '#' || argument[1] < '1' || argument[1] > '9')
		return false;
	*id = strtoll(argument + 1, &end, 10);
	return !*end;
}

static bool
hits(enum meaning meaning, const struct candidate *candidate, const char *argument,
	const struct address *pattern, int64_t id)
{
	switch (meaning) {
	case BY_ID:
		return candidate->id == id;
	case BY_ADDRESS:
		return !strcmp(candidate->address.text, argument) ||
		       (candidate->was && !strcmp(candidate->was, argument));
	case BY_PATTERN:
		return address_matches(pattern, &candidate->address);
	case BY_NAME_PATTERN:
		return glob_matches(argument, candidate->address.name);
	case BY_NAME:
		return !strcmp(candidate->address.name, argument);
	}
	return false;
}

static size_t
mark_hits(struct matching *matching, enum meaning meaning, const char *argument,
	const struct address *pattern, int64_t id)
{
	size_t found = 0;

	for (size_t i = 0; i < matching->count; i++) {
		matching->hit[i] = matching->open[i] && hits(meaning, &matching->candidates[i],
								argument, pattern, id);
		found += matching->hit[i];
	}
	return found;
}

/* ", A, B and 3 more" of those that were hit. */
static const char *
hit_words(const struct matching *matching, size_t found)
{
	const char *words = "";
	size_t shown = 0;

	for (size_t i = 0; i < matching->count && shown < SHOWN_MOST; i++)
		if (matching->hit[i])
			words = arena_format(matching->arena, "%s%s%s", words,
				shown++ ? ", " : "", matching->candidates[i].address.text);
	if (found > shown)
		words = arena_format(matching->arena, "%s and %zu more", words, found - shown);
	return words;
}

static const char *
type_words(struct arena *arena)
{
	const char *words = token_type_name(0);

	for (int type = 1; type < TYPE_COUNT; type++)
		words = arena_format(arena, "%s, %s", words, token_type_name(type));
	return words;
}

static bool
parse_type(struct matching *matching, enum token_type *type, struct err *err)
{
	*type = TYPE_ANY;
	if (!matching->selection->type || token_type_parse(matching->selection->type, type))
		return true;
	return err_set(err, ERR_USAGE, 0, "--type: '%s' is no type of token; there are %s",
		matching->selection->type, type_words(matching->arena));
}

/* ": did you mean 'X'?", or "". `part` picks what of a candidate is compared. */
static const char *
nearest_hint(const struct matching *matching, const char *wrong,
	const char *(*part)(const struct address *address))
{
	const char **words =
		arena_alloc(matching->arena, (matching->count + 1) * sizeof(*words));
	const char *nearest;

	for (size_t i = 0; i < matching->count; i++)
		words[i] = part(&matching->candidates[i].address);
	nearest = nearest_word(wrong, words);
	return nearest ? arena_format(matching->arena, "; the nearest is '%s'", nearest) : "";
}

static const char *
text_of(const struct address *address)
{
	return address->text;
}

static const char *
name_of(const struct address *address)
{
	return address->name;
}

static const char *
owner_of(const struct address *address)
{
	return address->owner;
}

static bool
open_by_owner_and_type(struct matching *matching, struct err *err)
{
	const char *owner = matching->selection->owner;
	enum token_type type;
	bool owner_is_known = false;

	if (!parse_type(matching, &type, err))
		return false;
	for (size_t i = 0; i < matching->count; i++) {
		const struct address *address = &matching->candidates[i].address;
		bool fits =
			!owner || !strcmp(owner, "*") || glob_matches(owner, address->owner);

		owner_is_known |= fits;
		matching->open[i] = fits && (type == TYPE_ANY || type == address->type);
	}
	if (owner && !owner_is_known)
		return err_set(err, ERR_USAGE, 0, "--owner: no token has the owner '%s'%s",
			owner, nearest_hint(matching, owner, owner_of));
	return true;
}

static bool
nothing_meant(const struct matching *matching, const char *argument, struct err *err)
{
	bool narrowed = matching->selection->owner || matching->selection->type;

	return err_set(err, ERR_USAGE, 0, "'%s' means no token%s%s", argument,
		narrowed ? " that --owner and --type leave" : " known here",
		nearest_hint(matching, argument, strchr(argument, ':') ? text_of : name_of));
}

/* A pattern may mean many; a name must mean one. */
static bool
apply_name(struct matching *matching, const char *argument, struct err *err)
{
	size_t found = mark_hits(matching, BY_NAME, argument, NULL, 0);

	if (found > 1)
		return err_set(err, ERR_USAGE, 0, "'%s' means %zu tokens: %s", argument, found,
			hit_words(matching, found));
	return found || nothing_meant(matching, argument, err);
}

static bool
apply_argument(struct matching *matching, const char *argument, struct err *err)
{
	struct address pattern;
	struct err unread;
	int64_t id = 0;

	/* What is written just as an address stands is that one, whatever else it could mean: names may
	 * hold stars and colons. */
	if (mark_hits(matching, BY_ADDRESS, argument, NULL, 0))
		return true;
	if (is_id(argument, &id))
		return mark_hits(matching, BY_ID, argument, NULL, id) ||
		       nothing_meant(matching, argument, err);
	if (address_parse(matching->arena, argument, true, &pattern, &unread) &&
		mark_hits(matching, BY_PATTERN, argument, &pattern, 0))
		return true;
	if (strchr(argument, '*') && !strchr(argument, ':') &&
		mark_hits(matching, BY_NAME_PATTERN, argument, NULL, 0))
		return true;
	return apply_name(matching, argument, err);
}

static bool
apply_all(struct matching *matching, bool *chosen, struct err *err)
{
	if (!open_by_owner_and_type(matching, err))
		return false;
	if (!matching->selection->count)
		memcpy(chosen, matching->open, matching->count * sizeof(*chosen));
	for (size_t i = 0; i < matching->selection->count; i++) {
		if (!apply_argument(matching, matching->selection->tokens[i], err))
			return false;
		for (size_t k = 0; k < matching->count; k++)
			chosen[k] |= matching->hit[k];
	}
	return true;
}

bool
selection_apply(const struct selection *selection, const struct candidate *candidates,
	size_t count, bool *chosen, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	struct matching matching = { selection, candidates, count, arena };
	bool *draft = arena_alloc(arena, count + 1);

	matching.open = arena_alloc(arena, count + 1);
	matching.hit = arena_alloc(arena, count + 1);
	if (!apply_all(&matching, draft, err))
		return false;
	memcpy(chosen, draft, count * sizeof(*chosen));
	return true;
}
