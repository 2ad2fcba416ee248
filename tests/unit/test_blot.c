#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/blot.h"

#define SECRET "glpat-Kx7/q\"T2+v_Zs9"

static const char *
blotted(const char *text, const char *secret, bool was_cut, char *clean)
{
	auto_secret struct secret *held = secret_copy(text, strlen(text));
	auto_secret struct secret *known = secret ? secret_copy(secret, strlen(secret)) : NULL;

	blot(held, known, was_cut, clean);
	return clean;
}

/* clang-format off */
static const struct row {
	const char *what, *text, *clean;
} rows[] = {
	{ "none of it",         "cannot write: no space",              "cannot write: no space" },
	{ "as it is",           "bad value " SECRET "!",               "bad value ***!" },
	{ "twice",              SECRET " and " SECRET,                 "*** and ***" },
	{ "its beginning",      "glpat-Kx7... is refused",             "***... is refused" },
	{ "its end",            "a token on +v_Zs9; a token on T2+v_Zs9", "a token on +v_Zs9; a token on ***" },
	{ "JSON",               "{\"v\":\"glpat-Kx7\\/q\\\"T2+v_Zs9\"}", "{\"v\":\"***\"}" },
	{ "JSON by number",     "glpat-Kx7\\u002Fq\\u0022T2\\u002bv_Zs9", "***" },
	{ "percent, upper",     "?v=glpat-Kx7%2Fq%22T2%2Bv_Zs9&b",     "?v=***&b" },
	{ "percent, lower",     "?v=glpat-Kx7%2fq%22T2%2bv_Zs9&b",     "?v=***&b" },
	{ "percent, all of it", "%67%6c%70%61%74%2d%4b%78%37%2f%71%22%54%32%2b%76%5f%5a%73%39", "***" },
	{ "over a line end",    "glpat-Kx7/\nq\"T2+v_Zs9",             "***" },
	/* printf %s "$SECRET" | base64, with x, xy and xyz before it, and 1 behind it */
	{ "base64",             "v Z2xwYXQtS3g3L3EiVDIrdl9aczk= v",    "v *** v" },
	{ "base64, bare",       "v Z2xwYXQtS3g3L3EiVDIrdl9aczk v",     "v *** v" },
	{ "base64 after x",     "v eGdscGF0LUt4Ny9xIlQyK3ZfWnM5 v",    "v *** v" },
	{ "base64 after xy",    "v eHlnbHBhdC1LeDcvcSJUMit2X1pzOQ== v", "v *** v" },
	{ "base64 after xyz",   "v eHl6Z2xwYXQtS3g3L3EiVDIrdl9aczk= v", "v e*** v" },
	{ "base64 before 1",    "v Z2xwYXQtS3g3L3EiVDIrdl9aczkx v",    "v *** v" },
	{ "base64, a URL's %",  "v Z2xwYXQtS3g3L3EiVDIrdl9aczk%3D v",  "v ***%3D v" },
};
/* clang-format on */

static void
a_secret_is_starred_out_in_every_shape(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char clean[BLOT_TEXT_BYTES];

		if (strcmp(blotted(rows[i].text, SECRET, false, clean), rows[i].clean))
			fail_msg("%s: '%s', not '%s'", rows[i].what, clean, rows[i].clean);
	}
}

/* Where its letters are + and / in one alphabet, they are - and _ in the other. */
static void
both_alphabets_of_base64_are_known(void **state)
{
	char clean[BLOT_TEXT_BYTES];

	(void)state;
	assert_string_equal(blotted("a +/v/++/7+/v/ b", "\xfb\xfb\xff\xfb\xef\xfb\xfb\xfb\xff",
				    false, clean),
		"a *** b");
	assert_string_equal(blotted("a -_v_--_7-_v_ b", "\xfb\xfb\xff\xfb\xef\xfb\xfb\xfb\xff",
				    false, clean),
		"a *** b");
}

static void
of_a_long_text_the_end_is_kept_without_the_pieces_at_its_edges(void **state)
{
	char text[3 * BLOT_TEXT_BYTES] = "", clean[BLOT_TEXT_BYTES];
	const size_t cut = sizeof(text) - 1 - (BLOT_TEXT_BYTES - 1);

	(void)state;
	memset(text, ' ', sizeof(text) - 1);
	/* Four letters of the secret are left of it, at the beginning; at the end it was about to begin. */
	memcpy(text + cut + 4 - strlen(SECRET), SECRET, strlen(SECRET));
	memcpy(text + sizeof(text) - 1 - 100, "told", 4);
	memcpy(text + sizeof(text) - 1 - 5, SECRET, 5);
	blotted(text, SECRET, true, clean);
	assert_null(strstr(clean, "Zs9"));
	assert_null(strstr(clean, "glpa"));
	assert_non_null(strstr(clean, "told"));
	assert_true(strlen(clean) < BLOT_TEXT_BYTES);
}

static void
without_a_secret_a_text_stays_as_it_is(void **state)
{
	char clean[BLOT_TEXT_BYTES];

	(void)state;
	assert_string_equal(blotted("a text", NULL, true, clean), "a text");
	assert_string_equal(blotted("", SECRET, true, clean), "");
	assert_string_equal(blotted("pin 1234.", "1234", false, clean), "pin ***.");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_is_starred_out_in_every_shape),
		cmocka_unit_test(both_alphabets_of_base64_are_known),
		cmocka_unit_test(
			of_a_long_text_the_end_is_kept_without_the_pieces_at_its_edges),
		cmocka_unit_test(without_a_secret_a_text_stays_as_it_is),
	};
	struct err err;

	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
