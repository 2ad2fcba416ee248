/* Until when a rotation may wait for a moment without running jobs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/when.h"
#include "flow/idle.h"

#define BEGUN INT64_C(1000000)

static void
waiting_ends_while_the_token_still_lives(void **unused)
{
	static const struct {
		const char *what;
		int64_t span, left, waits; /* left NO_MOMENT: it does not die */
	} rows[] = {
		{ "the span, where there is time", 2 * HOUR_SEC, 10 * DAY_SEC, 2 * HOUR_SEC },
		{ "the span of one that does not die", 30 * DAY_SEC, NO_MOMENT, 30 * DAY_SEC },
		{ "half of what is left", 30 * DAY_SEC, 10 * DAY_SEC, 5 * DAY_SEC },
		{ "not the last two hours", HOUR_SEC, 150 * MINUTE_SEC, 30 * MINUTE_SEC },
		{ "not at all in them", HOUR_SEC, 2 * HOUR_SEC, 0 },
		{ "not at all when it is dead", HOUR_SEC, 0, -2 * HOUR_SEC },
	};

	(void)unused;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const int64_t dies =
			rows[i].left == NO_MOMENT ? NO_MOMENT : BEGUN + rows[i].left;

		if (idle_until(BEGUN, rows[i].span, dies) != BEGUN + rows[i].waits)
			fail_msg("%s", rows[i].what);
	}
}

static void
only_a_planned_row_without_trouble_waits(void **unused)
{
	const struct rotation waits = { .state = STATE_PLANNED, .trouble = "waits for jobs" };
	const struct rotation troubled = {
		.state = STATE_PLANNED, .trouble = "503", .trouble_since = 1
	};
	const struct rotation used = { .state = STATE_OVERLAP, .trouble = "is used" };
	const struct rotation goes = { .state = STATE_PLANNED, .trouble = "" };

	(void)unused;
	assert_string_equal(idle_words(&waits), "waits for jobs");
	assert_null(idle_words(&troubled));
	assert_null(idle_words(&used));
	assert_null(idle_words(&goes));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(waiting_ends_while_the_token_still_lives),
		cmocka_unit_test(only_a_planned_row_without_trouble_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
