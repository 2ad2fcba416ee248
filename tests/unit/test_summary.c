#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/log.h"
#include "base/when.h"
#include "report/summary.h"

static void
a_run_is_told_in_one_line(void **state)
{
	static const struct {
		unsigned counts[COUNT_COUNT];
		unsigned later, persons;
		const char *text;
	} rows[] = {
		{ { 0 }, 0, 0, "" },
		{ { [COUNT_ROTATED] = 4, [COUNT_DELIVERED] = 6 }, 0, 0,
			"rotated 4 tokens, delivered to 6 destinations; nothing needs you" },
		{ { [COUNT_CREATED] = 1, [COUNT_WAITING] = 2 }, 0, 0,
			"created 1 token, left for a later run 2 tokens; nothing needs you" },
		{ { [COUNT_ADOPTED] = 1 }, 2, 0,
			"adopted 1 token; 2 unfinished, a later run goes on by itself" },
		{ { 0 }, 1, 1, "nothing was changed; 1 thing needs you" },
		{ { [COUNT_ROTATED] = 1 }, 0, 2, "rotated 1 token; 2 things need you" },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		auto_arena struct arena *arena = arena_new();
		auto_outcome struct outcome *outcome = outcome_new();
		struct trouble trouble = {
			.address = "", .text = "x", .works_until = NO_MOMENT
		};

		for (int what = 0; what < COUNT_COUNT; what++)
			for (unsigned n = 0; n < rows[i].counts[what]; n++)
				outcome_add(outcome, (enum outcome_count)what);
		for (unsigned n = 0; n < rows[i].later; n++)
			outcome_trouble(outcome, &trouble);
		trouble.person = true;
		for (unsigned n = 0; n < rows[i].persons; n++)
			outcome_trouble(outcome, &trouble);
		assert_string_equal(summary_text(outcome, arena), rows[i].text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_run_is_told_in_one_line) };

	log_start(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
