#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/json.h"
#include "destination/format.h"

#define NEW "glpat-new_1"

struct row {
	struct format_entry entry;
	const char *present; /* NULL: no file */
	const char *merged;  /* with NEW; NULL: refused */
	const char *why;
	const char *login;
};

static const char *const dotted[] = { "registry.token" };
static const char *const escaped[] = { "a\\.b.c" };
static const char *const listed[] = { "a.b", "c" };
static const char *const name[] = { "TOKEN" };
static const char *const top[] = { "token" };
#define KEY(names)                                                                             \
	{                                                                                      \
		(const char **)(uintptr_t)(names), ARRAY_SIZE(names)                           \
	}
#define ENV                                                                                    \
	{                                                                                      \
		.format = FORMAT_ENV, .key = KEY(name)                                         \
	}
#define JSON(names)                                                                            \
	{                                                                                      \
		.format = FORMAT_JSON, .key = KEY(names)                                       \
	}
#define NETRC                                                                                  \
	{                                                                                      \
		.format = FORMAT_NETRC, .host = "git.example"                                  \
	}
#define NETRC_OF(user)                                                                         \
	{                                                                                      \
		.format = FORMAT_NETRC, .host = "git.example", .username = user                \
	}
#define DOCKER                                                                                 \
	{                                                                                      \
		.format = FORMAT_DOCKER, .host = "reg.example:5000"                            \
	}
#define NPM                                                                                    \
	{                                                                                      \
		.format = FORMAT_NPMRC, .host = "git.example/npm"                              \
	}
#define PIP                                                                                    \
	{                                                                                      \
		.format = FORMAT_PIP, .host = "git.example/simple"                             \
	}
#define PAIR "b2F1dGgyOmdscGF0LW5ld18x" /* oauth2:NEW */
#define BOB "Ym9iOmdscGF0LW5ld18x"      /* bob:NEW */

static struct secret *
secret_of(const char *text)
{
	return text ? secret_copy(text, strlen(text)) : NULL;
}

static bool
merge(const struct row *row, const char *present, struct secret **merged, struct err *err)
{
	auto_secret struct secret *before = secret_of(present), *value = secret_of(NEW);

	return format_merge(&row->entry, row->login, before, value, merged, err);
}

static void
check_merged(const struct row *row, size_t i, const struct secret *merged)
{
	auto_secret struct secret *again = NULL, *value = NULL, *expected = secret_of(NEW);
	struct err err;

	if (strcmp(secret_reveal(merged), row->merged) != 0)
		fail_msg("row %zu: %s", i, secret_reveal(merged));
	assert_true(format_read(&row->entry, merged, &value, &err));
	assert_true(secret_equal(value, expected));
	assert_true(merge(row, row->merged, &again, &err));
	assert_true(secret_equal(again, merged));
}

static void
check_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		auto_secret struct secret *merged = NULL;
		struct err err = { 0 };

		if (merge(&rows[i], rows[i].present, &merged, &err) != !!rows[i].merged)
			fail_msg("row %zu: %s", i, merged ? secret_reveal(merged) : err.text);
		if (merged) {
			check_merged(&rows[i], i, merged);
			continue;
		}
		assert_int_equal(err.kind, ERR_REFUSED);
		if (!strstr(err.text, rows[i].why))
			fail_msg("row %zu: %s", i, err.text);
	}
}

