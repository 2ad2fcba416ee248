#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/when.h"
#include "verb/options.h"

#define MOST 8

/* getopt_long permutes what it is given. */
static bool
parse(const char *const words[MOST], struct command_line *line, struct err *err)
{
	static char *argv[MOST + 2];
	int argc = 1;

	argv[0] = (char *)"glrotate";
	for (size_t i = 0; i < MOST && words[i]; i++)
		argv[argc++] = (char *)words[i];
	argv[argc] = NULL;
	return options_parse(argc, argv, line, err);
}

static void
options_stand_before_and_after_the_verb(void **state)
{
	static const char *const orders[][MOST] = {
		{ "--policy", "p.yaml", "plan", "--at", "2026-12-01", "-J", "a", "b" },
		{ "plan", "a", "--at=2026-12-01T00:00:00Z", "-J", "b", "--policy=p.yaml" },
		{ "-J", "plan", "a", "b", "--pol", "p.yaml", "--at", "2026-12-01" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(orders); i++) {
		struct command_line line;
		struct err err;

		assert_true(parse(orders[i], &line, &err));
		assert_string_equal(line.verb, "plan");
		assert_string_equal(line.options.policy, "p.yaml");
		assert_true(line.options.json);
		assert_false(line.options.raw);
		assert_int_equal(line.options.at, INT64_C(1796083200));
		assert_int_equal(line.options.limit, -1);
		assert_int_equal(line.options.argument_count, 2);
		assert_string_equal(line.options.arguments[0], "a");
		assert_string_equal(line.options.arguments[1], "b");
		assert_true(options_allow(&line, "plan", OPTION_TABLE | OPTION_AT, &err));
	}
}

static void
what_cannot_be_read_is_refused_in_words(void **state)
{
	static const struct {
		const char *const words[MOST];
		const char *text;
	} rows[] = {
		{ { "run", "--limmit", "3" },
			"there is no option --limmit; the nearest is --limit" },
		{ { "run", "--polcy=x" },
			"there is no option --polcy; the nearest is --policy" },
		{ { "run", "--xyzzyxyzzy" }, "there is no option --xyzzyxyzzy" },
		{ { "run", "-x" }, "there is no option -x" },
		{ { "run", "--limit" }, "--limit wants a value: N" },
		{ { "run", "--limit", "many" },
			"--limit wants a number from 0 to 1000000, not 'many'" },
		{ { "run", "--limit=-1" },
			"--limit wants a number from 0 to 1000000, not '-1'" },
		{ { "plan", "--at", "tomorrow" },
			"--at wants a date as 2026-12-01, not 'tomorrow'" },
		{ { "plan", "--json=yes" }, "--json takes no value" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct command_line line;
		struct err err;

		assert_false(parse(rows[i].words, &line, &err));
		assert_int_equal(err.kind, ERR_USAGE);
		assert_string_equal(err.text, rows[i].text);
	}
}

static void
an_option_of_another_verb_is_refused(void **state)
{
	static const char *const words[MOST] = { "status", "--quiet", "--dry-run" };
	struct command_line line;
	struct err err;
	(void)state;

	assert_true(parse(words, &line, &err));
	assert_false(options_allow(&line, "status", OPTION_TABLE | OPTION_ALL, &err));
	assert_int_equal(err.kind, ERR_USAGE);
	assert_string_equal(
		err.text, "glrotate status knows no --dry-run; see glrotate status --help");
	assert_true(options_allow(&line, "run", OPTION_DRY_RUN, &err));
}

static void
the_table_s_options_say_how_it_looks(void **state)
{
	static const char *const words[MOST] = { "plan", "-rn", "-o", "TOKEN,DUE" };
	struct command_line line;
	struct table_options table;
	struct err err;
	(void)state;

	assert_true(parse(words, &line, &err));
	table = options_table(&line.options, "tokens");
	assert_int_equal(table.style, TABLE_RAW);
	assert_true(table.no_headings);
	assert_string_equal(table.columns, "TOKEN,DUE");
	assert_string_equal(table.name, "tokens");
	assert_true(options_bare(&line.options));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_stand_before_and_after_the_verb),
		cmocka_unit_test(what_cannot_be_read_is_refused_in_words),
		cmocka_unit_test(an_option_of_another_verb_is_refused),
		cmocka_unit_test(the_table_s_options_say_how_it_looks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
