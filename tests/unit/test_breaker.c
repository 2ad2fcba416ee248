#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/when.h"
#include "flow/breaker.h"
#include "flow/longest.h"

static void
fail_times(struct breaker *breaker, enum breaker_kind kind, int times)
{
	struct err why;

	err_set(&why, ERR_DOUBT, 0, "GitLab said: 500");
	for (int i = 0; i < times; i++)
		breaker_note(breaker, kind, &why);
}

static void
the_fifth_failure_in_a_row_ends_the_run(void **state)
{
	(void)state;
	for (int kind = 0; kind < BREAKER_KIND_COUNT; kind++) {
		auto_breaker struct breaker *breaker = breaker_new();
		struct err why = { 0 };

		fail_times(breaker, (enum breaker_kind)kind, 4);
		assert_false(breaker_holds(breaker, &why));
		assert_false(breaker_ends(breaker));
		fail_times(breaker, (enum breaker_kind)kind, 1);
		assert_true(breaker_holds(breaker, &why));
		assert_true(breaker_ends(breaker));
		assert_int_equal(why.kind, ERR_LATER);
		assert_non_null(strstr(why.text, "(GitLab said: 500)"));
	}
}

static void
what_goes_well_ends_the_row_of_its_own_kind_alone(void **state)
{
	auto_breaker struct breaker *breaker = breaker_new();
	(void)state;

	fail_times(breaker, BREAKER_REQUEST, 4);
	breaker_note(breaker, BREAKER_READING, NULL);
	breaker_note(breaker, BREAKER_REQUEST, NULL);
	fail_times(breaker, BREAKER_REQUEST, 4);
	fail_times(breaker, BREAKER_READING, 4);
	assert_false(breaker_holds(breaker, NULL));
	breaker_note(breaker, BREAKER_READING, NULL);
	fail_times(breaker, BREAKER_REQUEST, 1);
	assert_true(breaker_ends(breaker));
}

static void
the_first_reason_holds_and_a_hold_ends_no_run(void **state)
{
	auto_breaker struct breaker *breaker = breaker_new();
	struct err clock, restored, why = { 0 };
	(void)state;

	err_set(&clock, ERR_PERSON, 0, "clock");
	err_set(&restored, ERR_PERSON, 0, "restored");
	breaker_hold(breaker, &clock);
	breaker_hold(breaker, &restored);
	assert_true(breaker_holds(breaker, &why));
	assert_string_equal(why.text, "clock");
	assert_false(breaker_ends(breaker));
}

static void
without_a_breaker_nothing_holds(void **state)
{
	(void)state;
	fail_times(NULL, BREAKER_REQUEST, 9);
	assert_false(breaker_holds(NULL, NULL));
	assert_false(breaker_ends(NULL));
}

static void
the_latest_date_is_read_out_of_a_refusal(void **state)
{
	static const struct {
		const char *refusal, *date;
	} rows[] = {
		{ "GitLab said: 400 Bad request - Expiration date must be before 2027-08-07",
			"2027-08-07" },
		{ "creating token 'x': GitLab said: 422 Expiration date must be before 2027-08-07",
			"2027-08-07" },
		{ "GitLab said: 400 expires at: must be before 2027-08-07, or none",
			"2027-08-07" },
		{ "GitLab said: 400 Bad request - Expiration date must be before 2027-13-07",
			NULL },
		{ "GitLab said: 400 Bad request - Expiration date must be before 2027-08",
			NULL },
		{ "GitLab said: 400 Bad request - Expiration date must be before ", NULL },
		{ "GitLab said: 400 expires_at is invalid", NULL },
		{ "", NULL },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int64_t date = NO_DATE;

		if (rows[i].date)
			assert_true(date_parse(rows[i].date, &date));
		if (longest_date_in(rows[i].refusal) != date)
			fail_msg("%s", rows[i].refusal);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fifth_failure_in_a_row_ends_the_run),
		cmocka_unit_test(what_goes_well_ends_the_row_of_its_own_kind_alone),
		cmocka_unit_test(the_first_reason_holds_and_a_hold_ends_no_run),
		cmocka_unit_test(without_a_breaker_nothing_holds),
		cmocka_unit_test(the_latest_date_is_read_out_of_a_refusal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