/* clang-format off */
static const struct row env_rows[] = {
	{ ENV, NULL, "TOKEN=" NEW "\n" },
	{ ENV, "", "TOKEN=" NEW "\n" },
	{ ENV, "# a\n\nA='x y'\nTOKEN=old\nB=2 \n", "# a\n\nA='x y'\nTOKEN=" NEW "\nB=2 \n" },
	{ ENV, "A=1", "A=1\nTOKEN=" NEW },
	{ ENV, "A=1\r\nTOKEN=\"o\\\"ld\"\r\n", "A=1\r\nTOKEN=" NEW "\r\n" },
	{ ENV, "A=1\r\n", "A=1\r\nTOKEN=" NEW "\r\n" },
	{ ENV, "A=\"\nTOKEN=x\n\"\n", "A=\"\nTOKEN=x\n\"\nTOKEN=" NEW "\n" },
	{ ENV, "A=x\\\nTOKEN=y\n", "A=x\\\nTOKEN=y\nTOKEN=" NEW "\n" },
	{ ENV, "  TOKEN='o'l\"d\"  \nTOKEN2=x\n", "  TOKEN=" NEW "  \nTOKEN2=x\n" },
	{ ENV, "#TOKEN=1\nTOKEN=", "#TOKEN=1\nTOKEN=" NEW },
	{ ENV, "TOKEN=\"" NEW "\"\n", "TOKEN=\"" NEW "\"\n" },
	{ ENV, "TOKEN=1\nA=2\nTOKEN=3\n", NULL, "line 3, column 1: 'TOKEN' stands in line 1 already" },
	{ ENV, "A=1\nB='x\n", NULL, "line 2, column 3: a quote without its end" },
	{ ENV, "TOKEN=a b\n", NULL, "line 1, column 7: systemd and sh" },
	{ ENV, "TOKEN= a\n", NULL, "differently" },
	{ ENV, "TOKEN =a\n", NULL, "differently" },
	{ ENV, "export TOKEN=a\n", NULL, "line 1, column 1: systemd does not read a line with 'export'" },
	{ ENV, "# a \\\nTOKEN=x\n", NULL, "line 2, column 1: systemd takes" },
	{ ENV, "A=1\\", NULL, "could not be read back" },
	{ ENV, "\xef\xbb\xbf" "A=1\n", NULL, "line 1, column 1: a byte order mark" },
};

static const struct row json_rows[] = {
	{ JSON(top), NULL, "{\"token\": \"" NEW "\"}\n" },
	{ JSON(dotted), "", "{\"registry\": {\"token\": \"" NEW "\"}}\n" },
	{ JSON(dotted), "{ }", "{\"registry\": {\"token\": \"" NEW "\"} }" },
	{ JSON(dotted), "{\n\t\"a\" : 1.50,\n\t\"registry\" : {\"token\":\"old\" , \"x\":[1,\"token\"]}\n}",
	  "{\n\t\"a\" : 1.50,\n\t\"registry\" : {\"token\":\"" NEW "\" , \"x\":[1,\"token\"]}\n}" },
	{ JSON(dotted), "{\n  \"a\": \"\\u00e9\",\n  \"b\": {}\n}\n",
	  "{\n  \"a\": \"\\u00e9\",\n  \"b\": {},\n  \"registry\": {\"token\": \"" NEW "\"}\n}\n" },
	{ JSON(dotted), "{\"registry\":{\"x\":true}}", "{\"registry\":{\"x\":true,\"token\":\"" NEW "\"}}" },
	{ JSON(top), "{\r\n\"token\": null}\r\n", "{\r\n\"token\": \"" NEW "\"}\r\n" },
	{ JSON(top), "{\"to\\u006ben\": \"a\\\"b\"}", "{\"to\\u006ben\": \"" NEW "\"}" },
	{ JSON(listed), "{\"a.b\": {\"c\": \"x\"}}", "{\"a.b\": {\"c\": \"" NEW "\"}}" },
	{ JSON(escaped), "{\"a.b\": {\"c\": \"x\"}}", "{\"a.b\": {\"c\": \"" NEW "\"}}" },
	{ JSON(top), "{\"a\": 1,\n \"token\": \"x\", \"token\": \"y\"}", NULL, "line 2, column 16: 'token' stands in line 2" },
	{ JSON(dotted), "{\"registry\": \"x\"}", NULL, "line 1, column 14: 'registry' is no object" },
	{ JSON(top), "{\"token\": {\"a\": 1}}", NULL, "line 1, column 11: the secret's place holds no text" },
	{ JSON(top), "{\"a\": 1,\n}", NULL, "line 2, column 1: no JSON" },
	{ JSON(top), "{\"a\": 01}", NULL, "not JSON, line 1" },
	{ JSON(top), "{\"a\": 1} x", NULL, "line 1, column 10: no JSON" },
	{ JSON(top), "[1]", NULL, "expected '{'" },
	{ JSON(top), "{\"a\": \"\xff\"}", NULL, "not JSON, line 1" },
	{ JSON(top), "\xef\xbb\xbf{}", NULL, "byte order mark" },
	{ JSON(top), "{\"a\":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}", NULL, "deep" },
};

