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
#include "policy_fixture.h"

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
	{ GITLAB "lifetimes:\n  - { for: '*', max_lifetime: 24h }\n", 3, "at least 3d" },
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
		"expected an absolute path without '..', '.' and empty parts, not 'x'" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci', "
	       "deliver: [ systemd_credential: { name: x, path: /etc/x/.. } ] }\n",
		4, "empty parts, not '/etc/x/..'" },
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
	{ HEAD "tokens:\n  - { token: 'project:g/*:ci', access_level: owner, deliver: [ ci_variable: A ] }\n",
		4, "'access_level' does not belong here: a pattern" },
	{ HEAD "tokens:\n  - { token: 'project:g/*:ci', description: x, deliver: [ ci_variable: A ] }\n",
		4, "'description' does not belong here: a pattern" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci', scopes_at_most: api, deliver: [ ci_variable: A ] }\n",
		4, "'scopes_at_most' does not belong here" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci', level_at_most: owner, deliver: [ ci_variable: A ] }\n",
		4, "'level_at_most' does not belong here" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci', outside_owner: no, deliver: [ ci_variable: A ] }\n",
		4, "'outside_owner' does not belong here" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci', id: 0, deliver: [ ci_variable: A ] }\n",
		4, "at least 1" },
	{ HEAD "tokens:\n  - { token: 'project:g/a:ci', deliver: [ file: /a ] }\n"
	       "  - { token: 'project:g/b:ci', deliver: [ file: /aa, file: { path: /a, format: env, key: A } ] }\n",
		5,
		"'file /a A' gets two secrets: that of 'project:g/b:ci', and that of 'project:g/a:ci'" },
	{ HEAD "tokens:\n  - { token: 'project:g/a:ci', deliver: [ file: { path: /a, format: netrc, host: h, username: u } ] }\n"
	       "  - { token: 'project:g/b:ci', deliver: [ file: { path: /a, format: netrc, host: h } ] }\n",
		5, "'file /a h' gets two secrets" },
	{ HEAD "tokens:\n  - { token: 'project:g/api:ci', deliver: [ file: /a, file: /a ] }\n",
		4, "'file /a' gets two secrets" },
	{ HEAD "tokens:\n  - { token: 'projekt:g/api:ci', deliver: [ file: /a ] }\n", 4,
		"did you mean 'project'" },
	{ GITLAB "lifetimes: [ { for: 'project:h/**', max_lifetime: 9d } ]\ntokens:\n"
		 "  - { token: 'project:g/**:ci', deliver: [ ci_variable: A ] }\n",
		4, "no line of 'lifetimes' holds for it" },
	{ HEAD "tokens:\n  - { token: 'project:g/**:ci', deliver: [ file: '/t/{nmae}' ] }\n", 4,
		"nmae" },
	{ HEAD "tokens:\n  - { token: 'personal:al:x', access_level: owner, deliver: [ file: /a ] }\n",
		4, "only tokens of projects and groups have a level" },
	{ HEAD "tokens:\n  - { token: 'project:g/*:ci', deliver: [ ci_variable: { key: A, project: x/y } ] }\n",
		4, "outside_owner" },
	{ "gitlab: { url: https://x.org, credential: c, rotate: yes }\n" LIFETIMES, 1,
		"expected 'credential_file'" },
	{ "gitlab: { url: https://x.org, credential: c, credential_file: /f }\n" LIFETIMES, 1,
		"'credential_file' does not belong here" },
	{ "gitlab: { url: https://x.org, credential: c, rotate: yes, credential_file: /etc/credstore.encrypted/c }\n" LIFETIMES,
		1,
		"'/etc/credstore.encrypted/c' is an encrypted credential, which cannot be written" },
	{ "gitlab: { url: https://x.org, credential: /c, credential_file: /f }\n" LIFETIMES, 1,
		"'credential_file' does not belong here" },
	{ "gitlab: { url: https://x.org, credential: c, rescue_credential: c }\n" LIFETIMES, 1,
		"'rescue_credential' is our own credential" },
	{ "gitlab: { url: https://x.org, credential: c, rotate: yes, credential_file: /f, rescue_credential: /f }\n" LIFETIMES,
		1, "'rescue_credential' is our own credential" },
	{ HEAD "tokens:\n  - { token: 'project:g/a:ci', deliver: [ file: /a ], rotate_with: self }\n",
		4, "needs 'secret'" },
	{ HEAD "tokens:\n  - { token: 'project:g/a:ci', deliver: [ file: /a ], secret: x }\n",
		4, "'secret' does not belong here" },
	{ HEAD "tokens:\n  - { token: 'project:g/*:ci', deliver: [ ci_variable: A ], secret: x }\n",
		4, "'secret' does not belong here: a pattern" },
	{ HEAD "tokens:\n  - { token: 'project:g/*:ci', deliver: [ ci_variable: A ], rotate_with: self }\n",
		4, "'rotate_with' does not belong here" },
	{ "gitlab: { url: https://x.org, credential: '' }\n" LIFETIMES, 1,
		"expected a credential's name" },
	{ HEAD "tokens:\n  - { token: 'project:g/a:ci', deliver: [ file: /a ], rotate_with: self, secret: x, scopes: api }\n",
		4, "'scopes' does not belong here" },
	{ HEAD "tokens:\n  - { token: 'project:g/a:ci', deliver: [ file: /a ], rotate_with: self, secret: c }\n",
		4, "is a credential of the gitlab section" },
	{ HEAD "tokens:\n  - { token: 'project:g/a:ci', deliver: [ file: /a ], rotate_with: self, secret: x }\n"
	       "  - { token: 'project:g/b:ci', deliver: [ file: /b ], rotate_with: self, secret: x }\n",
		5, "is that of 'project:g/a:ci' too" },
	{ HEAD "tokens:\n  - { token: 'project:g/*:ci', except: [ nope ], deliver: [ ci_variable: A ] }\n",
		4, "except: expected TYPE:OWNER:NAME" },
};

