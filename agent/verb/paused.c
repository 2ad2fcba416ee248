#include "verb/paused.h"

#include <string.h>

#include "flow/plan.h"
#include "policy/match.h"

/* What one call works on. */
struct meaning {
	const struct options *options;
	const struct policies *policies;
	struct arena *arena;
	struct candidate *candidates; /* of the journal, and what the policy names one by one */
	size_t known;
	struct pauses pauses;
	size_t capacity;
};

static void
add_pause(struct meaning *meaning, const char *pattern, bool is_exact)
{
	struct pauses *pauses = &meaning->pauses;

	pauses->items = arena_grow(meaning->arena, pauses->items, pauses->count,
		&meaning->capacity, sizeof(*pauses->items));
	pauses->items[pauses->count++] = (struct pause){
		.pattern = pattern, .is_exact = is_exact, .actor = "", .reason = ""
	};
}

static bool
read_candidates(struct meaning *meaning, struct journal *journal, struct err *err)
{
	const struct token_entry *entries = meaning->policies->tokens.items;
	const size_t count = meaning->policies->tokens.count;
	struct token_records records;

	if (!journal_tokens(journal, meaning->arena, &records, err))
		return false;
	meaning->candidates = arena_alloc(
		meaning->arena, (records.count + count + 1) * sizeof(*meaning->candidates));
	for (size_t i = 0; i < records.count; i++) {
		struct candidate *candidate = &meaning->candidates[meaning->known];

		candidate->id = records.items[i].token_id;
		if (address_parse(meaning->arena, records.items[i].address, false,
			    &candidate->address, err))
			meaning->known++;
	}
	for (size_t i = 0; i < count; i++)
		if (entries[i].token.text && !address_is_pattern(&entries[i].token) &&
			!records_find(&records, entries[i].token.text))
			meaning->candidates[meaning->known++].address = entries[i].token;
	return true;
}

/* Of --owner and --type, with that name: a pattern. */
static bool
add_pattern(struct meaning *meaning, const char *name, struct err *err)
{
	const struct options *options = meaning->options;
	const char *text = arena_format(meaning->arena, "%s:%s%s%s",
		options->type ? options->type : "*", options->owner ? options->owner : "*",
		name ? ":" : "", name ? name : "");
	struct address pattern;

	if (!address_parse(meaning->arena, text, true, &pattern, err)) {
		err->kind = ERR_USAGE;
		return false;
	}
	add_pause(meaning, text, false);
	return true;
}

/* `TYPE:OWNER:NAME` with stars, or shortened. */
static bool
is_pattern(const struct meaning *meaning, const char *text)
{
	struct address pattern;
	struct err ignored;

	return address_parse(meaning->arena, text, true, &pattern, &ignored) &&
	       address_is_pattern(&pattern);
}

static bool
add_one(struct meaning *meaning, const char *text, struct err *err)
{
	const struct selection selection = { .owner = meaning->options->owner,
		.type = meaning->options->type,
		.tokens = &text,
		.count = 1 };
	bool *chosen = arena_alloc(meaning->arena, meaning->known + 1);

	if (!selection_apply(&selection, meaning->candidates, meaning->known, chosen, err))
		return false;
	for (size_t i = 0; i < meaning->known; i++)
		if (chosen[i])
			add_pause(meaning, meaning->candidates[i].address.text, true);
	return true;
}

static bool
is_known(const struct meaning *meaning, const char *text)
{
	for (size_t i = 0; i < meaning->known; i++)
		if (!strcmp(meaning->candidates[i].address.text, text))
			return true;
	return false;
}

static bool
add_argument(struct meaning *meaning, const char *text, struct err *err)
{
	const bool narrowed = meaning->options->owner || meaning->options->type;

	if (is_known(meaning, text))
		return add_one(meaning, text, err);
	if (strchr(text, '*') && !strchr(text, ':'))
		return add_pattern(meaning, text, err);
	if (!is_pattern(meaning, text))
		return add_one(meaning, text, err);
	if (narrowed)
		return err_set(err, ERR_USAGE, 0,
			"'%s' says itself of which owner and type: --owner and --type go with names",
			text);
	add_pause(meaning, text, false);
	return true;
}

bool
paused_read(struct context *context, const struct options *options, struct pauses *pauses,
	struct err *err)
{
	struct meaning meaning = {
		.options = options, .policies = context->policies, .arena = context->arena
	};
	const bool narrowed = options->owner || options->type;

	if (options->all && (narrowed || options->argument_count))
		return err_set(
			err, ERR_USAGE, 0, "--all means every token: leave out the rest");
	if (!options->all && !narrowed && !options->argument_count)
		return err_set(err, ERR_USAGE, 0, "which tokens? --all means every one");
	if (!read_candidates(&meaning, context->journal, err))
		return false;
	if (options->all)
		add_pause(&meaning, "*", false);
	else if (!options->argument_count && !add_pattern(&meaning, NULL, err))
		return false;
	for (size_t i = 0; i < options->argument_count; i++)
		if (!add_argument(&meaning, options->arguments[i], err))
			return false;
	*pauses = meaning.pauses;
	return true;
}
