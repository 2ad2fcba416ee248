#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "base/address.h"
#include "base/fields.h"
#include "base/when.h"

static struct arena *arena;

static const struct word levels[] = { { "developer", 30 }, { "maintainer", 40 }, { NULL, 0 } };

static bool
refuse_x(const char *text, char *why, size_t why_bytes)
{
	if (!strchr(text, 'x'))
		return true;
	strncpy(why, "no x here", why_bytes);
	return false;
}

/* clang-format off */
static const struct field
	span   = { .key = "span", .kind = FIELD_SPAN },
	days   = { .key = "days", .kind = FIELD_SPAN, .min = 2 * DAY_SEC, .max = 365 * DAY_SEC },
	delay  = { .key = "delay", .kind = FIELD_DELAY, .max = DAY_SEC },
	number = { .key = "number", .kind = FIELD_INT },
	few    = { .key = "few", .kind = FIELD_INT, .min = 1, .max = 64 },
	mode   = { .key = "mode", .kind = FIELD_MODE },
	date   = { .key = "date", .kind = FIELD_DATE },
	moment = { .key = "moment", .kind = FIELD_MOMENT };
/* clang-format on */

static void
field_reads_numbers_spans_modes_and_dates(void **state)
{
	static const struct {
		const struct field *field;
		const char *text;
		int64_t value;
	} rows[] = {
		{ &span, "12h", 12 * HOUR_SEC },
		{ &span, "30d", 30 * DAY_SEC },
		{ &span, "2w", 14 * DAY_SEC },
		{ &days, "2d", 2 * DAY_SEC },
		{ &days, "365d", 365 * DAY_SEC },
		{ &delay, "30s", 30 },
		{ &delay, "5m", 300 },
		{ &delay, "24h", DAY_SEC },
		{ &number, "0", 0 },
		{ &number, "-5", -5 },
		{ &number, "9223372036854775807", INT64_MAX },
		{ &few, "1", 1 },
		{ &few, "64", 64 },
		{ &mode, "0400", 0400 },
		{ &mode, "0777", 0777 },
		{ &mode, "00640", 0640 },
		{ &date, "2026-11-21", 20778 },
		{ &moment, "2026-11-21T10:00:00.5Z", 1795255200500 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char why[128] = "";
		int64_t value = 4711;
		if (!field_from_text(
			    arena, rows[i].field, rows[i].text, &value, why, sizeof(why)))
			fail_msg("'%s': %s", rows[i].text, why);
		assert_int_equal(value, rows[i].value);
	}
}

static void
field_refuses_with_what_was_most_likely_meant(void **state)
{
	static const struct {
		const struct field *field;
		const char *text, *why;
	} rows[] = {
		{ &span, "30", "'30' has no unit, did you mean '30d'?" },
		{ &span, "1m", "did you mean '30d'?" },
		{ &span, "3M", "did you mean '90d'?" },
		{ &span, "1y", "say '52w' or '365d'" },
		{ &span, "2y", "say '104w' or '730d'" },
		{ &span, "", "such as 30d" },
		{ &span, "d", "such as 30d" },
		{ &span, "-1d", "such as 30d" },
		{ &span, "1.5d", "such as 30d" },
		{ &span, "30 d", "such as 30d" },
		{ &span, "30dd", "such as 30d" },
		{ &span, "99999999999999999999d", "such as 30d" },
		{ &span, "9999999d", "such as 30d" },
		{ &span, "0d", "at least 1" },
		{ &days, "47h", "expected at least 2d, not '47h'" },
		{ &days, "53w", "expected at most 365d, not '53w'" },
		{ &delay, "30", "did you mean '30s'?" },
		{ &delay, "2w", "say '14d'" },
		{ &delay, "25h", "expected at most 1d" },
		{ &number, "", "expected a whole number" },
		{ &number, "1x", "expected a whole number" },
		{ &number, "0x10", "expected a whole number" },
		{ &number, " 1", "expected a whole number" },
		{ &number, "+1", "expected a whole number" },
		{ &number, "1e3", "expected a whole number" },
		{ &number, "9223372036854775808", "expected a whole number" },
		{ &few, "0", "expected a number from 1 to 64, not '0'" },
		{ &few, "65", "expected a number from 1 to 64, not '65'" },
		{ &mode, "400", "write 0400" },
		{ &mode, "0o400", "in octal" },
		{ &mode, "0800", "in octal" },
		{ &mode, "rw", "in octal" },
		{ &mode, "04755", "from 0001 to 0777" },
		{ &mode, "0000", "from 0001 to 0777" },
		{ &date, "21.11.2026", "such as 2026-11-21" },
		{ &date, "2026-02-30", "such as 2026-11-21" },
		{ &moment, "2026-11-21", "such as 2026-11-21T10:00:00Z" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char why[128] = "";
		int64_t value = 4711;
		if (field_from_text(
			    arena, rows[i].field, rows[i].text, &value, why, sizeof(why)) ||
			!strstr(why, rows[i].why))
			fail_msg("'%s': %s", rows[i].text, why);
		assert_int_equal(value, 4711);
	}
}

static void
field_reads_yes_and_no_and_nothing_between(void **state)
{
	static const struct field field = { .key = "b", .kind = FIELD_BOOL };
	static const struct {
		const char *text;
		enum stated value;
	} rows[] = {
		{ "yes", STATED_YES },
		{ "true", STATED_YES },
		{ "True", STATED_YES },
		{ "no", STATED_NO },
		{ "false", STATED_NO },
		{ "NO", STATED_NO },
		{ "maybe", UNSTATED },
		{ "1", UNSTATED },
		{ "", UNSTATED },
		{ "yess", UNSTATED },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		enum stated value = UNSTATED;
		char why[128];
		assert_int_equal(
			field_from_text(arena, &field, rows[i].text, &value, why, sizeof(why)),
			rows[i].value != UNSTATED);
		assert_int_equal(value, rows[i].value);
	}
}

static void
field_reads_words_and_names_the_nearest(void **state)
{
	static const struct field field = { .key = "w", .kind = FIELD_WORD, .words = levels };
	char why[128];
	int value = 0;
	(void)state;

	assert_true(field_from_text(arena, &field, "maintainer", &value, why, sizeof(why)));
	assert_int_equal(value, 40);
	assert_false(field_from_text(arena, &field, "maintaner", &value, why, sizeof(why)));
	assert_string_equal(why,
		"expected one of developer, maintainer, not 'maintaner'; did you "
		"mean 'maintainer'?");
	assert_false(field_from_text(arena, &field, "owner", &value, why, sizeof(why)));
	assert_string_equal(why, "expected one of developer, maintainer, not 'owner'");
	assert_int_equal(value, 40);
}

static void
field_reads_texts_within_their_limits(void **state)
{
	static const struct field free_text = { .key = "t", .kind = FIELD_TEXT },
				  limited = { .key = "t",
					  .kind = FIELD_TEXT,
					  .min = 2,
					  .max = 3 },
				  needed = { .key = "t", .kind = FIELD_TEXT, .min = 1 },
				  checked = {
					  .key = "t", .kind = FIELD_TEXT, .check = refuse_x
				  };
	static const struct {
		const struct field *field;
		const char *text, *why; /* no reason: it is read */
	} rows[] = {
		{ &free_text, "", NULL },
		{ &free_text, "any thing", NULL },
		{ &limited, "ab", NULL },
		{ &limited, "abc", NULL },
		{ &limited, "a", "at least 2 characters" },
		{ &limited, "abcd", "at most 3 characters, not 4" },
		{ &needed, "", "not an empty one" },
		{ &checked, "abc", NULL },
		{ &checked, "abx", "no x here" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *value = NULL;
		char why[128] = "";
		bool read = field_from_text(
			arena, rows[i].field, rows[i].text, &value, why, sizeof(why));
		assert_int_equal(read, !rows[i].why);
		if (read)
			assert_string_equal(value, rows[i].text);
		else
			assert_non_null(strstr(why, rows[i].why));
	}
}

static void
field_reads_addresses_with_wildcards_only_where_they_may_stand(void **state)
{
	static const struct field exact = { .key = "a", .kind = FIELD_ADDRESS }, pattern = {
		.key = "a", .kind = FIELD_ADDRESS, .pattern = true
	};
	struct address address = { 0 };
	char why[512];
	(void)state;

	assert_false(
		field_from_text(arena, &exact, "project:a/**:b", &address, why, sizeof(why)));
	assert_null(address.text);
	assert_true(
		field_from_text(arena, &pattern, "project:a/**:b", &address, why, sizeof(why)));
	assert_string_equal(address.text, "project:a/**:b");
}

static void
field_cuts_its_reason_to_the_room_there_is(void **state)
{
	char long_text[5000], why[32];
	int64_t value;
	(void)state;

	memset(long_text, 'a', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	assert_false(field_from_text(arena, &number, long_text, &value, why, sizeof(why)));
	assert_int_equal(strlen(why), sizeof(why) - 1);
}

static void
nearest_word_is_near(void **state)
{
	static const char *const keys[] = { "for", "max_lifetime", "renew_before", "deliver",
		"scopes", "scopes_at_most", NULL };
	static const struct {
		const char *wrong, *nearest;
	} rows[] = {
		{ "fro", "for" },
		{ "max_liftime", "max_lifetime" },
		{ "maxlifetime", "max_lifetime" },
		{ "renew_befor", "renew_before" },
		{ "delivery", "deliver" },
		{ "edlievr", "deliver" },
		{ "scope", "scopes" },
		{ "scopes_at_least", "scopes_at_most" },
		{ "banana", NULL },
		{ "x", NULL },
		{ "", NULL },
	};
	char long_word[1000];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *nearest = nearest_word(rows[i].wrong, keys);
		if (!nearest != !rows[i].nearest ||
			(nearest && strcmp(nearest, rows[i].nearest)))
			fail_msg("'%s' is near '%s'", rows[i].wrong,
				nearest ? nearest : "nothing");
	}
	memset(long_word, 'a', sizeof(long_word) - 1);
	long_word[sizeof(long_word) - 1] = '\0';
	assert_null(nearest_word(long_word, keys));
}

struct inner {
	struct place at;
	int64_t day;
};
struct outer {
	struct place at;
	int64_t day, msec, count;
	struct inner inner;
};

static void
shape_clear_leaves_nothing_but_nothings(void **state)
{
	static const struct field inner_fields[] = {
		{ .key = "day", .kind = FIELD_DATE, .offset = offsetof(struct inner, day) },
		{ NULL }
	};
	static const struct shape inner = { .fields = inner_fields,
		.bytes = sizeof(struct inner) };
	static const struct field fields[] = {
		{ .key = "day", .kind = FIELD_DATE, .offset = offsetof(struct outer, day) },
		{ .key = "msec", .kind = FIELD_MOMENT, .offset = offsetof(struct outer, msec) },
		{ .key = "count", .kind = FIELD_INT, .offset = offsetof(struct outer, count) },
		{ .key = "inner",
			.kind = FIELD_STRUCT,
			.offset = offsetof(struct outer, inner),
			.shape = &inner },
		{ NULL }
	};
	static const struct shape shape = { .fields = fields, .bytes = sizeof(struct outer) };
	struct outer outer;
	(void)state;

	memset(&outer, 0x55, sizeof(outer));
	shape_clear(&shape, &outer);
	assert_int_equal(outer.day, NO_DATE);
	assert_int_equal(outer.msec, NO_MOMENT);
	assert_int_equal(outer.count, 0);
	assert_int_equal(outer.inner.day, NO_DATE);
	assert_int_equal(outer.inner.at.line, 0);
	assert_ptr_equal(shape_field(&shape, "count"), &fields[2]);
	assert_null(shape_field(&shape, "coun"));
}

static int
start(void **state)
{
	(void)state;
	arena = arena_new();
	return 0;
}

static int
end(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(field_reads_numbers_spans_modes_and_dates),
		cmocka_unit_test(field_refuses_with_what_was_most_likely_meant),
		cmocka_unit_test(field_reads_yes_and_no_and_nothing_between),
		cmocka_unit_test(field_reads_words_and_names_the_nearest),
		cmocka_unit_test(field_reads_texts_within_their_limits),
		cmocka_unit_test(
			field_reads_addresses_with_wildcards_only_where_they_may_stand),
		cmocka_unit_test(field_cuts_its_reason_to_the_room_there_is),
		cmocka_unit_test(nearest_word_is_near),
		cmocka_unit_test(shape_clear_leaves_nothing_but_nothings),
	};

	return cmocka_run_group_tests(tests, start, end);
}
