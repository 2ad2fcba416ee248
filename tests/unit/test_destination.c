#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/advice.h"
#include "destination/ci_variable.h"
#include "destination/destination.h"

#define US "0123456789abcdef0123456789abcdef"
#define THEM "fedcba9876543210fedcba9876543210"

static int
make_arena(void **arena)
{
	*arena = arena_new();
	return 0;
}

static int
drop_arena(void **arena)
{
	arena_free(*arena);
	return 0;
}

static struct address
token(struct arena *arena, const char *text)
{
	struct address address;
	struct err err;

	assert_true(address_parse(arena, text, false, &address, &err));
	return address;
}

/* --- what a policy's words become --- */

struct expanding {
	const char *token;
	struct ci_variable_entry entry;
	bool pattern, outside;
	const char *text; /* of the first destination; NULL: refused */
	const char *why;
};

static const char *one_scope[] = { "*" };

static void
a_variable_is_expanded_or_refused_with_its_reason(void **state)
{
	/* clang-format off */
	static const struct expanding rows[] = {
		{ "project:a/b:ci", { .key = "K" }, .text = "ci_variable a/b K *" },
		{ "group:a:ci", { .key = "K" }, .text = "ci_variable group:a K *" },
		{ "project:a/b:ci", { .key = "K", .project = "c/d" }, .text = "ci_variable c/d K *" },
		{ "project:a/b:ci", { .key = "K", .group = "c" }, .text = "ci_variable group:c K *" },
		{ "project:a/b:ci-main.x", { .key = "{name:key}_T" }, .text = "ci_variable a/b CI_MAIN_X_T *" },
		{ "project:a/b:ci", { .key = "K", .project = "mirror/{owner}" }, .text = "ci_variable mirror/a/b K *" },
		{ "project:a/b:ci", { .key = "{owner:basename}" }, .text = "ci_variable a/b b *" },
		{ "project:a/b:ci", { .key = "{type}" }, .text = "ci_variable a/b project *" },
		{ "personal:alice:x", { .key = "K" }, .why = "add 'project:' or 'group:'" },
		{ "personal:alice:x", { .key = "K", .instance = STATED_YES }, .text = "ci_variable instance K" },
		{ "project:a/b:ci", { .key = "K", .instance = STATED_NO }, .text = "ci_variable a/b K *" },
		{ "project:a/b:ci", { .key = "K", .project = "c/d", .instance = STATED_YES }, .why = "excludes 'project' and 'group'" },
		{ "project:a/b:ci", { .key = "K", .instance = STATED_YES, .environment_scope = { one_scope, 1 } },
		  .why = "has no 'environment_scope'" },
		{ "project:a/b:ci", { .key = "K", .instance = STATED_YES, .visibility = VISIBILITY_HIDDEN },
		  .why = "cannot be hidden" },
		{ "project:a/b:ci", { .key = "K", .instance = STATED_YES }, .pattern = true, .why = "'the instance' is outside" },
		{ "project:a/b:ci", { .key = "K", .instance = STATED_YES }, .pattern = true, .outside = true,
		  .text = "ci_variable instance K" },
		{ "project:a/b:ci", { .key = "K", .project = "c/d", .group = "c" }, .why = "exclude each other" },
		{ "project:a/b:ci", { .key = "K-1" }, .why = "is no variable's key" },
		{ "project:a/b:ci", { .key = "{nam}" }, .why = "did you mean {name}?" },
		{ "project:a/b:ci", { .key = "{name" }, .why = "a brace without its end" },
		{ "project:a/b:my token", { .key = "K", .project = "x/{name}" }, .why = "takes only letters" },
		{ "project:a/b:..", { .key = "K", .project = "x/{name}" }, .why = "without '..'" },
		{ "project:a/b:ci", { .key = "K", .project = "../c" }, .why = "no full path of a project" },
		{ "project:a/b:ci", { .key = "K", .project = "c/d" }, .pattern = true, .why = "outside of 'a/b'" },
		{ "project:a/b:ci", { .key = "K", .project = "c/d" }, .pattern = true, .outside = true,
		  .text = "ci_variable c/d K *" },
		{ "project:a/b:ci", { .key = "K", .project = "a/bc" }, .pattern = true, .why = "outside of 'a/b'" },
		{ "group:a:ci", { .key = "K", .project = "a/b" }, .pattern = true, .text = "ci_variable a/b K *" },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct address address = token(*state, rows[i].token);
		const struct choice choice = { .kind = DESTINATION_CI_VARIABLE,
			.value = (void *)(uintptr_t)&rows[i].entry };
		struct list list = { 0 };
		struct err err = { 0 };
		const bool ok = destination_expand(&choice, &address, rows[i].pattern,
			rows[i].outside, *state, &list, &err);

		assert_int_equal(ok, rows[i].text != NULL);
		if (ok)
			assert_string_equal(
				((struct destination *)list.items)->text, rows[i].text);
		else if (err.kind != ERR_POLICY || !strstr(err.text, rows[i].why))
			fail_msg("row %zu: %s", i, err.text);
	}
}

