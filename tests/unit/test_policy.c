#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/when.h"
#include "destination/destination.h"
#include "policy/keys.h"

#define GITLAB "gitlab: { url: https://gitlab.example.com, credential: c }\n"
#define LIFETIMES "lifetimes: [ { for: '*', max_lifetime: 90d } ]\n"
#define HEAD GITLAB LIFETIMES
#define API "{ token: 'project:g/api:ci', deliver: [ ci_variable: A ] }"

/* A main file, and what stands beside it. */
struct folder {
	char path[40], file[64];
	struct diags *diags;
	struct policies *policies;
};

static void
write_file(const struct folder *folder, const char *name, const char *text)
{
	char path[128];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/%s", folder->path, name);
	stream = fopen(path, "we");
	assert_non_null(stream);
	fputs(text, stream);
	fchmod(fileno(stream), 0644);
	fclose(stream);
}

static int
open_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof(*folder));
	char beside[64];

	strcpy(folder->path, "/tmp/test_policy-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	snprintf(folder->file, sizeof(folder->file), "%s/glrotate.yaml", folder->path);
	snprintf(beside, sizeof(beside), "%s/policies.d", folder->path);
	assert_int_equal(mkdir(beside, 0755), 0);
	*state = folder;
	return 0;
}

static void
forget(struct folder *folder)
{
	policies_free(folder->policies);
	diags_free(folder->diags);
	folder->policies = NULL;
	folder->diags = NULL;
}

static int
close_folder(void **state)
{
	static const char *const names[] = { "glrotate.yaml", "policies.d/a.yaml",
		"policies.d/b.yaml", "policies.d/c.yml", "policies.d/.hidden.yaml",
		"policies.d/notes.txt", "policies.d", "" };
	struct folder *folder = *state;
	char path[128];

	forget(folder);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", folder->path, names[i]);
		(void)remove(path);
	}
	free(folder);
	return 0;
}

static const struct policies *
load(struct folder *folder, const char *text)
{
	forget(folder);
	write_file(folder, "glrotate.yaml", text);
	folder->diags = diags_new();
	folder->policies = policies_load(folder->file, folder->diags);
	return folder->policies;
}

static const struct token_entry *
entry(const struct policies *policies, size_t index)
{
	assert_true(index < policies->tokens.count);
	return &((const struct token_entry *)policies->tokens.items)[index];
}

static const struct lifetime *
lifetime(const struct policies *policies, size_t index)
{
	assert_true(index < policies->lifetimes.count);
	return &((const struct lifetime *)policies->lifetimes.items)[index];
}

static bool
is_told(const struct folder *folder, int line, const char *part)
{
	const struct diag *diag;

	for (size_t i = 0; (diag = diags_at(folder->diags, i)); i++)
		if (diag->place.line == line && strstr(diag->text, part))
			return true;
	diags_print(folder->diags, stderr);
	return false;
}

static void
policy_fills_in_what_nobody_said(void **state)
{
	struct folder *folder = *state;
	const struct policies *policies = load(folder, HEAD);

	assert_true(policies->is_valid);
	assert_true(policies->gitlab_is_valid);
	assert_int_equal(policies->gitlab.requests_at_once, 8);
	assert_int_equal(policies->limits.rotations_per_run, 20);
	assert_int_equal(policies->limits.ramp_sec, 30 * DAY_SEC);
	assert_int_equal(policies->limits.settle_sec, 5 * MINUTE_SEC);
	assert_int_equal(lifetime(policies, 0)->renew_before_sec, 30 * DAY_SEC);
	assert_int_equal(policies->tokens.count, 0);
	policies =
		load(folder, HEAD "limits: { rotations_per_run: 3, ramp: 12h, settle: 1s }\n");
	assert_true(policies->is_valid);
	assert_int_equal(policies->limits.rotations_per_run, 3);
	assert_int_equal(policies->limits.ramp_sec, 12 * HOUR_SEC);
	assert_int_equal(policies->limits.settle_sec, 1);
}