static void
rules_name_what_is_wrong_at_its_place(void **state)
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
rules_let_our_own_credential_and_others_rotate_themselves(void **state)
{
	static const char *const policies[] = {
		"gitlab: { url: https://x.org, credential: /c, rotate: yes }\n" LIFETIMES,
		"gitlab: { url: https://x.org, credential: c, rotate: yes, credential_file: /f, rescue_credential: r }\n" LIFETIMES,
		"gitlab: { url: https://x.org, credential: c, rotate: no, rescue_credential: r }\n" LIFETIMES,
		HEAD
		"tokens:\n  - { token: 'personal:al:x', deliver: [ file: /a ], rotate_with: self, secret: /a }\n",
	};
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(policies); i++)
		if (!load(folder, policies[i])->is_valid) {
			diags_print(folder->diags, stderr);
			fail_msg("%s", policies[i]);
		}
	assert_string_equal(load(folder, policies[0])->gitlab.credential_file, "/c");
	assert_string_equal(load(folder, policies[1])->gitlab.credential_file, "/f");
}

static void
rules_refuse_what_this_version_cannot_do(void **state)
{
	static const char *const entries[] = {
		"token: 'project:g/a:ci', deliver: [ file: /a ], window: 2h",
		"token: 'trigger:g/a:ci', deliver: [ file: /a ]",
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
	assert_false(load(
		folder, HEAD "tokens:\n  - { token: 'project:g/a:ci', deliver: [ slot ] }\n")
			     ->is_valid);
}

/* Entries that say how a token is renewed, each with one thing wrong; and the same put right. */
#define PROJECT "token: 'project:g/a:ci', deliver: [ file: /a ], "
#define DEPLOY "token: 'project_deploy:g/a:ci', deliver: [ file: /a ], "
#define PERSONAL "token: 'personal:al:x', deliver: [ file: /a ], "
static const struct {
	const char *wrong, *told, *right;
} ways[] = {
	{ PROJECT "strategy: replace", "say 'new_bot: accept'",
		PROJECT "strategy: replace, new_bot: accept" },
	{ "token: 'group:g/*:ci', deliver: [ ci_variable: A ], strategy: replace",
		"say 'new_bot: accept'",
		"token: 'group:g/*:ci', deliver: [ ci_variable: A ], strategy: replace, new_bot: accept" },
	{ PERSONAL "strategy: replace, new_bot: accept", "'new_bot' does not belong here",
		PERSONAL "strategy: replace" },
	{ PROJECT "new_bot: accept", "'new_bot' does not belong here",
		PROJECT "strategy: rotate" },
	{ PROJECT "overlap: 6h", "'overlap' does not belong here: only 'strategy: replace'",
		PROJECT "overlap: 6h, strategy: replace, new_bot: accept" },
	{ PROJECT "when_idle: 2h", "it is delivered to none",
		"token: 'project:g/a:ci', deliver: [ ci_variable: A ], when_idle: 2h" },
	{ "token: 'project:g/a:ci', deliver: [ ci_variable: A ], when_idle: 2h, strategy: replace, new_bot: accept",
		"no job loses its secret", PROJECT "strategy: replace, new_bot: accept" },
	{ "token: 'project:g/a:ci', deliver: [ ci_variable: { key: A, instance: yes } ], when_idle: 2h",
		"given to the jobs of all projects",
		"token: 'project:g/a:ci', deliver: [ ci_variable: { key: A, instance: yes } ]" },
	{ "token: 'project:g/a:ci', deliver: [ ci_variable: A ], when_idle: 30s", "at least 1m",
		"token: 'project:g/a:ci', deliver: [ ci_variable: A ], when_idle: 30m" },
	{ PROJECT "retire: after_overlap", "'retire' does not belong here",
		PERSONAL "retire: after_overlap, strategy: replace" },
	{ PERSONAL "strategy: replace, quiet: 2d", "'quiet' does not belong here",
		PERSONAL "strategy: replace, quiet: 2d, retire: when_unused" },
	{ PERSONAL "strategy: replace, retire: after_overlap, quiet: 2d",
		"'quiet' does not belong here",
		PERSONAL "strategy: replace, retire: when_unused" },
	{ PERSONAL "strategy: replace, overlap: 200d", "more than a third of its max_lifetime",
		PERSONAL "strategy: replace, overlap: 10d" },
	{ PERSONAL "strategy: replace, retire: when_unused, quiet: 200d",
		"more than a third of its max_lifetime",
		PERSONAL "strategy: replace, retire: when_unused, quiet: 10d" },
	{ PERSONAL "strategy: replace, retire: when_unused, quiet: 5m", "at least 1h",
		PERSONAL "strategy: replace, retire: when_unused, quiet: 1h" },
	{ DEPLOY "strategy: rotate", "GitLab cannot rotate a deploy token",
		DEPLOY "strategy: replace" },
	{ DEPLOY "retire: when_unused", "does not tell when a deploy token was last used",
		DEPLOY "retire: after_overlap, overlap: 6h" },
	{ DEPLOY "new_bot: accept", "'new_bot' does not belong here", DEPLOY "overlap: 6h" },
	{ DEPLOY "description: x", "a deploy token has none", DEPLOY "username: al.x+1" },
	{ DEPLOY "on_loss: recreate", "'on_loss' does not belong here", DEPLOY "overlap: 2h" },
	{ DEPLOY "on_foreign_rotation: takeover", "nobody can rotate a deploy token",
		DEPLOY "overlap: 30m" },
	{ DEPLOY "username: 'a b'", "expected letters, digits", DEPLOY "username: a_b" },
	{ DEPLOY "access_level: owner", "only tokens of projects and groups have a level",
		DEPLOY "scopes: read_package_registry" },
	{ "token: 'project_deploy:g/*:ci', deliver: [ ci_variable: A ], level_at_most: owner",
		"a deploy token has no level",
		"token: 'project_deploy:g/*:ci', deliver: [ ci_variable: A ]" },
	{ "token: 'project_deploy:g/*:ci', deliver: [ ci_variable: A ], username: x",
		"a pattern creates no token",
		"token: 'group_deploy:g/*:ci', deliver: [ ci_variable: A ]" },
	{ PERSONAL "username: x", "only deploy tokens have one of their own",
		"token: 'impersonation:al:x', deliver: [ file: /a ]" },
};

static void
rules_know_which_ways_of_renewing_make_sense(void **state)
{
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ways); i++) {
		char text[512];

		snprintf(text, sizeof(text), HEAD "tokens:\n  - { %s }\n", ways[i].wrong);
		assert_false(load(folder, text)->is_valid);
		if (!is_told(folder, 4, ways[i].told))
			fail_msg("row %zu does not say '%s'", i, ways[i].told);
		snprintf(text, sizeof(text), HEAD "tokens:\n  - { %s }\n", ways[i].right);
		if (!load(folder, text)->is_valid)
			fail_msg("row %zu is refused put right", i);
		assert_int_equal(diags_warnings(folder->diags), 0);
	}
	/* A token cannot make another one beside itself. */
	load(folder,
		HEAD "tokens:\n  - { " PERSONAL "strategy: replace, rotate_with: self }\n");
	assert_true(is_told(folder, 4, "cannot make another one beside itself"));
}