static const struct row docker_rows[] = {
	{ DOCKER, NULL, "{\"auths\": {\"reg.example:5000\": {\"auth\": \"" PAIR "\"}}}\n" },
	{ DOCKER, "{\n\t\"auths\": {\n\t\t\"other\": {\n\t\t\t\"auth\": \"eDp5\"\n\t\t}\n\t},\n\t\"psFormat\": \"x\"\n}",
	  "{\n\t\"auths\": {\n\t\t\"other\": {\n\t\t\t\"auth\": \"eDp5\"\n\t\t},\n\t\t\"reg.example:5000\": {\"auth\": \"" PAIR "\"}"
	  "\n\t},\n\t\"psFormat\": \"x\"\n}" },
	{ DOCKER, "{\"auths\":{\"reg.example:5000\":{\"auth\":\"Ym9iOm9sZA==\"}},\"credHelpers\":{\"gcr.io\":\"gcloud\"}}",
	  "{\"auths\":{\"reg.example:5000\":{\"auth\":\"" BOB "\"}},\"credHelpers\":{\"gcr.io\":\"gcloud\"}}" },
	{ { .format = FORMAT_DOCKER, .host = "r", .username = "bob" }, "{\"auths\":{\"r\":{}}}",
	  "{\"auths\":{\"r\":{\"auth\": \"" BOB "\"}}}" },
	{ DOCKER, "{\"auths\":{\"reg.example:5000\":{\"auth\":\"" PAIR "\"}}}",
	  "{\"auths\":{\"reg.example:5000\":{\"auth\":\"" BOB "\"}}}", .login = "bob" },
	{ DOCKER, "{\"credsStore\": \"pass\"}", NULL, "line 1, column 2: docker asks a credential helper" },
	{ DOCKER, "{\"credHelpers\": {\"reg.example:5000\": \"x\"}}", NULL, "credential helper" },
	{ DOCKER, "{\"auths\":{\"reg.example:5000\":{\"identitytoken\":\"x\"}}}", NULL, "the 'identitytoken'" },
	{ DOCKER, "{\"auths\": 1}", NULL, "'auths' is no object" },
};

static const struct row netrc_rows[] = {
	{ NETRC, NULL, "machine git.example login oauth2 password " NEW "\n" },
	{ NETRC_OF("bob"), "# mine\nmachine a login b password c", "# mine\nmachine a login b password c\n"
	  "machine git.example login bob password " NEW },
	{ NETRC, "machine a\n\tlogin b\n\tpassword machine\n\nmachine git.example\n\tlogin bob\n\tpassword \"o \\\"ld\" # x\nmachine z login y password x\n",
	  "machine a\n\tlogin b\n\tpassword machine\n\nmachine git.example\n\tlogin bob\n\tpassword " NEW " # x\nmachine z login y password x\n" },
	{ NETRC, "machine git.example password old login bob\r\n", "machine git.example password " NEW " login bob\r\n" },
	{ NETRC, "machine git.example password old login bob", "machine git.example password " NEW " login d-1", .login = "d-1" },
	{ NETRC, "machine git.example", "machine git.example login oauth2 password " NEW },
	{ NETRC, "machine git.example login bob account x\n", "machine git.example login bob password " NEW " account x\n" },
	{ NETRC, "default login a password b\n", "machine git.example login oauth2 password " NEW "\ndefault login a password b\n" },
	{ NETRC, "machine a login b password c\nmacdef init\nmachine git.example password x\n\n",
	  "machine a login b password c\nmacdef init\nmachine git.example password x\n\nmachine git.example login oauth2 password " NEW "\n" },
	{ NETRC, "machine a\nmacdef init\ncd /\n", "machine a\nmacdef init\ncd /\n\nmachine git.example login oauth2 password " NEW "\n" },
	{ NETRC_OF("bob"), "machine git.example login amy password x\nmachine git.example login bob password y\n",
	  "machine git.example login amy password x\nmachine git.example login bob password " NEW "\n" },
	{ NETRC, "machine git.example login a password x\nmachine git.example login b password y\n", NULL,
	  "line 2, column 9: 'git.example' stands in line 1 already" },
	{ NETRC, "machine a\n  log bob\n", NULL, "line 2, column 3: expected machine" },
	{ NETRC, "machine a login \"b\n", NULL, "line 1, column 17: a quote without its end" },
	{ NETRC, "machine a password", NULL, "line 1, column 11: this word needs another" },
};

