#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/diag.h"

static char printed[256 * 1024];

static const char *
print(const struct diags *diags)
{
	auto_stdio FILE *stream = fmemopen(printed, sizeof(printed), "w");

	assert_non_null(stream);
	diags_print(diags, stream);
	fflush(stream);
	return printed;
}

static void
diag_shows_the_line_and_a_caret_that_stands_right(void **state)
{
	static const struct {
		const char *what, *source;
		int line, column;
		const char *shown;
	} rows[] = {
		{ "plain", "a: b\nfro: x\n", 2, 1, "f:2:1: bad\n  fro: x\n  ^\n" },
		{ "in the middle", "a: b\n", 1, 4, "f:1:4: bad\n  a: b\n     ^\n" },
		{ "behind the end", "a: b\n", 1, 5, "f:1:5: bad\n  a: b\n      ^\n" },
		{ "far behind it", "a: b\n", 1, 99, "f:1:99: bad\n  \xe2\x80\xa6\n   ^\n" },
		{ "no final newline", "a\nbc", 2, 2, "f:2:2: bad\n  bc\n   ^\n" },
		{ "tabs", "a:\t\tb\n", 1, 5, "f:1:5: bad\n  a:\t\tb\n    \t\t^\n" },
		{ "wide characters", "\xe6\xbc\xa2\xe5\xad\x97: b\n", 1, 3,
			"f:1:3: bad\n  \xe6\xbc\xa2\xe5\xad\x97: b\n      ^\n" },
		{ "combining characters", "e\xcc\x81x\n", 1, 3,
			"f:1:3: bad\n  e\xcc\x81x\n   ^\n" },
		{ "carriage returns", "a\r\nb\r\n", 2, 1, "f:2:1: bad\n  b\n  ^\n" },
		{ "a byte order mark",
			"\xef\xbb\xbf"
			"ab\n",
			1, 2, "f:1:2: bad\n  ab\n   ^\n" },
		{ "control characters", "a\x1b[31mb\n", 1, 3,
			"f:1:3: bad\n  a?[31mb\n    ^\n" },
		{ "reading direction",
			"a\xe2\x80\xae"
			"b\n",
			1, 3, "f:1:3: bad\n  a?b\n    ^\n" },
		{ "broken UTF-8", "a\xff\xc3!b\n", 1, 5, "f:1:5: bad\n  a\?\?!b\n      ^\n" },
		{ "overlong UTF-8", "\xe0\x80\x80!\n", 1, 4,
			"f:1:4: bad\n  \?\?\?!\n     ^\n" },
		{ "an empty line", "a\n\nb\n", 2, 1, "f:2:1: bad\n  \n  ^\n" },
		{ "no such line", "a\n", 7, 1, "f:7:1: bad\n" },
		{ "no column", "a\n", 1, 0, "f:1: bad\n  a\n" },
		{ "no line", "a\n", 0, 0, "f: bad\n" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_diags struct diags *diags = diags_new();
		struct place place = { "f", rows[i].line, rows[i].column };

		diags_source(diags, "f", rows[i].source, strlen(rows[i].source));
		assert_false(diags_add(diags, place, "bad"));
		if (strcmp(print(diags), rows[i].shown))
			fail_msg("%s: %s", rows[i].what, printed);
	}
}

static void
diag_blots_secrets_in_the_line_and_in_the_message(void **state)
{
	static const struct {
		const char *source, *quoted, *shown, *hidden;
	} rows[] = {
		{ "x: glpat-aBcDeFgHiJkLmNoPqRsT", "glpat-aBcDeFgHiJkLmNoPqRsT",
			"x: glpat-****", "aBcD" },
		{ "x: gldt-aBcDeFgHiJkLmNoPqRsT # y", "nothing", "gldt-*", "aBcD" },
		{ "x: glagent-aBcDeFgHiJkLm", "glagent-aBcDeFgHiJkLm", "glagent-***", "aBcD" },
		{ "x: glpat-aBcDeFgHiJ.01.0x", "nothing", "glpat-***", "aBcD" },
		{ "password: correct horse battery", "correct horse battery", "password: ****",
			"horse" },
		{ "  - { private_token: 0123456789abcdef0, b: c }", "0123456789abcdef0",
			"*, b: c }", "0123" },
		{ "\"secret\": \"0123456789 #abcdef\" # y", "0123456789 #abcdef", "*\" # y",
			"0123" },
		{ "client-secret: '0123456789abcdef'", "0123456789abcdef", "*'", "0123" },
		{ "TOKEN:   0123,456789abcdef", "0123,456789abcdef", "****", "0123" },
		{ "  url: https://hooks.slack.example/services/T0/B0/SECRET",
			"https://hooks.slack.example/services/T0/B0/SECRET",
			"  url: https://hooks.slack.example/**", "SECRET" },
		{ "- webhok: { url: 'https://h:8443?key=SECRET' }", "https://h:8443?key=SECRET",
			"https://h:8443?*", "SECRET" },
		{ "heartbeat: hc-ping.example/SECRET # y", "hc-ping.example/SECRET",
			"heartbeat: hc-ping.example/****** #", "SECRET" },
		{ "{webhook: https://h/SECRET,ca_file: /y}", "https://h/SECRET", "https://h/*",
			"SECRET" },
		{ "url: https://me:SECRET@h/x", "https://me:SECRET@h/x", "https://*",
			"SECRET" },
		/* What is no secret has to be seen. */
		{ "token: /etc/glrotate/some-longer-path", "/etc/glrotate/some-longer-path",
			"not '/etc/glrotate/some-longer-path'", NULL },
		{ "url: https://h/a", "a, and a", "not 'a, and a'", NULL },
		{ "- ca: https://gitlab.example", "x", "ca: https://gitlab.example\n", NULL },
		{ "token: project:platform/api:registry", "project:platform/api:registry",
			"token: project:platform/api:registry", NULL },
		{ "- token: projct:platform/api:registry", "x", "projct:platform/api", NULL },
		{ "credential: /etc/glrotate/some-longer-path", "x", "/etc/glrotate/some",
			NULL },
		{ "secret: gitlab-token", "x", "secret: gitlab-token", NULL },
		{ "for: glrotate-something-longer", "x", "glrotate-something-longer", NULL },
		{ "for: personal:bot-token:something-longer", "x", ":something-longer", NULL },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_diags struct diags *diags = diags_new();

		diags_source(diags, "f", rows[i].source, strlen(rows[i].source));
		diags_add(diags, (struct place){ "f", 1, 1 }, "not '%s'", rows[i].quoted);
		print(diags);
		if (!strstr(printed, rows[i].shown) ||
			(rows[i].hidden && strstr(printed, rows[i].hidden)))
			fail_msg("%s: %s", rows[i].source, printed);
	}
}

static void
diag_blots_a_prefixed_secret_where_no_source_is_known(void **state)
{
	auto_diags struct diags *diags = diags_new();
	(void)state;

	diags_add(diags, (struct place){ 0 }, "got 'glpat-aBcDeFgHiJkL' and \x1b[1m\n");
	assert_string_equal(diags_at(diags, 0)->text, "got 'glpat-************' and ?[1m?");
}

static void
diag_blots_the_part_of_a_secret_that_a_cut_message_has(void **state)
{
	auto_diags struct diags *diags = diags_new();
	char line[1500] = "url: https://h/";
	(void)state;

	for (size_t i = strlen(line); i + 1 < sizeof(line); i++)
		line[i] = i % 10 ? 'S' : 'E';
	diags_source(diags, "f", line, strlen(line));
	diags_add(diags, (struct place){ "f", 1, 1 }, "not '%s'", line + strlen("url: "));
	assert_non_null(strstr(diags_at(diags, 0)->text, "not 'https://h/****"));
	assert_null(strchr(diags_at(diags, 0)->text, 'S'));
}

static void
diag_orders_by_file_line_and_column(void **state)
{
	auto_diags struct diags *diags = diags_new();
	(void)state;

	diags_add(diags, (struct place){ "b", 1, 1 }, "5");
	diags_warn(diags, (struct place){ "a", 9, 1 }, "3");
	diags_add(diags, (struct place){ "a", 10, 1 }, "4");
	diags_add(diags, (struct place){ "a", 9, 0 }, "1");
	diags_add(diags, (struct place){ "a", 9, 0 }, "2");
	diags_add(diags, (struct place){ 0 }, "0");
	for (size_t i = 0; i < 6; i++)
		assert_int_equal(diags_at(diags, i)->text[0], '0' + (int)i);
	assert_null(diags_at(diags, 6));
	assert_int_equal(diags_count(diags), 5);
	assert_int_equal(diags_warnings(diags), 1);
	assert_string_equal(
		print(diags), "0\na:9: 1\na:9: 2\na:9:1: warning: 3\na:10:1: 4\nb:1:1: 5\n");
}

static void
diag_counts_what_it_does_not_keep(void **state)
{
	auto_diags struct diags *diags = diags_new();
	(void)state;

	for (int i = 0; i < 250; i++)
		diags_add(diags, (struct place){ "f", i + 1, 1 }, "bad");
	diags_warn(diags, (struct place){ "f", 1, 1 }, "odd");
	assert_int_equal(diags_count(diags), 250);
	assert_int_equal(diags_warnings(diags), 1);
	assert_non_null(diags_at(diags, 199));
	assert_null(diags_at(diags, 200));
	assert_non_null(strstr(print(diags), "f:200:1: bad\nand 51 more\n"));
}

static void
diag_outlives_the_names_it_was_given(void **state)
{
	auto_diags struct diags *diags = diags_new();
	char name[] = "first", text[] = "a: b";
	(void)state;

	diags_source(diags, name, text, strlen(text));
	diags_add(diags, (struct place){ name, 1, 1 }, "bad");
	strcpy(name, "other");
	strcpy(text, "????");
	assert_string_equal(print(diags), "first:1:1: bad\n  a: b\n  ^\n");
}

static void
diag_tames_the_names_of_files(void **state)
{
	auto_diags struct diags *diags = diags_new();
	(void)state;

	diags_source(diags, "a\x1b[2J.yaml", "a: b", 4);
	diags_add(diags, (struct place){ "a\x1b[2J.yaml", 1, 1 }, "bad");
	assert_string_equal(print(diags), "a?[2J.yaml:1:1: bad\n  a: b\n  ^\n");
}

static void
diag_cuts_long_lines_around_the_caret(void **state)
{
	auto_diags struct diags *diags = diags_new();
	char text[5000];
	const char *caret, *line;
	(void)state;

	memset(text, 'x', sizeof(text));
	text[2000] = '\n';
	text[1500] = 'Y';
	diags_source(diags, "f", text, sizeof(text));
	diags_add(diags, (struct place){ "f", 1, 1501 }, "bad");
	line = strchr(print(diags), '\n') + 1;
	caret = strchr(line, '\n') + 1;
	assert_true(caret - line < 200);
	/* The sign for what is cut takes three bytes and one column. */
	assert_int_equal(strchr(line, 'Y') - line, strchr(caret, '^') - caret + 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(diag_shows_the_line_and_a_caret_that_stands_right),
		cmocka_unit_test(diag_blots_secrets_in_the_line_and_in_the_message),
		cmocka_unit_test(diag_blots_a_prefixed_secret_where_no_source_is_known),
		cmocka_unit_test(diag_blots_the_part_of_a_secret_that_a_cut_message_has),
		cmocka_unit_test(diag_orders_by_file_line_and_column),
		cmocka_unit_test(diag_counts_what_it_does_not_keep),
		cmocka_unit_test(diag_outlives_the_names_it_was_given),
		cmocka_unit_test(diag_tames_the_names_of_files),
		cmocka_unit_test(diag_cuts_long_lines_around_the_caret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
