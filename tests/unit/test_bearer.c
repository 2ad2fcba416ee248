#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "flow/bearer.h"

/* What is told apart without a question needs none; only a file that is new is asked about. */
static void
bearer_asks_about_a_file_only_when_it_holds_something_new(void **state)
{
	static const struct {
		const char *what;
		bool has_ours;
		enum bearer_file file;
		enum bearer_choice choice;
	} rows[] = {
		{ "the first run", false, BEARER_FILE_NEW, BEARER_TAKE_FILE },
		{ "every run before we made one", false, BEARER_FILE_SEEN, BEARER_TAKE_FILE },
		{ "nothing anywhere", false, BEARER_FILE_ABSENT, BEARER_NONE },
		{ "what we wrote", true, BEARER_FILE_OURS, BEARER_TAKE_OURS },
		{ "the one before, from a backup", true, BEARER_FILE_SEEN, BEARER_TAKE_OURS },
		{ "a file that is gone", true, BEARER_FILE_ABSENT, BEARER_TAKE_OURS },
		{ "the operator's, or an older copy", true, BEARER_FILE_NEW,
			BEARER_PROBE_FILE },
	};
	(void)state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		if (bearer_choose(rows[i].has_ours, rows[i].file) != rows[i].choice)
			fail_msg("%s", rows[i].what);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bearer_asks_about_a_file_only_when_it_holds_something_new),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