static const struct row npm_rows[] = {
	{ NPM, NULL, "//git.example/npm/:_authToken=" NEW "\n" },
	{ NPM, "; x\n@a:registry=https://git.example/npm/\n//git.example/npm/:_authToken = \"old\" \n//b/:_authToken=z",
	  "; x\n@a:registry=https://git.example/npm/\n//git.example/npm/:_authToken = \"" NEW "\" \n//b/:_authToken=z" },
	{ NPM, "//git.example/npm/:_authToken=${NPM} ; why\r\n", "//git.example/npm/:_authToken=" NEW " ; why\r\n" },
	{ NPM, "a=1\n[x]\n//git.example/npm/:_authToken=no\n",
	  "a=1\n//git.example/npm/:_authToken=" NEW "\n[x]\n//git.example/npm/:_authToken=no\n" },
	{ NPM, "//git.example/npm/:_authToken=a\n//git.example/npm/:_authToken=b\n", NULL, "line 2, column 1" },
	{ NPM, "//git.example/npm/:_authToken\n", NULL, "without a value" },
};

static const struct row pip_rows[] = {
	{ PIP, NULL, "[global]\nindex-url = https://oauth2:" NEW "@git.example/simple\n" },
	{ PIP, "[global]\nindex-url = https://pypi.org/simple\nextra-index-url =\n    https://git.example/simple/\n",
	  "[global]\nindex-url = https://pypi.org/simple\nextra-index-url =\n    https://oauth2:" NEW "@git.example/simple/\n" },
	{ PIP, "index-url=HTTPS://bob:old@git.example/simple", "index-url=HTTPS://bob:" NEW "@git.example/simple" },
	{ PIP, "index-url=http://bob:old@git.example/simple", NULL, "line 1, column 15: the credential of 'git.example/simple'" },
	{ PIP, "a = https://pypi.org http://git.example/simple", NULL, "in the clear: expected https://" },
	{ PIP, "a=nohttps://git.example/simple", NULL, "in the clear" },
	{ { .format = FORMAT_PIP, .host = "localhost:8/simple" }, "a=http://localhost:8/simple", "a=http://oauth2:" NEW "@localhost:8/simple" },
	{ { .format = FORMAT_PIP, .host = "localhost.example" }, "a=http://localhost.example", NULL, "in the clear" },
	{ PIP, "index-url=https://__token__@git.example/simple", "index-url=https://oauth2:" NEW "@git.example/simple" },
	{ PIP, "# https://git.example/simple\n", NULL, "no address https://git.example/simple" },
	{ PIP, "a=https://git.example/simple\nb=https://x:y@git.example/simple\n", NULL, "line 2, column 11" },
};
/* clang-format on */

#define CHECKS(test, rows)                                                                     \
	static void test(void **state)                                                         \
	{                                                                                      \
		(void)state;                                                                   \
		check_rows(rows, ARRAY_SIZE(rows));                                            \
	}
CHECKS(an_environment_file_keeps_all_but_our_line, env_rows)
CHECKS(a_json_file_keeps_all_but_our_member, json_rows)
CHECKS(dockers_file_keeps_other_registries_and_unknown_keys, docker_rows)
CHECKS(netrc_keeps_other_machines_macros_and_comments, netrc_rows)
CHECKS(npmrc_keeps_the_other_lines, npm_rows)
CHECKS(pip_conf_keeps_its_addresses, pip_rows)

static void
a_secret_that_a_format_cannot_carry_is_refused(void **state)
{
	static const struct format_entry entries[] = { ENV, JSON(top), NETRC, DOCKER, NPM,
		PIP };
	static const char *const letters[] = { "a\nb", "a b", "a\"b", "a$'b", "a:b" };
	static const char carried[ARRAY_SIZE(entries)][ARRAY_SIZE(letters) + 1] = { "--+++",
		"--+++", "-----", "--+++", "-----", "-----" };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(entries); i++)
		for (size_t j = 0; j < ARRAY_SIZE(letters); j++) {
			auto_secret struct secret *value = secret_of(letters[j]);
			auto_secret struct secret *merged = NULL, *back = NULL;
			struct err err;
			const bool ok =
				format_merge(&entries[i], NULL, NULL, value, &merged, &err);

			if (ok != (carried[i][j] == '+'))
				fail_msg("format %zu, secret %zu", i, j);
			if (!ok)
				continue;
			assert_true(format_read(&entries[i], merged, &back, &err));
			assert_true(secret_equal(back, value));
		}
}

