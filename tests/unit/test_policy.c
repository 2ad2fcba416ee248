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
#include "policy_fixture.h"

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

static void
policy_adds_the_files_of_policies_d_by_name(void **state)
{
	struct folder *folder = *state;
	const struct policies *policies;
	char revision[17];

	write_file(folder, "policies.d/b.yaml",
		"tokens:\n  - { token: 'project:g/b:ci', deliver: [ ci_variable: B ] }\n");
	write_file(folder, "policies.d/a.yaml",
		"tokens:\n  - { token: 'project:g/a:ci', deliver: [ ci_variable: A ] }\n");
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
		{ GITLAB LIFETIMES "gitlab:\n  ca_file: /x\n", false },
		{ "", false },
		{ "{ gitlab: { url: https://x.org, credential: c }, tokens: 7 }", false },
	};
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (load(folder, rows[i].text)->gitlab_is_valid != rows[i].valid)
			fail_msg("%s", rows[i].text);
}

/* A pipe that nobody writes to must not hold up a run, nor endless bytes fill the memory. */
static void
policy_waits_for_no_pipe_and_reads_no_endless_file(void **state)
{
	struct folder *folder = *state;
	char path[128];

	snprintf(path, sizeof(path), "%s/policies.d/a.yaml", folder->path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_false(load(folder, HEAD)->is_valid);
	assert_true(is_told(folder, 0, "not a regular file"));
	assert_int_equal(unlink(path), 0);
	write_file(folder, "policies.d/a.yaml", "");
	assert_int_equal(truncate(path, (off_t)1 << 40), 0);
	assert_false(load(folder, HEAD)->is_valid);
	assert_true(is_told(folder, 0, "8 MiB"));
}

static void
policy_of_five_thousand_entries_loads(void **state)
{
	struct folder *folder = *state;
	const size_t count = 5000, most = 2 << 20;
	char *text = malloc(most), *end = stpcpy(text, HEAD "tokens:\n");
	const struct policies *policies;

	for (size_t i = 0; i < count; i++)
		end += sprintf(end,
			"  - token: project:platform/team-%zu/service-%zu:registry-push\n"
			"    scopes: [ read_registry, write_registry ]\n"
			"    access_level: developer\n"
			"    description: the token number %zu of a company that has many of them\n"
			"    deliver: [ ci_variable: REGISTRY_TOKEN ]\n",
			i % 70, i, i);
	assert_in_range(end - text, 1 << 20, most - 1);
	policies = load(folder, text);
	free(text);
	assert_true(policies->is_valid);
	assert_int_equal(policies->tokens.count, count);
	assert_string_equal(
		entry(policies, count - 1)->token.owner, "platform/team-29/service-4999");
	assert_ptr_equal(policies_entry(policies, &entry(policies, count - 1)->token),
		entry(policies, count - 1));
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
		{ "project:G/API:ci", 60, 0 },
		{ "project:g/OLD/er:ci", 60, -1 },
		{ "project:g/api:CI", 60, -1 },
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
		policies, entry(policies, 0), &address, policies->arena, &list, &err));
	found = list.items;
	assert_int_equal(list.count, 2);
	assert_string_equal(found[0].text, "ci_variable g/x/api CI_DEPLOY *");
	assert_string_equal(found[1].text, "file /t/api/ci-deploy");
	assert_true(
		address_parse(policies->arena, "project:g/x/api:ci-ä", false, &address, &err));
	assert_false(policies_destinations(
		policies, entry(policies, 0), &address, policies->arena, &list, &err));
	assert_int_equal(err.kind, ERR_POLICY);
	assert_non_null(strstr(err.text, "glrotate.yaml:3"));
}

/* A pattern's stars are tried out with one name only. */
static void
policy_asks_for_each_found_token_what_it_may_restart(void **state)
{
	static const char *const names[] = { "ci-x", "ci-sshd" };
	struct folder *folder = *state;
	const struct policies *policies;

	write_file(folder, "policies.d/a.yaml",
		"tokens:\n  - token: 'project:g/*:ci-*'\n    outside_owner: yes\n    deliver: [ systemd_credential: "
		"{ name: '{name}', unit: '{name}.service', restart: yes } ]\n");
	policies = load(folder,
		HEAD "limits: { units: ci-x.service, files: '/etc/credstore.encrypted/*' }\n");
	assert_true(policies->is_valid);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct list list = { 0 };
		struct address address;
		struct err err = { 0 };

		assert_true(address_parse(policies->arena,
			arena_format(policies->arena, "project:g/api:%s", names[i]), false,
			&address, &err));
		assert_int_equal(policies_destinations(policies, entry(policies, 0), &address,
					 policies->arena, &list, &err),
			i == 0);
		if (i)
			assert_non_null(strstr(
				err.text, "'ci-sshd.service' may not be restarted from"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(policy_fills_in_what_nobody_said),
		TEST(policy_adds_the_files_of_policies_d_by_name),
		TEST(policy_tells_the_errors_of_all_files_at_once),
		TEST(policy_knows_whether_gitlab_can_still_be_asked),
		TEST(policy_waits_for_no_pipe_and_reads_no_endless_file),
		TEST(policy_of_five_thousand_entries_loads),
		TEST(policy_without_its_file_is_an_error_with_its_name),
		TEST(policy_finds_the_lifetime_and_the_entry_of_an_address),
		TEST(policy_expands_a_patterns_destinations_for_each_token),
		TEST(policy_asks_for_each_found_token_what_it_may_restart),
	};

	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
