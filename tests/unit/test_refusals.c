#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "store/refusals.h"

static char folder[64];

static struct state *
open_folder(void)
{
	struct state *state;
	struct err err;

	snprintf(folder, sizeof(folder), "/tmp/test_refusals-XXXXXX");
	assert_non_null(mkdtemp(folder));
	assert_true(state_open(folder, false, &state, &err));
	return state;
}

static void
remove_folder(void)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/refused", folder);
	unlink(path);
	rmdir(folder);
}

static void
write_file(const char *content)
{
	char path[128];
	FILE *stream;

	snprintf(path, sizeof(path), "%s/refused", folder);
	stream = fopen(path, "we");
	assert_non_null(stream);
	fputs(content, stream);
	fclose(stream);
}

static void
refusals_of_the_last_three_minutes_are_told_to_the_next_run(void **unused)
{
	auto_state struct state *state = open_folder();
	struct refusals *refusals = refusals_open(state);
	int64_t ages_sec[10];
	(void)unused;

	assert_int_equal(refusals_ages(refusals, ages_sec, 10), 0);
	refusals_add(refusals);
	refusals_add(refusals);
	refusals_close(refusals);
	refusals = refusals_open(state);
	assert_int_equal(refusals_ages(refusals, ages_sec, 10), 2);
	assert_in_range(ages_sec[1], 0, 2);
	for (int i = 0; i < 40; i++)
		refusals_add(refusals);
	assert_int_equal(refusals_ages(refusals, ages_sec, 10), 10);
	refusals_close(refusals);
	remove_folder();
}

static void
what_is_old_of_the_future_or_nonsense_is_not_told(void **unused)
{
	static const struct {
		int64_t age_sec;
		size_t told;
	} rows[] = { { 0, 1 }, { 179, 1 }, { 181, 0 }, { 100000, 0 }, { -100, 0 } };
	auto_state struct state *state = open_folder();
	int64_t ages_sec[10];
	char text[64];
	(void)unused;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct refusals *refusals = refusals_open(state);

		snprintf(text, sizeof(text), "%lld\n",
			(long long)(clock_msec() / 1000 - rows[i].age_sec));
		write_file(text);
		assert_int_equal(refusals_ages(refusals, ages_sec, 10), rows[i].told);
		write_file("x\n\n-1\n99999999999999999999999\n");
		assert_int_equal(refusals_ages(refusals, ages_sec, 10), 0);
		refusals_close(refusals);
	}
	remove_folder();
}

static void
without_a_directory_nothing_is_remembered(void **unused)
{
	struct refusals *refusals = refusals_open(NULL);
	int64_t ages_sec[10];
	(void)unused;

	refusals_add(refusals);
	assert_int_equal(refusals_ages(refusals, ages_sec, 10), 0);
	refusals_close(refusals);
	refusals_close(NULL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refusals_of_the_last_three_minutes_are_told_to_the_next_run),
		cmocka_unit_test(what_is_old_of_the_future_or_nonsense_is_not_told),
		cmocka_unit_test(without_a_directory_nothing_is_remembered),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