static const struct {
	const char *text;
	int line;
	const char *told;
} faults[] = {
	{ "gitlab: { url: http://gitlab.example.com, credential: c }\n" LIFETIMES, 1,
		"expected https://HOST" },
	{ "gitlab: { url: http://localhost.evil.org, credential: c }\n" LIFETIMES, 1,
		"expected https://HOST" },
	{ "gitlab: { url: 'https://a:b@gitlab.example.com', credential: c }\n" LIFETIMES, 1,
		"without user" },
	{ "gitlab: { url: https://x.org, credential: a/b }\n" LIFETIMES, 1,
		"expected a credential's name" },
	{ "gitlab: { url: https://x.org, credential: c, requests_at_once: 65 }\n" LIFETIMES, 1,
		"from 1 to 64" },
	{ GITLAB "lifetimes: []\n", 1, "'lifetimes' is empty" },
	{ GITLAB "lifetimes:\n  - { for: '*', max_lifetime: 10d, renew_before: 10d }\n", 3,
		"is not less than max_lifetime" },
	{ GITLAB "lifetimes:\n  - { for: '*', max_lifetime: 1y }\n", 3, "'365d'" },
	{ GITLAB "lifetimes:\n  - { for: '*', max_lifetime: 24h }\n", 3, "at least 2d" },
	{ HEAD "limits: { settle: 0s }\n", 3, "at least 1s" },
	{ HEAD "limits: { rotation_per_run: 3 }\n", 3, "'rotations_per_run'" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci', deliver: [] }\n", 4,
		"'deliver' is empty" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci' }\n", 4, "needs 'deliver'" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci', deliver: [ fiel: /x ] }\n", 4,
		"did you mean 'file'" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci', deliver: [ ci_variable: { raw: yes } ] }\n",
		4, "a ci_variable needs 'key'" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci', deliver: [ file: x ] }\n", 4,
		"'x' is no absolute path" },
	{ HEAD "tokens:\n  - { token: 'personal:al:x', deliver: [ ci_variable: A ] }\n", 4,
		"add 'project:' or 'group:'" },
	{ GITLAB "lifetimes: [ { for: 'group:*', max_lifetime: 90d } ]\ntokens:\n  - " API "\n",
		4, "no line of 'lifetimes' holds for it" },
	{ HEAD "tokens:\n  - " API "\n  - " API "\n", 5, "stands at" },
	{ HEAD "tokens:\n  - " API "\n"
	       "  - { token: 'project:G/API:ci', deliver: [ file: /b ] }\n",
		5, "stands at" },
	{ HEAD "tokens:\n  - " API "\n"
	       "  - { token: 'group:g:x', deliver: [ ci_variable: { key: A, project: g/api } ] }\n",
		5, "gets two secrets: that of 'group:g:x', and that of 'project:g/api:ci'" },
	{ HEAD "tokens:\n  - { token: 'project:g/*:ci', id: 3, deliver: [ ci_variable: A ] }\n",
		4, "'id' does not belong here" },
	{ HEAD "tokens:\n  - { token: 'project:g/*:ci', scopes: api, deliver: [ ci_variable: A ] }\n",
		4, "'scopes' does not belong here" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci', except: [ 'project:*' ], deliver: [ ci_variable: A ] }\n",
		4, "'except' does not belong here" },
	{ HEAD "tokens:\n  - { token: 'personal:al:x', access_level: owner, deliver: [ file: /a ] }\n",
		4, "only tokens of projects and groups have a level" },
	{ HEAD "tokens:\n  - { token: 'project:g/*:ci', deliver: [ ci_variable: { key: A, project: x/y } ] }\n",
		4, "outside_owner" },
	{ HEAD "tokens:\n  - { token: 'project:g/*:ci', except: [ nope ], deliver: [ ci_variable: A ] }\n",
		4, "except: expected TYPE:OWNER:NAME" },
};

static void
policy_names_what_is_wrong_at_its_place(void **state)
{
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(faults); i++) {
		const struct policies *policies = load(folder, faults[i].text);

		if (!is_told(folder, faults[i].line, faults[i].told))
			fail_msg("row %zu does not say '%s'", i, faults[i].told);
		assert_false(policies->is_valid);
		if (diags_count(folder->diags) != 1)
			diags_print(folder->diags, stderr);
		assert_int_equal(diags_count(folder->diags), 1);
	}
}

