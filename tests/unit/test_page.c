#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/when.h"
#include "report/page.h"

#define NOW INT64_C(1795219200)     /* 2026-11-21 00:00 UTC */
#define EXPIRES INT64_C(1797724800) /* 2026-12-20 00:00 UTC */
#define SUM (EXPIRES - 10 * DAY_SEC + DAY_SEC + 4 * HOUR_SEC + 13 * MINUTE_SEC)

/* Due ten days before its expiry, and a spread later. */
static struct due
usual_due(void)
{
	return (struct due){
		.basis = DUE_BY_EXPIRY,
		.dies_at = EXPIRES,
		.basis_at = EXPIRES,
		.renew_before_sec = 10 * DAY_SEC,
		.spread_sec = DAY_SEC + 4 * HOUR_SEC + 13 * MINUTE_SEC,
		.due_at = SUM,
		.urgent_at = EXPIRES - 5 * DAY_SEC,
	};
}

static void
the_due_sum_shows_each_of_its_parts(void **state)
{
	auto_arena struct arena *arena = arena_new();
	struct due due = usual_due();
	(void)state;

	assert_string_equal(page_due_sum(arena, &due),
		"2026-12-20 expires − 10d renew_before + 1d 4h 13 min spread = 2026-12-11 04:13 UTC");
	due.basis = DUE_BY_LIFETIME;
	due.basis_at += 8 * HOUR_SEC;
	due.due_at += 8 * HOUR_SEC;
	due.spread_sec = 30;
	assert_string_equal(page_due_sum(arena, &due),
		"2026-12-20 08:00 UTC max_lifetime ends − 10d renew_before + 0 min spread = 2026-12-10 08:00 UTC; put off to 2026-12-11 12:13 UTC");
}

static void
the_due_sum_says_what_moved_it_later(void **state)
{
	auto_arena struct arena *arena = arena_new();
	struct due due = usual_due();
	(void)state;

	due.ramped = true;
	due.ramp_at = due.due_at = EXPIRES - DAY_SEC;
	assert_non_null(strstr(page_due_sum(arena, &due),
		"= 2026-12-11 04:13 UTC; ramped after adoption or an edit to 2026-12-19 00:00 UTC"));
	due.ramp_at = 0;
	due.not_before = due.due_at;
	assert_non_null(strstr(page_due_sum(arena, &due),
		"; so soon after the last rotation not before 2026-12-19 00:00 UTC"));
	/* A ramp that lies before the sum moves nothing. */
	due = usual_due();
	due.ramped = true;
	due.ramp_at = NOW;
	assert_null(strstr(page_due_sum(arena, &due), "ramped"));
}

static void
words_for_moments_uses_and_counts(void **state)
{
	auto_arena struct arena *arena = arena_new();
	(void)state;

	assert_string_equal(page_moment(arena, EXPIRES, NOW), "2026-12-20 00:00 UTC (in 29d)");
	assert_string_equal(page_moment(arena, NO_MOMENT, NOW), "never");
	assert_string_equal(page_day(arena, EXPIRES + 5), "2026-12-20");
	assert_string_equal(page_day(arena, NO_MOMENT), "never");
	assert_string_equal(page_used(arena, (NOW - 240) * 1000, NOW), "used 4 min ago");
	assert_string_equal(page_used(arena, NO_MOMENT, NOW), "never used");
	assert_string_equal(page_count(arena, 1, "token", "tokens"), "1 token");
	assert_string_equal(page_count(arena, 0, "token", "tokens"), "0 tokens");
	assert_string_equal(page_advice(arena, 108), "GLR-108");
	assert_null(page_advice(arena, 0));
	assert_string_equal(page_id(arena, 4711), "#4711");
}

static void
a_lifetime_says_where_it_stands(void **state)
{
	auto_arena struct arena *arena = arena_new();
	struct lifetime lifetime = { .at = { "glrotate.yaml", 8, 3 },
		.max_lifetime_sec = 60 * DAY_SEC,
		.renew_before_sec = 10 * DAY_SEC };
	(void)state;

	assert_string_equal(page_lifetime(arena, &lifetime),
		"max_lifetime 60d, renew_before 10d (glrotate.yaml:8)");
	assert_string_equal(page_place(arena, (struct place){ 0 }), "");
}

static void
a_change_that_cannot_be_made_is_told_from_one_that_can(void **state)
{
	(void)state;

	assert_true(page_change_fails("cannot: 403 Forbidden"));
	assert_false(page_change_fails("value, masked no → yes"));
	assert_false(page_change_fails("created"));
}

static void
json_of_a_due_date_has_null_for_what_is_not(void **state)
{
	auto_json struct json *json = NULL;
	struct due due = usual_due();
	auto_free char *text = NULL;
	size_t bytes;
	FILE *stream = open_memstream(&text, &bytes);
	(void)state;

	json = page_due_json(&due);
	assert_true(json_print(json, stream));
	fclose(stream);
	assert_non_null(strstr(text, "\"due_at\": \"2026-12-11T04:13:00Z\""));
	assert_non_null(strstr(text, "\"basis\": \"expiry\""));
	assert_non_null(strstr(text, "\"ramp_at\": null"));
	assert_non_null(strstr(text, "\"not_before\": null"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_due_sum_shows_each_of_its_parts),
		cmocka_unit_test(the_due_sum_says_what_moved_it_later),
		cmocka_unit_test(words_for_moments_uses_and_counts),
		cmocka_unit_test(a_lifetime_says_where_it_stands),
		cmocka_unit_test(a_change_that_cannot_be_made_is_told_from_one_that_can),
		cmocka_unit_test(json_of_a_due_date_has_null_for_what_is_not),
	};

	json_start();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
