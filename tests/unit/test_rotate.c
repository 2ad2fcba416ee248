/* How long a preflight holds. The clock is this test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/clock.h"
#include "flow/attempt.h"

static int64_t clock_stands_at = 1000;

int64_t
clock_msec(void)
{
	return clock_stands_at;
}

bool
clock_pause(int64_t msec, const volatile int *stop)
{
	clock_stands_at += msec;
	return !*stop;
}

struct age {
	const char *what;
	int64_t msec;
	bool holds;
};

/* A request that gets as far as our credential, which is not asked for because it is distrusted, has passed its preflight's age. */
static void
a_preflight_holds_for_less_than_a_minute(void **unused)
{
	static const struct age ages[] = {
		{ "at once", 0, true },
		{ "while other rows wait for the disk", 20000, true },
		{ "so late that the old secret may die after a minute", 59000, false },
		{ "a minute", 60000, false },
		{ "an hour", 3600000, false },
	};
	static const volatile int stop = 0;

	(void)unused;
	for (size_t i = 0; i < ARRAY_SIZE(ages); i++) {
		auto_identity struct identity *identity = identity_new("our own credential");
		struct rotation row = { .state = STATE_INTENDED, .target_id = 100 };
		struct attempt attempt = { .identity = identity,
			.stop = &stop,
			.row = &row,
			.preflight_msec = clock_stands_at };
		struct err err = { 0 };

		identity_distrust(identity);
		clock_stands_at += ages[i].msec;
		assert_false(step_request(&attempt, &err));
		assert_int_equal(err.kind, ERR_LATER);
		if (!strstr(err.text, "preflight") != ages[i].holds)
			fail_msg("%s: %s", ages[i].what, err.text);
	}
}

/* One that began since then would lose its secret. */
static void
a_look_at_idle_projects_holds_for_a_minute(void **unused)
{
	static const volatile int stop = 0;
	struct rotation row = { .state = STATE_INTENDED, .target_id = 100 };
	struct attempt attempt = { .stop = &stop,
		.row = &row,
		.preflight_msec = clock_stands_at,
		.idle.looked_msec = clock_stands_at - 60000 };
	struct err err = { 0 };

	(void)unused;
	assert_false(step_request(&attempt, &err));
	assert_int_equal(err.kind, ERR_LATER);
	assert_non_null(strstr(err.text, "look at the jobs"));
}

static void
a_request_without_a_preflight_is_not_sent(void **unused)
{
	static const volatile int stop = 0;
	struct rotation row = { .state = STATE_INTENDED, .target_id = 100 };
	struct attempt attempt = { .stop = &stop, .row = &row };
	struct err err = { 0 };

	(void)unused;
	assert_false(step_request(&attempt, &err));
	assert_int_equal(err.kind, ERR_LATER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_preflight_holds_for_less_than_a_minute),
		cmocka_unit_test(a_look_at_idle_projects_holds_for_a_minute),
		cmocka_unit_test(a_request_without_a_preflight_is_not_sent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
