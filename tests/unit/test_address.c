#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/address.h"

static struct arena *arena;

static void
address_reads_type_owner_and_name(void **state)
{
	static const struct {
		const char *text;
		enum token_type type;
		const char *owner, *name;
	} rows[] = {
		{ "project:platform/api:registry-push", TYPE_PROJECT, "platform/api",
			"registry-push" },
		{ "personal:alice:laptop", TYPE_PERSONAL, "alice", "laptop" },
		{ "group:platform:all: of it / and * more", TYPE_GROUP, "platform",
			"all: of it / and * more" },
		{ "service_account:platform/api/deployer:x", TYPE_SERVICE_ACCOUNT,
			"platform/api/deployer", "x" },
		{ "project_deploy:platform/web:gitlab-deploy-token", TYPE_PROJECT_DEPLOY,
			"platform/web", "gitlab-deploy-token" },
		{ "webhook:a/b.c-d_e:1", TYPE_WEBHOOK, "a/b.c-d_e", "1" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address address;
		struct err err;
		if (!address_parse(arena, rows[i].text, false, &address, &err))
			fail_msg("'%s': %s", rows[i].text, err.text);
		assert_int_equal(address.type, rows[i].type);
		assert_string_equal(address.owner, rows[i].owner);
		assert_string_equal(address.name, rows[i].name);
		assert_string_equal(address.text, rows[i].text);
	}
}

static void
address_refuses_the_rest_and_says_why(void **state)
{
	static const struct {
		const char *text;
		bool pattern;
		const char *why;
	} rows[] = {
		{ "", false, "expected TYPE:OWNER:NAME" },
		{ "", true, "expected TYPE:OWNER:NAME" },
		{ "project", true, "expected TYPE:OWNER:NAME" },
		{ "projct:a/b:c", false, "did you mean 'project'?" },
		{ "banana:a/b:c", false, "unknown token type 'banana'" },
		{ "project:a/b", false, "as in project:a/b:deploy" },
		{ "project:a/b:", false, "is empty" },
		{ "project:a/b:", true, "is empty" },
		{ "project::c", false, "cannot be an owner" },
		{ "project:a//b:c", false, "cannot be an owner" },
		{ "project:/a/b:c", false, "cannot be an owner" },
		{ "project:a/../b:c", false, "cannot be an owner" },
		{ "project:a/.:c", false, "cannot be an owner" },
		{ "project:a/b c:d", false, "cannot be an owner" },
		{ "project:a/b%2f:d", true, "cannot be an owner" },
		{ "project:a/*:c", false, "cannot be an owner" },
		{ "project:\xc3\xa4/b:c", false, "cannot be an owner" },
		{ "*:a/b:c", false, "unknown token type '*'" },
		{ "project:api:c", false, "as in group/api" },
		{ "personal:group/alice:c", false, "cannot be a user name" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address address = { .owner = "untouched" };
		struct err err;
		assert_false(
			address_parse(arena, rows[i].text, rows[i].pattern, &address, &err));
		assert_int_equal(err.kind, ERR_POLICY);
		if (!strstr(err.text, rows[i].why))
			fail_msg("'%s' in '%s'", rows[i].why, err.text);
		assert_string_equal(address.owner, "untouched");
	}
}

static void
address_type_names_go_both_ways(void **state)
{
	(void)state;

	for (int i = 0; i < TYPE_COUNT; i++) {
		enum token_type type;
		assert_true(token_type_parse(token_type_name((enum token_type)i), &type));
		assert_int_equal(type, i);
	}
	assert_string_equal(token_type_name(TYPE_ANY), "*");
}

static void
glob_keeps_one_star_within_a_segment(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool matches;
	} rows[] = {
		{ "a", "a", true },
		{ "a", "ab", false },
		{ "", "", true },
		{ "", "a", false },
		{ "*", "", true },
		{ "*", "abc", true },
		{ "*", "a/b", false },
		{ "**", "a/b/c", true },
		{ "***", "a/b/c", true },
		{ "**", "", true },
		{ "a/*", "a/b", true },
		{ "a/*", "a/b/c", false },
		{ "a/**", "a/b/c", true },
		{ "a/**", "a", false },
		{ "a/**", "ab/c", false },
		{ "**/c", "a/b/c", true },
		{ "**/c", "a/b/cc", false },
		{ "*/b/*", "a/b/c", true },
		{ "*/b/*", "a/x/b/c", false },
		{ "ci-*", "ci-", true },
		{ "ci-*-x", "ci-a-x-b-x", true },
		{ "ci-*-x", "ci-a-x-b", false },
		{ "*a*a*b", "aaaaaaaab", true },
		{ "**a/*b", "a/ca/db", true },
		{ "**a/*b", "a/b/ca/dc", false },
		{ "*x**y", "ax/by/cy", true },
		{ "*/x**y*z", "a/x/y/yqz", true },
		{ "?", "a", false },
		{ "[a]", "a", false },
		{ "\\*", "*", false },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (glob_matches(rows[i].pattern, rows[i].text) != rows[i].matches)
			fail_msg("'%s' over '%s'", rows[i].pattern, rows[i].text);
}

/* What a star means, tried out in every way; slow, and plainly right. */
static bool
slow_glob(const char *pattern, const char *text)
{
	bool wide = pattern[0] == '*' && pattern[1] == '*';

	if (!*pattern)
		return !*text;
	if (*pattern != '*')
		return *text == *pattern && slow_glob(pattern + 1, text + 1);
	if (slow_glob(pattern + (wide ? 2 : 1), text))
		return true;
	return *text && (wide || *text != '/') && slow_glob(pattern, text + 1);
}

static void
glob_agrees_with_trying_everything(void **state)
{
	static const char pattern_letters[] = "a/*b", text_letters[] = "a/b";
	(void)state;

	for (int p = 0; p < 4096; p++) {
		char pattern[7] = "", text[7] = "";
		for (int i = 0, rest = p; i < 6; i++, rest /= 4)
			pattern[i] = pattern_letters[rest % 4];
		for (int t = 0; t < 729; t++) {
			for (int i = 0, rest = t; i < 6; i++, rest /= 3)
				text[i] = text_letters[rest % 3];
			if (glob_matches(pattern, text) != slow_glob(pattern, text))
				fail_msg("'%s' over '%s'", pattern, text);
		}
	}
}

static void
glob_is_never_exponential(void **state)
{
	char pattern[200], text[2001];
	clock_t begin = clock();
	(void)state;

	for (size_t i = 0; i + 4 < sizeof(pattern); i += 4)
		memcpy(pattern + i, i % 8 ? "*a*a" : "**aa", 5);
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	text[1990] = 'b';
	assert_true(glob_matches(pattern, text));
	strcat(pattern, "c");
	assert_false(glob_matches(pattern, text));
	assert_true(clock() - begin < 2 * CLOCKS_PER_SEC);
}

static void
address_patterns_cover_what_they_leave_out(void **state)
{
	static const struct {
		const char *pattern, *address;
		bool matches;
	} rows[] = {
		{ "*", "project:a/b:c", true },
		{ "*", "personal:alice:x/y", true },
		{ "project:*", "project:a/b/c:d", true },
		{ "project:*", "group:a:d", false },
		{ "personal:*", "personal:alice:laptop", true },
		{ "project:a/**", "project:a/b/c:d", true },
		{ "project:a/*", "project:a/b:d", true },
		{ "project:a/*", "project:a/b/c:d", false },
		{ "project:apps/**:ci-*", "project:apps/x:ci-push", true },
		{ "project:apps/**:ci-*", "project:apps/x:deploy", false },
		{ "*:a/**", "group:a/b:x", true },
		{ "*:a/**", "project:a/b:x", true },
		{ "project:a/b:*", "project:a/b:x/y", true },
		{ "project:a/b:c", "project:a/b:c", true },
		{ "project:a/b:c", "project:a/b:cc", false },
		{ "project:A/**", "project:a/b/c:d", true },
		{ "project:a/*:x", "project:a/B:x", true },
		{ "project:a/*:x", "project:a/b:X", false },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address pattern, address;
		struct err err;
		assert_true(address_parse(arena, rows[i].pattern, true, &pattern, &err));
		assert_true(address_parse(arena, rows[i].address, false, &address, &err));
		if (address_matches(&pattern, &address) != rows[i].matches)
			fail_msg("'%s' over '%s'", rows[i].pattern, rows[i].address);
		assert_int_equal(address_is_pattern(&pattern),
			strcmp(rows[i].pattern, "project:a/b:c") != 0);
	}
}

static void
address_fixed_owner_ends_before_the_first_star(void **state)
{
	static const struct {
		const char *pattern, *fixed;
	} rows[] = {
		{ "project:platform/team/**", "platform/team" },
		{ "project:platform/te*", "platform" },
		{ "project:platform/*/x", "platform" },
		{ "project:plat*", "" },
		{ "project:*", "" },
		{ "*", "" },
		{ "project:platform/api:x*", "platform/api" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address pattern;
		struct err err;
		assert_true(address_parse(arena, rows[i].pattern, true, &pattern, &err));
		assert_string_equal(address_fixed_owner(arena, &pattern), rows[i].fixed);
	}
}

static int
start(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(address_reads_type_owner_and_name),
		cmocka_unit_test(address_refuses_the_rest_and_says_why),
		cmocka_unit_test(address_type_names_go_both_ways),
		cmocka_unit_test(glob_keeps_one_star_within_a_segment),
		cmocka_unit_test(glob_agrees_with_trying_everything),
		cmocka_unit_test(glob_is_never_exponential),
		cmocka_unit_test(address_patterns_cover_what_they_leave_out),
		cmocka_unit_test(address_fixed_owner_ends_before_the_first_star),
	};

	return cmocka_run_group_tests(tests, start, end);
}
