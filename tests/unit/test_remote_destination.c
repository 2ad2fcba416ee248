#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/when.h"
#include "base/yaml.h"
#include "destination/kubernetes.h"
#include "destination/vault.h"

#define AT "url: https://v"
#define AS ", auth: { token: t }"
#define ON "server: https://k, token: t, namespace: ci"

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

/* --- what a policy's words become --- */

struct expanding {
	const char *words; /* behind `to:` */
	const char *text;  /* of the destination; NULL: refused */
	const char *why;
	const char *token;
};

struct deliver {
	struct place at;
	struct choice to;
};

static void
decode(struct arena *arena, const char *words, struct choice *choice)
{
	static const struct field fields[] = {
		{ "to", FIELD_ARMS, offsetof(struct deliver, to), .arms = destination_arms },
		{ NULL },
	};
	static const struct shape shape = {
		.name = "a test", .fields = fields, .bytes = sizeof(struct deliver)
	};
	const char *text = arena_format(arena, "to: { %s }", words);
	auto_diags struct diags *diags = diags_new();
	struct deliver deliver;

	if (!yaml_decode("test", text, strlen(text), &shape, arena, &deliver, diags))
		fail_msg("%s: %s", words, diags_at(diags, 0)->text);
	*choice = deliver.to;
}

/* clang-format off */
static const struct expanding rows[] = {
	{ "vault: { " AT "/, path: secret/ci/reg, key: k" AS " }", "vault https://v secret/ci/reg k" },
	{ "vault: { " AT ", path: \"/secret/{owner}/\", key: \"{name:key}\"" AS " }", "vault https://v secret/a/b CI_X" },
	{ "vault: { " AT ", mount: kv/two, path: data/reg, key: k, namespace: n/m" AS " }", "vault https://v n/m/kv/two/data/reg k" },
	{ "vault: { " AT ", path: secret, key: k" AS " }", .why = "a mount alone" },
	{ "vault: { " AT ", path: secret/data/ci, key: k" AS " }", .why = "without data/" },
	{ "vault: { " AT ", path: secret/../sys, key: k" AS " }", .why = "no path in Vault" },
	{ "vault: { " AT ", path: secret//ci, key: k" AS " }", .why = "no path in Vault" },
	{ "vault: { " AT ", path: secret/ci, key: \"\"" AS " }", .why = "is no key" },
	{ "vault: { " AT ", path: secret/ci, key: k_glrotate" AS " }", .why = "the key of a stamp" },
	{ "vault: { " AT ", path: \"secret/{nam}\", key: k" AS " }", .why = "did you mean {name}?" },
	{ "kubernetes: { " ON ", secret: reg, key: tls.key }", "kubernetes https://k ci/reg tls.key" },
	{ "kubernetes: { server: https://k/, token: t, namespace: ci, secret: reg, key: k }", "kubernetes https://k ci/reg k" },
	{ "kubernetes: { kubeconfig: /c, namespace: ci, secret: reg, key: k }", "kubernetes /c ci/reg k" },
	{ "kubernetes: { kubeconfig: /c, context: x, namespace: ci, secret: reg, key: k }", "kubernetes /c#x ci/reg k" },
	{ "kubernetes: { in_cluster: yes, namespace: ci, secret: reg, key: k }", "kubernetes in-cluster ci/reg k" },
	{ "kubernetes: { " ON ", secret: reg, registry: r.io, username: u }", "kubernetes https://k ci/reg .dockerconfigjson" },
	{ "kubernetes: { " ON ", secret: reg, registry: r.io }", "kubernetes https://k ci/reg .dockerconfigjson",
	  .token = "project_deploy:a/b:ci" },
	{ "kubernetes: { " ON ", secret: reg, registry: r.io }", .why = "add 'username:'" },
	{ "kubernetes: { " ON ", secret: reg, registry: r.io, username: u, key: k }", .why = "the key .dockerconfigjson" },
	{ "kubernetes: { " ON ", secret: reg, type: " DOCKER_TYPE ", key: k }", .why = "needs 'registry'" },
	{ "kubernetes: { " ON ", secret: reg }", .why = "without 'key'" },
	{ "kubernetes: { " ON ", secret: reg, key: k, username: u }", .why = "goes with 'registry'" },
	{ "kubernetes: { namespace: ci, secret: reg, key: k }", .why = "one of 'server'" },
	{ "kubernetes: { " ON ", in_cluster: yes, secret: reg, key: k }", .why = "one of 'server'" },
	{ "kubernetes: { server: https://k, namespace: ci, secret: reg, key: k }", .why = "'token' go together" },
	{ "kubernetes: { in_cluster: yes, token: t, namespace: ci, secret: reg, key: k }", .why = "'token' go together" },
	{ "kubernetes: { in_cluster: yes, ca_file: /c, namespace: ci, secret: reg, key: k }", .why = "'ca_file' goes with" },
	{ "kubernetes: { in_cluster: yes, context: c, namespace: ci, secret: reg, key: k }", .why = "'context' goes with" },
	{ "kubernetes: { " ON ", secret: Reg, key: k }", .why = "no Secret's name" },
	{ "kubernetes: { " ON ", secret: a-.b, key: k }", .why = "no Secret's name" },
	{ "kubernetes: { " ON ", secret: reg, key: a/b }", .why = "no key" },
	{ "kubernetes: { " ON ", secret: reg, key: k. }", .why = "no key" },
	{ "kubernetes: { in_cluster: yes, namespace: a.b, secret: reg, key: k }", .why = "no namespace" },
	{ "kubernetes: { in_cluster: yes, namespace: \"{owner}\", secret: reg, key: k }", .why = "no namespace" },
};
/* clang-format on */