static void
each_environment_scope_is_a_destination_of_its_own(void **state)
{
	const char *scopes[] = { "staging", "production" };
	struct ci_variable_entry entry = { .key = "K", .environment_scope = { scopes, 2 } };
	const struct choice choice = { .kind = DESTINATION_CI_VARIABLE, .value = &entry };
	const struct address address = token(*state, "project:a/b:ci");
	const struct destination *items;
	struct list list = { 0 };
	struct err err;

	assert_true(destination_expand(&choice, &address, false, false, *state, &list, &err));
	assert_int_equal(list.count, 2);
	items = list.items;
	assert_string_equal(items[0].text, "ci_variable a/b K staging");
	assert_string_equal(items[1].text, "ci_variable a/b K production");
}

/* --- stamps and the fence --- */

struct description {
	const char *text, *rest;
	int64_t generation;
};

static void
a_stamp_is_found_behind_a_persons_text(void **state)
{
	/* clang-format off */
	static const struct description rows[] = {
		{ NULL, "", 0 },
		{ "", "", 0 },
		{ "pushes images", "pushes images", 0 },
		{ "[glrotate #7 2026-11-21 g3 " US "]", "", 3 },
		{ "pushes images [glrotate #7 2026-11-21 g3 " US "]", "pushes images", 3 },
		{ "[glrotate #7 2026-11-21 g3 " US "] and more", "and more", 3 },
		{ "[glrotate #7 2026-11-21 g3 " US, "[glrotate #7 2026-11-21 g3 " US, 0 },
		{ "[glrotate #7 2026-13-21 g3 " US "]", "[glrotate #7 2026-13-21 g3 " US "]", 0 },
		{ "[glrotate #0 2026-11-21 g3 " US "]", "[glrotate #0 2026-11-21 g3 " US "]", 0 },
		{ "[glrotate #7 2026-11-21 g99999999999999999999 " US "]",
		  "[glrotate #7 2026-11-21 g99999999999999999999 " US "]", 0 },
	};
	/* clang-format on */

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct stamp stamp;
		const char *rest;

		stamp_parse(rows[i].text, *state, &stamp, &rest);
		assert_int_equal(stamp.generation, rows[i].generation);
		assert_string_equal(rest, rows[i].rest);
	}
}

static void
a_stamp_survives_its_text(void **state)
{
	const struct stamp stamp = {
		.token_id = 4711, .date = 20778, .generation = 12, .agent = US
	};
	char text[STAMP_TEXT_BYTES];
	struct stamp again;

	stamp_parse(stamp_text(&stamp, text), *state, &again, NULL);
	assert_int_equal(again.token_id, 4711);
	assert_int_equal(again.date, 20778);
	assert_int_equal(again.generation, 12);
	assert_string_equal(again.agent, US);
}

struct fencing {
	const char *what;
	struct stamp found, ours;
	enum err_kind kind;
	int advice;
};

static bool
gave_42(struct journal *journal, const struct stamp *stamp)
{
	(void)journal;
	return stamp->token_id == 42 && stamp->generation == 4;
}

static void
the_fence_lets_nobody_overwrite_a_later_or_anothers_secret(void **state)
{
	/* clang-format off */
	static const struct fencing rows[] = {
		{ "no stamp", { 0 }, { .generation = 0, .agent = US }, ERR_NONE, 0 },
		{ "ours, older", { .generation = 2, .agent = US }, { .generation = 3, .agent = US }, ERR_NONE, 0 },
		{ "ours, the same", { .generation = 3, .agent = US }, { .generation = 3, .agent = US }, ERR_NONE, 0 },
		{ "ours, later", { .generation = 4, .agent = US }, { .generation = 3, .agent = US }, ERR_MOVED, GLR_JOURNAL_OLD },
		{ "ours, of another entry", { .token_id = 42, .generation = 4, .agent = US }, { .generation = 3, .agent = US }, ERR_NONE, 0 },
		{ "another's", { .token_id = 42, .generation = 1, .agent = THEM }, { .generation = 3, .agent = US }, ERR_PERSON, GLR_SECOND_AGENT },
	};
	/* clang-format on */

	const struct destination_tools tools = { .gave = gave_42 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = { 0 };
		const bool ok = stamp_allows(&tools, &rows[i].found, &rows[i].ours, &err);

		if (ok != (rows[i].kind == ERR_NONE) ||
			(!ok && (err.kind != rows[i].kind || err.advice != rows[i].advice)))
			fail_msg("%s: %s", rows[i].what, err.text);
	}
}