static void
rules_warn_of_what_is_perhaps_a_slip(void **state)
{
	static const struct {
		const char *text;
		int line;
		const char *told;
	} rows[] = {
		{ GITLAB "lifetimes:\n  - { for: '*', max_lifetime: 30d, renew_before: 11d }\n",
			3, "renew_before (11d) is more than a third of max_lifetime: 10d" },
		{ HEAD "tokens:\n  - { token: 'project:g/api:ci', scopes: read_registri, deliver: [ file: /a ] }\n",
			4, "the nearest is 'read_registry'" },
		{ HEAD "tokens:\n  - { token: 'project:g/*:ci', scopes_at_most: [ aapi ], deliver: [ ci_variable: A ] }\n",
			4, "the nearest is 'api'" },
	};
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_true(load(folder, rows[i].text)->is_valid);
		assert_int_equal(diags_warnings(folder->diags), 1);
		assert_true(is_told(folder, rows[i].line, rows[i].told));
	}
	/* A scope that nothing known is like may be one of a later GitLab. */
	load(folder, HEAD
		"tokens:\n  - { token: 'project:g/api:ci', scopes: quantum_link, deliver: [ file: /a ] }\n");
	assert_int_equal(diags_warnings(folder->diags), 0);
}

/* Of an entry of policies.d, and what the main file's limits say. */
#define VAULT(auth)                                                                            \
	"deliver: [ vault: { url: 'https://v.example', path: kv/a, key: k, auth: { " auth      \
	" } } ]"