static void
a_place_on_another_server_is_expanded_or_refused_with_its_reason(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct address address;
		struct choice choice;
		struct list list = { 0 };
		struct err err = { 0 };
		bool ok;

		assert_true(address_parse(*state,
			rows[i].token ? rows[i].token : "project:a/b:ci-x", false, &address,
			&err));
		decode(*state, rows[i].words, &choice);
		ok = destination_expand(&choice, &address, false, false, *state, &list, &err);
		if (ok != (rows[i].text != NULL))
			fail_msg("%s: %s", rows[i].words, err.text);
		if (ok)
			assert_string_equal(
				((struct destination *)list.items)->text, rows[i].text);
		else if (err.kind != ERR_POLICY || !strstr(err.text, rows[i].why))
			fail_msg("%s: %s", rows[i].words, err.text);
	}
}

/* What a row freezes must lead to the same place when it is read again. */
static void
a_place_on_another_server_survives_the_journal(void **state)
{
	static const char *const rows[] = {
		"vault: { " AT ", namespace: n, path: secret/ci, key: k, ca_file: /c, "
		"auth: { approle: { role_id: r, secret_id: s, mount: m } } }",
		"kubernetes: { " ON ", ca_file: /c, secret: reg, registry: r.io, username: u }",
		"kubernetes: { kubeconfig: /c, context: x, namespace: ci, secret: reg, key: k, "
		"type: Opaque }",
	};
	struct address address;
	struct err err;

	assert_true(address_parse(*state, "project:a/b:ci-x", false, &address, &err));
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct destination again;
		struct choice choice;
		struct list list = { 0 };
		const char *text;

		decode(*state, rows[i], &choice);
		assert_true(destination_expand(
			&choice, &address, false, false, *state, &list, &err));
		text = json_encode_text(&destination_shape, list.items, *state);
		assert_true(json_decode_text(text, &destination_shape, *state, &again, &err));
		assert_string_equal(json_encode_text(&destination_shape, &again, *state), text);
	}
}

/* --- the pod that we may run in --- */

