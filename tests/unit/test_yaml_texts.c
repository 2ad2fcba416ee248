#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/yaml.h"

struct sheet {
	struct place at;
	const char *name;
};

static const struct field sheet_fields[] = {
	{ "name", FIELD_TEXT, offsetof(struct sheet, name) },
	{ NULL },
};

static const char *
first_refusal(const char *text, bool is_others, struct diags *diags, struct place *at)
{
	const struct shape shape = { .name = "a sheet",
		.fields = sheet_fields,
		.bytes = sizeof(struct sheet),
		.tolerant = is_others };
	auto_arena struct arena *arena = arena_new();
	struct sheet sheet;

	if (yaml_decode("f", text, strlen(text), &shape, arena, &sheet, diags))
		return NULL;
	*at = diags_at(diags, 0)->place;
	return diags_at(diags, 0)->text;
}

/* clang-format off */
static const struct {
	const char *text;
	int line, column;
	const char *said; /* NULL: fine */
} rows[] = {
	{ "name: \"a\\e[31mb\"", 1, 7, "the character U+001B" },
	{ "# a\nname: \"a\\tb\"", 2, 7, "the character U+0009" },
	{ "name: \"a\\x9b1m\"", 1, 7, "the character U+009B" },
	{ "name: a\xe2\x80\xae" "b", 1, 7, "the character U+202E" },
	{ "name: a\xc2\x9b" "b", 1, 8, "control characters are not allowed" },
	{ "\"na\\eme\": b", 1, 1, "the character U+001B" },
	{ "name: |\n  a\n  b\n", 1, 7, "cannot hold a line break" },
	{ "name: >\n  a\n", 1, 7, "(behind '>-' the lines are joined)" },
	{ "name: >-\n  a\n  b\n", 0, 0, NULL },
	{ "name: \xc3\xa4\xe6\xbc\xa2\xf0\x9f\x98\x80", 0, 0, NULL },
};
/* clang-format on */

static void
a_text_that_a_terminal_would_act_on_is_refused_at_its_place(void **state)
{
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_diags struct diags *diags = diags_new();
		struct place at = { 0 };
		const char *said = first_refusal(rows[i].text, false, diags, &at);

		if (!said != !rows[i].said || (said && !strstr(said, rows[i].said)) ||
			at.line != rows[i].line || at.column != rows[i].column)
			fail_msg("row %zu: %d:%d: %s", i, at.line, at.column, said);
	}
}

static void
another_programs_file_may_have_texts_of_several_lines(void **state)
{
	auto_diags struct diags *diags = diags_new();
	struct place at;
	(void)state;

	assert_null(first_refusal("hint: |\n  a\n  b\nname: a\n", true, diags, &at));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_that_a_terminal_would_act_on_is_refused_at_its_place),
		cmocka_unit_test(another_programs_file_may_have_texts_of_several_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