/* --- attributes --- */

struct keeping {
	const char *what;
	struct variable_place wanted;
	struct variable got;
	const char *why; /* NULL: kept */
};

static void
an_attribute_that_gitlab_drops_is_caught(void **state)
{
	/* clang-format off */
	static const struct keeping rows[] = {
		{ "nothing stated", { .scope = "*" }, { .environment_scope = "*" }, NULL },
		{ "protected kept", { .scope = "*", .protected = STATED_YES },
		  { .environment_scope = "*", .protected = STATED_YES }, NULL },
		{ "protected dropped", { .scope = "*", .protected = STATED_YES },
		  { .environment_scope = "*", .protected = STATED_NO }, "'protected': wanted yes, got no" },
		{ "scope dropped by the tier", { .scope = "production" }, { .environment_scope = "*" },
		  "'environment_scope': wanted production, got *" },
		{ "hidden dropped by the release", { .scope = "*", .visibility = VISIBILITY_HIDDEN },
		  { .environment_scope = "*", .masked = STATED_YES }, "'visibility': wanted hidden, got masked" },
		{ "masked kept", { .scope = "*", .visibility = VISIBILITY_MASKED },
		  { .environment_scope = "*", .masked = STATED_YES }, NULL },
		{ "raw dropped", { .scope = "*", .raw = STATED_NO }, { .environment_scope = "*", .raw = STATED_YES },
		  "'raw': wanted no, got yes" },
	};
	/* clang-format on */

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = { 0 };
		const bool ok = ci_variable_check_kept(&rows[i].wanted, &rows[i].got, &err);

		if (ok != !rows[i].why || (!ok && !strstr(err.text, rows[i].why)))
			fail_msg("%s: %s", rows[i].what, err.text);
	}
}

static void
hiding_is_possible_at_creation_alone(void **state)
{
	const struct variable_place hidden = { .visibility = VISIBILITY_HIDDEN },
				    masked = { .visibility = VISIBILITY_MASKED },
				    kept = { .visibility = VISIBILITY_KEPT };
	const struct variable is_masked = { .masked = STATED_YES },
			      is_hidden = { .masked = STATED_YES, .hidden = STATED_YES };

	assert_non_null(ci_variable_impossible(&hidden, &is_masked, *state));
	assert_non_null(ci_variable_impossible(&masked, &is_hidden, *state));
	assert_null(ci_variable_impossible(&hidden, &is_hidden, *state));
	assert_null(ci_variable_impossible(&kept, &is_hidden, *state));
	assert_null(ci_variable_impossible(&masked, &is_masked, *state));
}

static void
what_nobody_stated_is_safest_at_creation(void **state)
{
	const struct variable_place unstated = { .key = "K" };
	const struct variable_place full = ci_variable_defaults(&unstated);

	(void)state;
	assert_int_equal(full.visibility, VISIBILITY_MASKED);
	assert_int_equal(full.protected, STATED_YES);
	assert_int_equal(full.raw, STATED_YES);
	assert_string_equal(full.type, "env_var");
}

static void
a_description_without_room_for_the_stamp_is_refused_by_characters(void **state)
{
	char text[600] = "";
	struct err err;

	(void)state;
	for (int i = 0; i < 175; i++)
		strcat(text, "ä");
	assert_true(ci_variable_check_room(text, &err));
	strcat(text, "ä");
	assert_false(ci_variable_check_room(text, &err));
	assert_non_null(strstr(err.text, "cut it by 1 of its 176"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_variable_is_expanded_or_refused_with_its_reason),
		cmocka_unit_test(each_environment_scope_is_a_destination_of_its_own),
		cmocka_unit_test(a_stamp_is_found_behind_a_persons_text),
		cmocka_unit_test(a_stamp_survives_its_text),
		cmocka_unit_test(the_fence_lets_nobody_overwrite_a_later_or_anothers_secret),
		cmocka_unit_test(an_attribute_that_gitlab_drops_is_caught),
		cmocka_unit_test(hiding_is_possible_at_creation_alone),
		cmocka_unit_test(what_nobody_stated_is_safest_at_creation),
		cmocka_unit_test(
			a_description_without_room_for_the_stamp_is_refused_by_characters),
	};

	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
