#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/when.h"

static void
when_reads_dates_of_the_calendar_and_nothing_else(void **state)
{
	static const struct {
		const char *text;
		bool valid;
		int64_t date;
	} rows[] = {
		{ "1970-01-01", true, 0 },
		{ "2026-11-21", true, 20778 },
		{ "2000-02-29", true, 11016 },
		{ "2024-02-29", true, 19782 },
		{ "9999-12-31", true, 2932896 },
		{ "2100-02-29", false, 0 },
		{ "2026-02-29", false, 0 },
		{ "2026-13-01", false, 0 },
		{ "2026-00-10", false, 0 },
		{ "2026-04-31", false, 0 },
		{ "2026-04-00", false, 0 },
		{ "1969-12-31", false, 0 },
		{ "2026-1-1", false, 0 },
		{ "2026-11-21 ", false, 0 },
		{ " 2026-11-21", false, 0 },
		{ "2026-11-21T00:00:00Z", false, 0 },
		{ "+026-11-21", false, 0 },
		{ "", false, 0 },
		{ "never", false, 0 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[WHEN_TEXT_BYTES];
		int64_t date = 4711;

		if (date_parse(rows[i].text, &date) != rows[i].valid)
			fail_msg("'%s'", rows[i].text);
		assert_int_equal(date, rows[i].valid ? rows[i].date : 4711);
		if (rows[i].valid)
			assert_string_equal(date_text(date, text), rows[i].text);
	}
}

static void
when_dates_go_to_text_and_back_over_eight_thousand_years(void **state)
{
	char text[WHEN_TEXT_BYTES], before[WHEN_TEXT_BYTES] = "";
	(void)state;

	for (int64_t date = 0; date <= 2932896; date++) {
		int64_t again;
		assert_true(date_parse(date_text(date, text), &again));
		assert_int_equal(again, date);
		assert_true(strcmp(text, before) > 0);
		strcpy(before, text);
	}
}

static void
when_reads_moments_with_their_zones(void **state)
{
	static const struct {
		const char *text;
		bool valid;
		int64_t msec;
	} rows[] = {
		{ "1970-01-01T00:00:00Z", true, 0 },
		{ "2026-11-21T10:00:00Z", true, 1795255200000 },
		{ "2026-11-21T10:00:00.5Z", true, 1795255200500 },
		{ "2026-11-21T10:00:00.123Z", true, 1795255200123 },
		{ "2026-11-21T10:00:00.123999999Z", true, 1795255200123 },
		{ "2026-11-21T11:00:00.000+01:00", true, 1795255200000 },
		{ "2026-11-21T05:30:00-04:30", true, 1795255200000 },
		{ "2026-11-21T11:00:00+0100", true, 1795255200000 },
		{ "2026-11-21 10:00:00 UTC", true, 1795255200000 },
		{ "2026-11-21 10:00:00UTC", true, 1795255200000 },
		{ "2026-11-21T10:00:00", false, 0 },
		{ "2026-11-21", false, 0 },
		{ "2026-11-21T10:00Z", false, 0 },
		{ "2026-11-21T24:00:00Z", false, 0 },
		{ "2026-11-21T10:60:00Z", false, 0 },
		{ "2026-11-21T10:00:60Z", false, 0 },
		{ "2026-11-21T10:00:00.Z", false, 0 },
		{ "2026-11-21T10:00:00Zulu", false, 0 },
		{ "2026-11-21T10:00:00+1:00", false, 0 },
		{ "2026-11-21T10:00:00+24:00", false, 0 },
		{ "2026-02-30T10:00:00Z", false, 0 },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t msec = 4711;
		if (moment_parse_msec(rows[i].text, &msec) != rows[i].valid)
			fail_msg("'%s'", rows[i].text);
		assert_int_equal(msec, rows[i].valid ? rows[i].msec : 4711);
	}
}

static void
when_a_day_holds_its_moments_to_the_last_second(void **state)
{
	static const struct {
		int64_t moment, date;
	} rows[] = {
		{ 0, 0 },
		{ DAY_SEC - 1, 0 },
		{ DAY_SEC, 1 },
		{ -1, -1 },
		{ -DAY_SEC, -1 },
		{ -DAY_SEC - 1, -2 },
		{ NO_MOMENT, NO_DATE },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(date_of(rows[i].moment), rows[i].date);
	assert_int_equal(date_start(20778), 1795219200);
	assert_int_equal(date_start(NO_DATE), NO_MOMENT);
}

static void
when_shows_moments_for_people_and_for_machines(void **state)
{
	char text[WHEN_TEXT_BYTES];
	(void)state;

	assert_string_equal(moment_text(1795255259, text), "2026-11-21 10:00 UTC");
	assert_string_equal(moment_iso(1795255259, text), "2026-11-21T10:00:59Z");
	assert_string_equal(moment_text(NO_MOMENT, text), "never");
	assert_string_equal(date_text(NO_DATE, text), "never");
	/* What no clock says must not run over the buffer either. */
	assert_true(strlen(moment_iso(INT64_MAX, text)) < WHEN_TEXT_BYTES);
	assert_true(strlen(moment_text(INT64_MIN + 1, text)) < WHEN_TEXT_BYTES);
}

static void
when_shows_spans_in_two_units_at_the_most(void **state)
{
	static const struct {
		int64_t span;
		const char *span_text, *ago_text;
	} rows[] = {
		{ 0, "0 s", "now" },
		{ 12, "12 s", "12 s ago" },
		{ 4 * MINUTE_SEC, "4 min", "4 min ago" },
		{ 4 * MINUTE_SEC + 5, "4 min 5 s", "4 min 5 s ago" },
		{ 2 * HOUR_SEC + 59, "2h", "2h ago" },
		{ 9 * DAY_SEC + 6 * HOUR_SEC + 59 * MINUTE_SEC, "9d 6h", "9d 6h ago" },
		{ 9 * DAY_SEC + 59 * MINUTE_SEC, "9d", "9d ago" },
		{ -9 * DAY_SEC, "-9d", "in 9d" },
	};
	char text[WHEN_TEXT_BYTES];
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_string_equal(span_text(rows[i].span, text), rows[i].span_text);
		assert_string_equal(ago_text(rows[i].span, text), rows[i].ago_text);
	}
	assert_true(strlen(span_text(INT64_MIN, text)) < WHEN_TEXT_BYTES);
	assert_true(strlen(ago_text(INT64_MIN, text)) < WHEN_TEXT_BYTES);
	assert_true(strlen(ago_text(INT64_MAX, text)) < WHEN_TEXT_BYTES);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(when_reads_dates_of_the_calendar_and_nothing_else),
		cmocka_unit_test(when_dates_go_to_text_and_back_over_eight_thousand_years),
		cmocka_unit_test(when_reads_moments_with_their_zones),
		cmocka_unit_test(when_a_day_holds_its_moments_to_the_last_second),
		cmocka_unit_test(when_shows_moments_for_people_and_for_machines),
		cmocka_unit_test(when_shows_spans_in_two_units_at_the_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
