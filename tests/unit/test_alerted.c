#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "store/alerted.h"

#define DAY_SEC INT64_C(86400)

static void
what_was_noted_by_a_clock_that_was_wrong_keeps_no_alert_back(void **unused)
{
	char path[] = "/tmp/glrotate-alerted-XXXXXX", file[64];
	auto_state struct state *state = NULL;
	struct stat facts;
	struct err err;
	(void)unused;

	assert_non_null(mkdtemp(path));
	assert_true(state_open(path, true, &state, &err));
	assert_true(alerted_note(state, "GLR-101"));
	snprintf(file, sizeof(file), "%s/alerted", path);
	assert_int_equal(stat(file, &facts), 0);

	assert_true(alerted_lately(state, "GLR-101", facts.st_mtime, DAY_SEC));
	assert_false(alerted_lately(state, "GLR-102", facts.st_mtime, DAY_SEC));
	assert_false(alerted_lately(state, "GLR-101", facts.st_mtime + DAY_SEC, DAY_SEC));
	assert_false(alerted_lately(state, "GLR-101", facts.st_mtime - 1, DAY_SEC));
	assert_false(alerted_lately(state, "GLR-101", facts.st_mtime - 365 * DAY_SEC, DAY_SEC));

	alerted_forget(state);
	snprintf(file, sizeof(file), "%s/lock", path);
	unlink(file);
	assert_int_equal(rmdir(path), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_noted_by_a_clock_that_was_wrong_keeps_no_alert_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