#define CLUSTER(access)                                                                        \
	"deliver: [ kubernetes: { namespace: n, secret: s, key: k, " access " } ]"
#define UNIT(unit)                                                                             \
	"deliver: [ systemd_credential: { name: x, unit: '" unit "', restart: yes } ]"
#define CREDSTORE "files: '/etc/credstore.encrypted/x'"
static const struct {
	const char *entry, *limits, *told; /* told NULL: allowed */
} braked[] = {
	{ VAULT("token: vault-ci"), "", "'credentials' in the main file's limits" },
	{ VAULT("token: vault-ci"), "credentials: [ vault, '/vault-ci' ]",
		"'vault-ci' may not be used" },
	{ VAULT("token: vault-ci"), "credentials: 'vault-*'", NULL },
	{ VAULT("token: /etc/shadow"), "credentials: '*'", "'/etc/shadow' may not be used" },
	{ VAULT("approle: { role_id: r, secret_id: s }"), "", "'s' may not be used" },
	{ VAULT("approle: { role_id: r, secret_id: s }"), "credentials: s", NULL },
	{ VAULT("token: c"), "credentials: '*'", "'c' is glrotate's own credential" },
	{ VAULT("token: glrotate-key"), "credentials: '*'", "glrotate's own credential" },
	{ VAULT("token: /run/credentials/glrotate.service/c"),
		"credentials: '/run/credentials/*/*'", "glrotate's own credential" },
	{ CLUSTER("server: 'https://k.example', token: t"), "", "'t' may not be used" },
	{ CLUSTER("server: 'https://k.example', token: t"), "credentials: t", NULL },
	{ CLUSTER("kubeconfig: /k"), "", "'/k' may not be used" },
	{ CLUSTER("kubeconfig: /k"), "credentials: /k", NULL },
	{ CLUSTER("in_cluster: yes"), "credentials: /k", "'in_cluster' may not be used" },
	{ CLUSTER("in_cluster: yes"), "credentials: in_cluster", NULL },
	{ UNIT("sshd.service"), "", "'units' in the main file's limits" },
	{ UNIT("sshd.service"), "units: [ 'my*.service', ssh.service ]",
		"'sshd.service' may not be restarted" },
	{ UNIT("myapp.service"), "units: [ 'my*.service', ssh.service ], " CREDSTORE, NULL },
	{ UNIT("my{name}.service"), "units: 'my*.service', " CREDSTORE, NULL },
	{ UNIT("{name}.service"), "units: 'my*.service'", "'ci.service' may not be restarted" },
	{ "deliver: [ systemd_credential: x ]", "",
		"'/etc/credstore.encrypted/x' may not be written" },
	{ "deliver: [ systemd_credential: x ]", CREDSTORE, NULL },
	{ "deliver: [ systemd_credential: sshd ]", CREDSTORE, "may not be written" },
	{ "deliver: [ file: /a ]", "", "'files' in the main file's limits" },
	{ "deliver: [ file: /etc/cron.d/a ]", "files: [ '/etc/*', '/etc/cron.d/b' ]",
		"'/etc/cron.d/a' may not be written" },
	{ "deliver: [ file: '/srv/{owner:basename}/t' ]", "files: '/srv/*/t'", NULL },
	{ "deliver: [ file: /a ], rotate_with: self, secret: /s", "files: /a",
		"'/s' may not be used" },
	{ "deliver: [ file: /a ], rotate_with: self, secret: /s", "files: /a, credentials: /s",
		NULL },
};