static void
policy_refuses_what_this_version_cannot_do(void **state)
{
	static const char *const entries[] = {
		"token: 'project:g/a:ci', deliver: [ file: /a ], strategy: replace",
		"token: 'project:g/a:ci', deliver: [ file: /a ], rotate_with: self",
		"token: 'project:g/a:ci', deliver: [ file: /a ], overlap: 6h",
		"token: 'project:g/a:ci', deliver: [ file: /a ], when_idle: 2h",
		"token: 'project:g/a:ci', deliver: [ file: /a ], new_bot: accept",
		"token: 'project:g/a:ci', deliver: [ file: /a ], secret: x",
		"token: 'project:g/a:ci', deliver: [ file: /a ], on_loss: recreate",
		"token: 'project:g/a:ci', deliver: [ file: /a ], on_foreign_rotation: takeover",
		"token: 'trigger:g/a:ci', deliver: [ file: /a ]",
		"token: 'project_deploy:g/a:ci', deliver: [ file: /a ]",
		"token: 'personal:*:ci', deliver: [ file: '/a/{owner}' ]",
		"token: '*', deliver: [ file: '/a/{name}' ]",
	};
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		char text[512];

		snprintf(text, sizeof(text), HEAD "tokens:\n  - { %s }\n", entries[i]);
		assert_false(load(folder, text)->is_valid);
		if (!is_told(folder, 4, "this version"))
			fail_msg("%s", entries[i]);
	}
	assert_false(load(folder,
		"gitlab: { url: https://x.org, credential: c, rotate: yes }\n" LIFETIMES)
			     ->is_valid);
	assert_true(is_told(folder, 1, "not in this version yet"));
	assert_false(load(
		folder, HEAD "tokens:\n  - { token: 'project:g/a:ci', deliver: [ slot ] }\n")
			     ->is_valid);
}

static void
policy_adds_the_files_of_policies_d_by_name(void **state)
{
	struct folder *folder = *state;
	const struct policies *policies;
	char revision[17];

	write_file(folder, "policies.d/b.yaml",
		"tokens:\n  - { token: 'project:g/b:ci', deliver: [ file: /b ] }\n");
	write_file(folder, "policies.d/a.yaml",
		"tokens:\n  - { token: 'project:g/a:ci', deliver: [ file: /a ] }\n");
	write_file(folder, "policies.d/.hidden.yaml", "nonsense");
	write_file(folder, "policies.d/notes.txt", "nonsense");
	policies = load(folder, HEAD "tokens:\n  - " API "\n");
	assert_true(policies->is_valid);
	assert_int_equal(policies->tokens.count, 3);
	assert_string_equal(entry(policies, 0)->token.owner, "g/api");
	assert_string_equal(entry(policies, 1)->token.owner, "g/a");
	assert_string_equal(entry(policies, 2)->token.owner, "g/b");
	assert_non_null(strstr(entry(policies, 2)->at.file, "/policies.d/b.yaml"));
	strcpy(revision, policies->revision);
	assert_int_equal(strspn(revision, "0123456789abcdef"), 16);
	assert_string_equal(load(folder, HEAD "tokens:\n  - " API "\n")->revision, revision);
	write_file(folder, "policies.d/b.yaml",
		"tokens:\n  - { token: 'project:g/b:ci', deliver: [ file: /c ] }\n");
	policies = load(folder, HEAD "tokens:\n  - " API "\n");
	assert_string_not_equal(policies->revision, revision);
}

static void
policy_tells_the_errors_of_all_files_at_once(void **state)
{
	struct folder *folder = *state;
	const struct policies *policies;

	write_file(folder, "policies.d/a.yaml",
		GITLAB "tokens:\n  - { token: 'project:g/api:ci', deliver: [ file: /a ] }\n");
	write_file(folder, "policies.d/b.yaml", "tokens: [ { tokn: x } ]\n");
	write_file(folder, "policies.d/c.yml", "tokens: []\n");
	policies = load(folder, HEAD "limits: { ramp: 1m }\ntokens:\n  - " API "\n");
	assert_false(policies->is_valid);
	assert_true(policies->gitlab_is_valid);
	assert_true(is_told(folder, 3, "did you mean '30d'"));
	assert_true(is_told(folder, 1, "unknown key 'gitlab' in a file of policies.d"));
	assert_true(is_told(folder, 3, "stands at"));
	assert_true(is_told(folder, 1, "did you mean 'token'"));
	assert_true(is_told(folder, 1, "end in .yaml"));
}

