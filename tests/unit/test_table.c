#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/table.h"

#define NAME_40 "project:platform/a-rather-long-path:push"

/* clang-format off */
static const struct table_column columns[] = {
	{ "TOKEN", 0, .truncates = true },
	{ "DAYS",  0, .right = true, .number = true },
	{ "WHY",   0 },
	{ "ID",    0, .hidden = true },
};
/* clang-format on */

static const char *
printed(const struct table_options *options, const char *colour, FILE *stream)
{
	static char output[2048];
	auto_table struct table *table = NULL;
	FILE *memory = stream ? NULL : fmemopen(output, sizeof(output), "w");
	struct err err;

	memset(output, 0, sizeof(output));
	assert_true(table_new(columns, ARRAY_SIZE(columns), options, &table, &err));
	table_row(table, (const char *const[]){ NAME_40, "9", "masked no → yes", "4711" },
		colour);
	table_row(table, (const char *const[]){ "b", NULL, NULL, NULL }, NULL);
	assert_int_equal(table_rows(table), 2);
	assert_true(table_print(table, stream ? stream : memory, &err));
	if (memory)
		fclose(memory);
	return output;
}

static size_t
longest_line(const char *text)
{
	size_t longest = 0;

	while (*text) {
		size_t length = strcspn(text, "\n");
		longest = length > longest ? length : longest;
		text += length + (text[length] == '\n');
	}
	return longest;
}

static void
columns_are_those_that_output_names(void **state)
{
	static const struct {
		const char *output, *headings;
	} rows[] = {
		{ NULL, "TOKEN DAYS WHY\n" },
		{ "ID,TOKEN", "ID TOKEN\n" },
		{ "id", "ID\n" },
		{ "+ID", "TOKEN DAYS WHY ID\n" },
		{ "+ID,TOKEN", "TOKEN DAYS WHY ID\n" },
		{ "WHY,+ID", "WHY ID\n" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct table_options options = { .style = TABLE_RAW,
			.columns = rows[i].output };
		const char *text = printed(&options, NULL, NULL);

		if (strncmp(text, rows[i].headings, strlen(rows[i].headings)) != 0)
			fail_msg("'%s' does not begin with '%s'", text, rows[i].headings);
	}
}

static void
an_unknown_column_is_refused_with_the_known_ones(void **state)
{
	static const char *const rows[] = { "NOPE", "TOKEN,NOPE", "TOK", "", "TOKEN,,WHY" };
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct table_options options = { .columns = rows[i] };
		struct table *table = NULL;
		struct err err;

		assert_false(table_new(columns, ARRAY_SIZE(columns), &options, &table, &err));
		assert_null(table);
		assert_int_equal(err.kind, ERR_USAGE);
		assert_true(!*rows[i] || strstr(err.text, "there are TOKEN DAYS WHY ID"));
	}
}

static void
a_pipe_gets_80_columns_unless_COLUMNS_says_otherwise(void **state)
{
	const struct table_options all = { .columns = "+ID" };
	const struct table_options narrow = { .columns = "+ID", .width = 60 };
	(void)state;

	unsetenv("COLUMNS");
	assert_non_null(strstr(printed(&all, NULL, NULL), NAME_40 "    9 masked"));
	setenv("COLUMNS", "50", 1);
	assert_null(strstr(printed(&all, NULL, NULL), NAME_40));
	/* → has two bytes more than columns. */
	assert_true(longest_line(printed(&all, NULL, NULL)) <= 50 + 2);
	assert_true(longest_line(printed(&narrow, NULL, NULL)) > 50 + 2);
	unsetenv("COLUMNS");
}

static void
what_programs_read_is_never_cut(void **state)
{
	static const enum table_style rows[] = { TABLE_RAW, TABLE_JSON };
	(void)state;

	setenv("COLUMNS", "20", 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_non_null(
			strstr(printed(&(struct table_options){ .style = rows[i] }, NULL, NULL),
				NAME_40));
	unsetenv("COLUMNS");
}

static void
json_has_numbers_nulls_and_the_arrays_name(void **state)
{
	const struct table_options options = { .style = TABLE_JSON, .name = "tokens" };
	const char *text = printed(&options, "red", NULL);
	(void)state;

	assert_non_null(strstr(text, "\"tokens\": ["));
	assert_non_null(strstr(text, "\"days\": 9"));
	assert_non_null(strstr(text, "\"why\": \"masked no → yes\""));
	assert_non_null(strstr(text, "\"why\": null"));
}

static void
headings_go_when_asked_and_text_stays_itself_in_any_locale(void **state)
{
	const struct table_options options = { .no_headings = true };
	const char *text = printed(&options, "red", NULL);
	(void)state;

	assert_null(strstr(text, "TOKEN"));
	assert_non_null(strstr(text, "masked no → yes"));
	assert_null(strchr(text, '\033'));
}

/* A terminal of 30 columns; what arrives there goes to `seen`. */
static void
show_on_terminal(char *seen, size_t bytes)
{
	const struct winsize size = { .ws_row = 24, .ws_col = 30 };
	auto_close int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	FILE *terminal;
	size_t got = 0;
	ssize_t part;

	if (master < 0 || grantpt(master) || unlockpt(master))
		skip();
	/* Not as the controlling one: its end would end the test. */
	terminal = fdopen(open(ptsname(master), O_RDWR | O_NOCTTY | O_CLOEXEC), "r+");
	assert_non_null(terminal);
	assert_int_equal(ioctl(fileno(terminal), TIOCSWINSZ, &size), 0);
	printed(&(struct table_options){ .style = TABLE_PRETTY }, "red", terminal);
	fclose(terminal);
	/* In as many pieces as the kernel likes, until the other side is closed. */
	while ((part = read(master, seen + got, bytes - 1 - got)) > 0)
		got += (size_t)part;
	assert_true(got > 0);
	seen[got] = '\0';
}

static void
a_terminal_has_its_own_width_and_colours_unless_NO_COLOR(void **state)
{
	char seen[1024];
	(void)state;

	setenv("COLUMNS", "200", 1);
	unsetenv("NO_COLOR");
	show_on_terminal(seen, sizeof(seen));
	assert_null(strstr(seen, NAME_40));
	assert_non_null(strstr(seen, "\033[31m"));
	setenv("NO_COLOR", "1", 1);
	show_on_terminal(seen, sizeof(seen));
	assert_null(strchr(seen, '\033'));
	unsetenv("NO_COLOR");
	unsetenv("COLUMNS");
}

static void
a_full_disk_is_told(void **state)
{
	auto_table struct table *table = NULL;
	auto_stdio FILE *full = fopen("/dev/full", "we");
	struct err err;
	(void)state;

	assert_true(table_new(
		columns, ARRAY_SIZE(columns), &(struct table_options){ 0 }, &table, &err));
	table_row(table, (const char *const[]){ "a", "1", "b", "2" }, NULL);
	assert_false(table_print(table, full, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_are_those_that_output_names),
		cmocka_unit_test(an_unknown_column_is_refused_with_the_known_ones),
		cmocka_unit_test(a_pipe_gets_80_columns_unless_COLUMNS_says_otherwise),
		cmocka_unit_test(what_programs_read_is_never_cut),
		cmocka_unit_test(json_has_numbers_nulls_and_the_arrays_name),
		cmocka_unit_test(headings_go_when_asked_and_text_stays_itself_in_any_locale),
		cmocka_unit_test(a_terminal_has_its_own_width_and_colours_unless_NO_COLOR),
		cmocka_unit_test(a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