static void
rules_keep_policies_d_to_what_the_main_file_names(void **state)
{
	struct folder *folder = *state;

	for (size_t i = 0; i < ARRAY_SIZE(braked); i++) {
		char text[512];

		snprintf(text, sizeof(text), "tokens:\n  - { token: 'project:g/a:ci', %s }\n",
			braked[i].entry);
		write_file(folder, "policies.d/a.yaml", text);
		snprintf(text, sizeof(text), HEAD "limits: { %s }\n", braked[i].limits);
		if (load(folder, text)->is_valid != !braked[i].told ||
			(braked[i].told && !is_told(folder, 2, braked[i].told)))
			fail_msg("row %zu", i);
	}
}

static void
rules_let_the_main_file_use_all_but_our_own_credentials(void **state)
{
	static const char entry[] = "tokens:\n  - { token: 'project:g/a:ci', %s }\n";
	static const char own[] = "gitlab: { url: 'https://x.org', credential: c, rotate: yes, "
				  "credential_file: /f, rescue_credential: r }\n" LIFETIMES;
	static const char *const never[] = { VAULT("token: c"), VAULT("token: /f"),
		VAULT("token: r"), CLUSTER("server: 'https://k.example', token: c"),
		VAULT("token: glrotate-key") };
	struct folder *folder = *state;
	char text[1024];

	for (size_t i = 0; i < ARRAY_SIZE(braked); i++) {
		const bool is_own =
			braked[i].told && strstr(braked[i].told, "glrotate's own credential");

		strcpy(text, HEAD);
		snprintf(text + strlen(text), 512, entry, braked[i].entry);
		if (load(folder, text)->is_valid == is_own)
			fail_msg("row %zu", i);
	}
	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		strcpy(text, own);
		snprintf(text + strlen(text), 512, entry, never[i]);
		load(folder, text);
		assert_true(is_told(folder, 4, "glrotate's own credential"));
	}
}

/* Of two names of one file the brake would know one alone. */
static void
rules_know_one_name_of_a_path(void **state)
{
	static const char *const never[] = { VAULT("token: /etc//c"),
		VAULT("token: /etc/d/../c"),
		VAULT("approle: { role_id: r, secret_id: /etc/./c }"), VAULT("token: /etc/c/"),
		CLUSTER("server: 'https://k.example', token: '/etc/c/.'"),
		CLUSTER("kubeconfig: //etc/c"), "deliver: [ file: /etc/c/.. ]",
		"deliver: [ file: { path: /a, exec: [ /usr//bin/true ] } ]",
		"deliver: [ exec: /usr/bin/../bin/true ]",
		"deliver: [ systemd_credential: { name: x, path: /etc/c/.. } ]",
		"deliver: [ file: /a ], rotate_with: self, secret: /etc//c" };
	struct folder *folder = *state;
	char text[1024];

	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		snprintf(text, sizeof(text),
			HEAD "tokens:\n  - { token: 'project:g/a:ci', %s }\n", never[i]);
		load(folder, text);
		if (!is_told(folder, 4, "expected an absolute path without '..'") &&
			!is_told(folder, 4, "is no absolute path of a program"))
			fail_msg("row %zu", i);
	}
	load(folder, HEAD "limits: { credentials: '/etc/*//c', files: '/a/../*' }\n");
	assert_int_equal(diags_count(folder->diags), 2);
	load(folder, "gitlab: { url: 'https://x.org', credential: /etc//c }\n" LIFETIMES);
	assert_true(is_told(folder, 1, "empty parts, not '/etc//c'"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(rules_name_what_is_wrong_at_its_place),
		TEST(rules_let_our_own_credential_and_others_rotate_themselves),
		TEST(rules_refuse_what_this_version_cannot_do),
		TEST(rules_know_which_ways_of_renewing_make_sense),
		TEST(rules_keep_policies_d_to_what_the_main_file_names),
		TEST(rules_let_the_main_file_use_all_but_our_own_credentials),
		TEST(rules_know_one_name_of_a_path),
		TEST(rules_warn_of_what_is_perhaps_a_slip),
	};

	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
