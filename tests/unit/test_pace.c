/* With the stop flag set pace_wait() answers at once whether there was something to wait for, so nothing sleeps here. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "gitlab/pace.h"

static const volatile int stop = 1;

/* Three pass in a row: the first alone says nothing of the gap behind it. */
static bool
lets_three_pass(struct pace *pace, enum urgency urgency)
{
	return pace_wait(pace, urgency) && pace_wait(pace, urgency) && pace_wait(pace, urgency);
}

static void
pace_holds_back_only_what_the_server_asked_for(void **state)
{
	/* clang-format off */
	static const struct {
		struct http_answer answer;
		bool delivers, reads;
	} rows[] = {
		{ { .status = 200, .retry_after_sec = -1, .rate_remaining = -1 }, true, true },
		{ { .status = 500, .retry_after_sec = -1, .rate_remaining = -1 }, true, true },
		{ { .status = 503, .retry_after_sec = -1, .rate_remaining = -1 }, true, true },
		{ { .status = 200, .retry_after_sec = 60, .rate_remaining = -1 }, true, true },
		{ { .status = 429, .retry_after_sec = 60, .rate_remaining = -1 }, false, false },
		{ { .status = 429, .retry_after_sec = -1, .rate_remaining = -1 }, false, false },
		{ { .status = 503, .retry_after_sec = 60, .rate_remaining = -1 }, false, false },
		/* No pause, but one after the other from here on. */
		{ { .status = 429, .retry_after_sec = 0, .rate_remaining = -1 }, true, false },
		{ { .status = 200, .retry_after_sec = -1, .rate_remaining = 0, .rate_reset = 1060, .date = 1000 }, false, false },
		{ { .status = 200, .retry_after_sec = -1, .rate_remaining = 20, .rate_reset = 1060, .date = 1000 }, true, false },
		{ { .status = 200, .retry_after_sec = -1, .rate_remaining = 900, .rate_reset = 1060, .date = 1000 }, true, true },
		/* The period is over, or the answer does not say when it ends. */
		{ { .status = 200, .retry_after_sec = -1, .rate_remaining = 0, .rate_reset = 1000, .date = 1000 }, true, true },
		{ { .status = 200, .retry_after_sec = -1, .rate_remaining = 0, .rate_reset = 900, .date = 1000 }, true, true },
		{ { .status = 200, .retry_after_sec = -1, .rate_remaining = 0, .date = 1000 }, true, true },
		{ { .status = 200, .retry_after_sec = -1, .rate_remaining = 0, .rate_reset = 1060 }, true, true },
	};
	/* clang-format on */
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct pace *pace = pace_new(&stop);

		assert_true(lets_three_pass(pace, URGENCY_READ));
		pace_learn(pace, &rows[i].answer);
		if (lets_three_pass(pace, URGENCY_DELIVER) != rows[i].delivers)
			fail_msg("row %zu: deliveries", i);
		if (lets_three_pass(pace, URGENCY_READ) != rows[i].reads)
			fail_msg("row %zu: readings", i);
		pace_free(pace);
	}
}

static void
pace_is_free_again_after_an_answer_that_is_no_refusal(void **state)
{
	const struct http_answer refusal = { .status = 429, .rate_remaining = -1 };
	const struct http_answer good = {
		.status = 200, .retry_after_sec = -1, .rate_remaining = -1
	};
	struct pace *pace = pace_new(&stop);
	(void)state;

	pace_learn(pace, &refusal);
	pace_learn(pace, &good);
	assert_true(lets_three_pass(pace, URGENCY_READ));
	pace_free(pace);
}

static void
pace_is_not_opened_by_answers_that_were_under_way(void **state)
{
	const struct http_answer refusal = {
		.status = 429, .retry_after_sec = 30, .rate_remaining = -1
	};
	const struct http_answer good = {
		.status = 200, .retry_after_sec = -1, .rate_remaining = -1
	};
	struct pace *pace = pace_new(&stop);
	(void)state;

	pace_learn(pace, &refusal);
	pace_learn(pace, &good);
	assert_false(pace_wait(pace, URGENCY_DELIVER));
	pace_free(pace);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pace_holds_back_only_what_the_server_asked_for),
		cmocka_unit_test(pace_is_free_again_after_an_answer_that_is_no_refusal),
		cmocka_unit_test(pace_is_not_opened_by_answers_that_were_under_way),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