/* As the kubelet does it: a link to a folder's file, for anybody to read. */
static void
a_service_accounts_token_is_read_through_its_link(void **state)
{
	char folder[] = "/tmp/glrotate-account-XXXXXX";
	auto_secret struct secret *token = NULL;
	const char *link, *file;
	struct err err;
	FILE *stream;

	assert_non_null(mkdtemp(folder));
	link = arena_format(*state, "%s/token", folder);
	file = arena_format(*state, "%s/data", folder);
	assert_false(kubernetes_account_token(folder, &token, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	stream = fopen(file, "we");
	assert_non_null(stream);
	fputs("eyJhbGciOi\n", stream);
	fclose(stream);
	assert_int_equal(chmod(file, 0644), 0);
	assert_int_equal(symlink("data", link), 0);
	assert_true(kubernetes_account_token(folder, &token, &err));
	assert_string_equal(secret_reveal(token), "eyJhbGciOi");
	unlink(link);
	unlink(file);
	rmdir(folder);
}

/* --- what stands in a Secret --- */

static void
a_registrys_login_is_found_in_what_was_written(void **state)
{
	const struct kubernetes_place place = { .key = DOCKER_KEY,
		.registry = "r.example.com:5050" };
	const struct delivered delivered = { .username = "deploy-1" };
	auto_secret struct secret *secret = secret_copy("gldt-x", 6);
	auto_secret struct secret *value = NULL, *found = NULL, *none = NULL;
	auto_secret struct secret *other = secret_copy("e30=", 4);
	const struct delivered nobody = { 0 };
	struct err err;

	(void)state;
	assert_true(kubernetes_value(&place, &delivered, other, secret, &value, &err));
	found = kubernetes_secret_in(&place, value);
	assert_true(secret_equal(found, secret));
	none = kubernetes_secret_in(&place, other);
	assert_null(none);
	assert_false(kubernetes_value(&place, &nobody, NULL, secret, &none, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}

static struct secret *
coded(const char *text)
{
	auto_secret struct secret *plain = secret_copy(text, strlen(text));

	return secret_base64(plain);
}

static void
a_registrys_login_leaves_all_else_and_what_it_cannot_read(void **state)
{
	static const char *const unreadable[] = { "{", "[]", "{\"auths\": 1}", "no JSON",
		"{\"auths\": {}, \"credsStore\": \"x\"}" };
	const struct kubernetes_place place = { .key = DOCKER_KEY, .registry = "r.example" };
	const struct delivered delivered = { .username = "u" };
	auto_secret struct secret *secret = secret_copy("new", 3);
	auto_secret struct secret *value = NULL, *plain = NULL, *wrong = secret_copy("%", 1);
	auto_secret struct secret *present = coded(
		"{\"HttpHeaders\": {\"a\": \"b\"}, \"auths\": {\"r.example\": {\"password\": \"old\", "
		"\"email\": \"e\"}}}");
	struct err err = { 0 };

	(void)state;
	assert_true(kubernetes_value(&place, &delivered, present, secret, &value, &err));
	plain = secret_unbase64(value);
	assert_non_null(strstr(secret_reveal(plain), "{\"HttpHeaders\": {\"a\": \"b\"}"));
	assert_non_null(strstr(secret_reveal(plain), "\"email\": \"e\""));
	assert_non_null(strstr(secret_reveal(plain), "\"password\": \"new\""));
	assert_non_null(strstr(secret_reveal(plain), "\"username\": \"u\""));
	assert_null(strstr(secret_reveal(plain), "old"));
	for (size_t i = 0; i < ARRAY_SIZE(unreadable); i++) {
		auto_secret struct secret *there = coded(unreadable[i]), *none = NULL;

		if (kubernetes_value(&place, &delivered, there, secret, &none, &err) ||
			err.kind != ERR_REFUSED)
			fail_msg("'%s' is overwritten", unreadable[i]);
	}
	assert_false(kubernetes_value(&place, &delivered, wrong, secret, &value, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
}

/* --- a session --- */

static void
a_lease_that_a_login_gives_is_one_that_time_can_be_counted_by(void **state)
{
	static const struct {
		const char *lease;
		int64_t least, most; /* 0 and -1: refused */
	} rows[] = {
		{ "0", 0, 0 },
		{ "3600", 3600, 3600 },
		{ "9223372036854775807", 365 * DAY_SEC, INT64_MAX / 1000000 },
		{ "-1", 0, -1 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct destination_tools tools = { .arena = *state };
		struct remote remote = { .tools = &tools, .what = "Vault" };
		char body[200];
		struct http_answer answer = { .status = 200 };
		int64_t lease_sec = -1;
		struct err err;
		bool ok;

		snprintf(body, sizeof(body),
			"{\"auth\":{\"client_token\":\"t\",\"lease_duration\":%s}}",
			rows[i].lease);
		answer.body = secret_copy(body, strlen(body));
		ok = vault_read_login(&remote, &answer, &lease_sec, &err);
		assert_int_equal(ok, rows[i].least <= rows[i].most);
		if (ok)
			assert_in_range(lease_sec, rows[i].least, rows[i].most);
		secret_free(answer.body);
		secret_free(remote.credential);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_place_on_another_server_is_expanded_or_refused_with_its_reason),
		cmocka_unit_test(a_place_on_another_server_survives_the_journal),
		cmocka_unit_test(a_service_accounts_token_is_read_through_its_link),
		cmocka_unit_test(a_registrys_login_is_found_in_what_was_written),
		cmocka_unit_test(a_registrys_login_leaves_all_else_and_what_it_cannot_read),
		cmocka_unit_test(a_lease_that_a_login_gives_is_one_that_time_can_be_counted_by),
	};
	struct err err;

	if (!secret_start(&err))
		return 1;
	json_start();
	return cmocka_run_group_tests(tests, make_arena, drop_arena);
}
