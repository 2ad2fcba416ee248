/* fuzz_address.c: owner patterns, addresses and what a command line says of them. The first line is a pattern, the others are
 * texts to be matched. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/address.h"
#include "base/memory.h"
#include "destination/kind.h"
#include "policy/match.h"
#include "target.h"

#define LINES_MOST 8
#define SLOW_MOST ((size_t)200) /* so long a text the plain way of matching can take */

/* By the definition, and a table of what was found out: row p, column t says whether the rest from there on matches. */
static bool
matches_plainly(const char *pattern, const char *text)
{
	const size_t patterns = strlen(pattern), texts = strlen(text), width = texts + 1;
	auto_free char *known = memory_or_abort(calloc(patterns + 1, width));

	known[patterns * width + texts] = 1;
	for (size_t p = patterns; p-- > 0;) {
		const bool wide = !strncmp(pattern + p, "**", 2);
		const size_t behind = p + 1 + wide;

		for (size_t t = texts + 1; t-- > 0;) {
			char *here = &known[p * width + t];

			if (pattern[p] != '*')
				*here = text[t] == pattern[p] && text[t] &&
				        known[(p + 1) * width + t + 1];
			else
				*here = known[behind * width + t] ||
				        (text[t] && (wide || text[t] != '/') && here[1]);
		}
	}
	return known[0];
}

static void
check_glob(const char *pattern, const char *text)
{
	if (strlen(pattern) > SLOW_MOST || strlen(text) > SLOW_MOST)
		(void)glob_matches(pattern, text);
	else
		assert(glob_matches(pattern, text) == matches_plainly(pattern, text));
}

static void
check_templates(const char *text, const struct address *address, struct arena *arena)
{
	const char *filled = NULL;
	struct err err = { 0 };

	if (!template_fill(text, address, arena, &filled, &err))
		assert(err.kind == ERR_POLICY && *err.text);
	else if (!strchr(text, '{'))
		assert(!strcmp(filled, text));
}

static bool
check_exact(const char *text, struct arena *arena, struct address *address)
{
	struct err err = { 0 };

	if (!address_parse(arena, text, false, address, &err)) {
		assert(err.kind == ERR_POLICY && *err.text);
		return false;
	}
	assert(address->type < TYPE_COUNT && *address->owner && *address->name);
	assert(!strcmp(address->text, text));
	assert(address_matches(address, address));
	return true;
}

static void
check_pattern(
	const char *text, const struct candidate *candidates, size_t count, struct arena *arena)
{
	struct address pattern;
	struct err err = { 0 };

	if (!address_parse(arena, text, true, &pattern, &err)) {
		assert(err.kind == ERR_POLICY && *err.text);
		return;
	}
	assert(strlen(address_fixed_owner(arena, &pattern)) <= strlen(pattern.owner));
	for (size_t i = 0; i < count; i++) {
		(void)address_matches(&pattern, &candidates[i].address);
		check_templates(text, &candidates[i].address, arena);
	}
}

static void
check_selection(const char *const *texts, size_t count, const struct candidate *candidates,
	size_t candidate_count)
{
	const struct selection selections[] = { { .tokens = texts, .count = count },
		{ .owner = texts[0] }, { .type = texts[0] } };
	bool chosen[LINES_MOST + 1] = { false };

	for (size_t i = 0; i < ARRAY_SIZE(selections); i++) {
		struct err err = { 0 };

		if (!selection_apply(&selections[i], candidates, candidate_count, chosen, &err))
			assert(err.kind == ERR_USAGE && *err.text);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	auto_arena struct arena *arena = arena_new();
	char *rest = arena_text_n(arena, (const char *)data, size), *line;
	const char *texts[LINES_MOST];
	struct candidate candidates[LINES_MOST];
	size_t count = 0, candidate_count = 0;

	while (count < LINES_MOST && (line = strsep(&rest, "\n")))
		texts[count++] = line;
	for (size_t i = 0; i < count; i++) {
		struct candidate *candidate = &candidates[candidate_count];

		check_glob(texts[0], texts[i]);
		*candidate = (struct candidate){ .id = (int64_t)i };
		candidate_count += check_exact(texts[i], arena, &candidate->address);
	}
	check_pattern(texts[0], candidates, candidate_count, arena);
	check_selection(texts, 1, candidates, candidate_count);
	return 0;
}
