#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "policy/match.h"

static const struct {
	const char *address;
	int64_t id;
	const char *was;
} known[] = {
	{ "project:platform/api:deploy", 11 },
	{ "project:platform/web:deploy", 12 },
	{ "project:platform/web:registry-push", 13 },
	{ "group:platform:ci", 14 },
	{ "personal:alice:laptop", 15, "personal:al:laptop" },
	{ "project:apps/x:odd:name*", 0 },
};
#define COUNT ARRAY_SIZE(known)

struct row {
	const char *owner, *type, *tokens[3];
	const char *chosen;  /* a letter a candidate */
	const char *trouble; /* a part of the error's text; NULL: none */
};

static bool
apply(const struct row *row, bool *chosen, struct err *err)
{
	auto_arena struct arena *arena = arena_new();
	struct candidate candidates[COUNT] = { 0 };
	struct selection selection = { row->owner, row->type, row->tokens, 0 };

	while (selection.count < ARRAY_SIZE(row->tokens) && row->tokens[selection.count])
		selection.count++;
	for (size_t i = 0; i < COUNT; i++) {
		assert_true(address_parse(
			arena, known[i].address, false, &candidates[i].address, err));
		candidates[i].id = known[i].id;
		candidates[i].was = known[i].was;
	}
	return selection_apply(&selection, candidates, COUNT, chosen, err);
}

static void
check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		bool chosen[COUNT] = { false };
		char letters[COUNT + 1] = "";
		struct err err = { 0 };
		bool ok = apply(&rows[i], chosen, &err);

		for (size_t k = 0; k < COUNT; k++)
			letters[k] = chosen[k] ? 'x' : '.';
		if (rows[i].trouble) {
			assert_false(ok);
			assert_int_equal(err.kind, ERR_USAGE);
			if (!strstr(err.text, rows[i].trouble))
				fail_msg("'%s' does not say '%s'", err.text, rows[i].trouble);
		} else if (!ok) {
			fail_msg("row %zu: %s", i, err.text);
		}
		assert_string_equal(letters, rows[i].chosen);
	}
}

static void
selection_means_all_addresses_patterns_names_and_ids(void **state)
{
	static const struct row rows[] = {
		{ NULL, NULL, { NULL }, "xxxxxx", NULL },
		{ NULL, NULL, { "project:platform/web:deploy" }, ".x....", NULL },
		{ NULL, NULL, { "registry-push" }, "..x...", NULL },
		{ NULL, NULL, { "#14" }, "...x..", NULL },
		{ NULL, NULL, { "project:platform/**" }, "xxx...", NULL },
		{ NULL, NULL, { "*:**:deploy" }, "xx....", NULL },
		{ NULL, NULL, { "*" }, "xxxxxx", NULL },
		{ NULL, NULL, { "reg*" }, "..x...", NULL },
		{ NULL, NULL, { "project:apps/x:odd:name*" }, ".....x", NULL },
		{ NULL, NULL, { "personal:al:laptop" }, "....x.", NULL },
		{ NULL, NULL, { "odd:name*" }, ".....x", NULL },
		{ NULL, NULL, { "#11", "ci", "laptop" }, "x..xx.", NULL },
	};
	(void)state;

	check_rows(rows, ARRAY_SIZE(rows));
}

static void
selection_narrows_by_owner_and_type(void **state)
{
	static const struct row rows[] = {
		{ "platform/*", NULL, { NULL }, "xxx...", NULL },
		{ "*", NULL, { NULL }, "xxxxxx", NULL },
		{ "alice", NULL, { NULL }, "....x.", NULL },
		{ NULL, "group", { NULL }, "...x..", NULL },
		{ NULL, "runner", { NULL }, "......", NULL },
		{ "platform/**", "project", { "registry-push" }, "..x...", NULL },
		{ "platform/api", NULL, { "deploy" }, "x.....", NULL },
	};
	(void)state;

	check_rows(rows, ARRAY_SIZE(rows));
}

static void
selection_refuses_what_means_nothing_or_too_much(void **state)
{
	static const struct row rows[] = {
		{ NULL, NULL, { "deploy" }, "......",
			"'deploy' means 2 tokens: project:platform/api:deploy, project:platform/web:deploy" },
		{ NULL, NULL, { "registry-pull" }, "......", "nearest is 'registry-push'" },
		{ NULL, NULL, { "project:platform/wbe:deploy" }, "......",
			"nearest is 'project:platform/web:deploy'" },
		{ NULL, NULL, { "#4711" }, "......", "'#4711' means no token" },
		{ NULL, NULL, { "#0" }, "......", "'#0' means no token" },
		{ NULL, NULL, { "ci", "nobody-knows-this" }, "......", "means no token" },
		{ NULL, "projekt", { NULL }, "......", "'projekt' is no type" },
		{ "alise", NULL, { NULL }, "......", "nearest is 'alice'" },
		{ "alice", NULL, { "ci" }, "......", "that --owner and --type leave" },
	};
	(void)state;

	check_rows(rows, ARRAY_SIZE(rows));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selection_means_all_addresses_patterns_names_and_ids),
		cmocka_unit_test(selection_narrows_by_owner_and_type),
		cmocka_unit_test(selection_refuses_what_means_nothing_or_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