static void
policy_knows_whether_gitlab_can_still_be_asked(void **state)
{
	static const struct {
		const char *text;
		bool valid;
	} rows[] = {
		{ HEAD, true },
		{ GITLAB "lifetimes: nonsense\n", true },
		{ LIFETIMES "nonsense: 1\n" GITLAB, true },
		{ LIFETIMES, false },
		{ "gitlab:\n  url: https://x.org\n  credential: c\n  ca_file: relative\n" LIFETIMES,
			false },
		{ "gitlab:\n  url: https://x.org\n  credential: c\n" LIFETIMES "tokens: 7\n",
			true },
		{ "gitlab:\n  url: https://x.org\n" LIFETIMES, false },
		{ "", false },
		{ "{ gitlab: { url: https://x.org, credential: c }, tokens: 7 }", false },
	};
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (load(folder, rows[i].text)->gitlab_is_valid != rows[i].valid)
			fail_msg("%s", rows[i].text);
}

static void
policy_without_its_file_is_an_error_with_its_name(void **state)
{
	struct folder *folder = *state;
	auto_diags struct diags *diags = diags_new();
	auto_policies struct policies *policies = policies_load("/nonexistent/x.yaml", diags);
	(void)folder;

	assert_false(policies->is_valid);
	assert_false(policies->gitlab_is_valid);
	assert_int_equal(diags_count(diags), 1);
	assert_string_equal(diags_at(diags, 0)->place.file, "/nonexistent/x.yaml");
}

static void
policy_finds_the_lifetime_and_the_entry_of_an_address(void **state)
{
	static const struct {
		const char *address;
		int max_days, entry;
	} rows[] = {
		{ "project:g/api:ci", 60, 0 },
		{ "project:g/api:other", 60, -1 },
		{ "project:g/deep/er:ci", 60, 1 },
		{ "project:g/old/er:ci", 60, -1 },
		{ "group:g:ci", 365, -1 },
	};
	struct folder *folder = *state;
	const struct policies *policies = load(folder, GITLAB
		"lifetimes:\n  - { for: 'project:g/**', max_lifetime: 60d }\n"
		"  - { for: '*', max_lifetime: 365d }\ntokens:\n  - " API "\n"
		"  - { token: 'project:g/**:ci', except: [ 'project:g/old/**' ], deliver: [ ci_variable: B ] }\n");

	assert_true(policies->is_valid);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address address;
		struct err err;

		assert_true(
			address_parse(policies->arena, rows[i].address, false, &address, &err));
		assert_int_equal(policies_lifetime(policies, &address)->max_lifetime_sec,
			rows[i].max_days * DAY_SEC);
		assert_ptr_equal(policies_entry(policies, &address),
			rows[i].entry < 0 ? NULL : entry(policies, (size_t)rows[i].entry));
	}
}

static void
policy_expands_a_patterns_destinations_for_each_token(void **state)
{
	struct folder *folder = *state;
	const struct policies *policies = load(folder, HEAD
		"tokens: [ { token: 'project:g/**:ci-*', deliver: [ ci_variable: '{name:key}', file: '/t/{owner:basename}/{name}' ] } ]\n");
	struct list list = { 0 };
	const struct destination *found;
	struct address address;
	struct err err = { 0 };

	assert_true(policies->is_valid);
	assert_true(address_parse(
		policies->arena, "project:g/x/api:ci-deploy", false, &address, &err));
	assert_true(policies_destinations(
		entry(policies, 0), &address, policies->arena, &list, &err));
	found = list.items;
	assert_int_equal(list.count, 2);
	assert_string_equal(found[0].text, "ci_variable g/x/api CI_DEPLOY *");
	assert_string_equal(found[1].text, "file /t/api/ci-deploy");
	assert_true(
		address_parse(policies->arena, "project:g/x/api:ci-ä", false, &address, &err));
	assert_false(policies_destinations(
		entry(policies, 0), &address, policies->arena, &list, &err));
	assert_int_equal(err.kind, ERR_POLICY);
	assert_non_null(strstr(err.text, "glrotate.yaml:3"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_folder, close_folder)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(policy_fills_in_what_nobody_said),
		TEST(policy_names_what_is_wrong_at_its_place),
		TEST(policy_refuses_what_this_version_cannot_do),
		TEST(policy_adds_the_files_of_policies_d_by_name),
		TEST(policy_tells_the_errors_of_all_files_at_once),
		TEST(policy_knows_whether_gitlab_can_still_be_asked),
		TEST(policy_without_its_file_is_an_error_with_its_name),
		TEST(policy_finds_the_lifetime_and_the_entry_of_an_address),
		TEST(policy_expands_a_patterns_destinations_for_each_token),
	};

	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