static void
a_policy_states_what_its_format_takes(void **state)
{
	/* clang-format off */
	static const char *const names[] = { "A-B" }, *const two[] = { "A", "B" };
	static const struct {
		struct format_entry entry;
		const char *why;
	} rows[] = {
		{ { .format = FORMAT_RAW }, NULL },
		{ ENV, NULL }, { JSON(dotted), NULL }, { NETRC_OF("bob"), NULL }, { DOCKER, NULL }, { NPM, NULL }, { PIP, NULL },
		{ { .key = KEY(name) }, "format 'raw' takes no 'key'" },
		{ { .format = FORMAT_ENV }, "format 'env' needs 'key'" },
		{ { .format = FORMAT_ENV, .key = KEY(names) }, "cannot be a key" },
		{ { .format = FORMAT_ENV, .key = KEY(two) }, "is one name" },
		{ { .format = FORMAT_NETRC }, "format 'netrc' needs 'host'" },
		{ { .format = FORMAT_NETRC, .host = "a", .key = KEY(name) }, "takes no 'key'" },
		{ { .format = FORMAT_NETRC, .host = "https://a" }, "expected a host" },
		{ { .format = FORMAT_NETRC, .host = "a/b" }, "expected a host" },
		{ { .format = FORMAT_NETRC, .host = "a b" }, "cannot be a host" },
		{ { .format = FORMAT_NPMRC, .host = "a/b/" }, "expected HOST/PATH" },
		{ { .format = FORMAT_NPMRC, .host = "a", .username = "x" }, "takes no 'username'" },
		{ { .format = FORMAT_DOCKER, .host = "a", .username = "x:y" }, "cannot be a user name" },
	};
	/* clang-format on */
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct err err = { 0 };

		assert_int_equal(format_check(&rows[i].entry, &err), !rows[i].why);
		if (rows[i].why && !strstr(err.text, rows[i].why))
			fail_msg("row %zu: %s", i, err.text);
	}
}

static void
one_entry_has_one_name(void **state)
{
	static const struct {
		struct format_entry entry;
		const char *text;
	} rows[] = {
		{ { 0 }, "" },
		{ JSON(dotted), "registry.token" },
		{ JSON(escaped), "a\\.b.c" },
		{ JSON(listed), "a\\.b.c" },
		{ NETRC, "git.example" },
		{ NETRC_OF("bob"), "git.example bob" },
		{ NPM, "git.example/npm" },
	};
	auto_arena struct arena *arena = arena_new();
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_string_equal(format_entry_text(&rows[i].entry, arena), rows[i].text);
}

static void
a_refusal_never_tells_what_stands_there(void **state)
{
	static const struct row rows[] = {
		{ JSON(top), "{\"a\": \"hunter2\" \"b\"}" },
		{ JSON(top), "{\"a\": hunter2}" },
		{ ENV, "A='hunter2\n" },
		{ NETRC, "machine a password b hunter2" },
		{ PIP, "index-url = https://x:hunter2@y/\n" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_secret struct secret *merged = NULL;
		struct err err = { 0 };

		assert_false(merge(&rows[i], rows[i].present, &merged, &err));
		assert_null(strstr(err.text, "hunter2"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_environment_file_keeps_all_but_our_line),
		cmocka_unit_test(a_json_file_keeps_all_but_our_member),
		cmocka_unit_test(dockers_file_keeps_other_registries_and_unknown_keys),
		cmocka_unit_test(netrc_keeps_other_machines_macros_and_comments),
		cmocka_unit_test(npmrc_keeps_the_other_lines),
		cmocka_unit_test(pip_conf_keeps_its_addresses),
		cmocka_unit_test(a_secret_that_a_format_cannot_carry_is_refused),
		cmocka_unit_test(a_policy_states_what_its_format_takes),
		cmocka_unit_test(one_entry_has_one_name),
		cmocka_unit_test(a_refusal_never_tells_what_stands_there),
	};
	struct err err;

	if (!secret_start(&err))
		return 1;
	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
