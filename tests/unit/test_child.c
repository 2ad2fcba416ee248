#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/child.h"

/* Ends only what hangs. */
#define LONG_MSEC 60000

static struct child_end
run(const char *script, const struct secret *input, int64_t timeout_msec)
{
	const char *const argv[] = { "sh", "-c", script, NULL };
	const char *const environment[] = { "FACT=a b", NULL };
	struct child_end end;
	struct err err;

	if (!child_run(&(struct child){ .argv = argv,
			       .environment = environment,
			       .input = input,
			       .timeout_msec = timeout_msec },
		    &end, &err))
		fail_msg("%s", err.text);
	return end;
}

static void
a_child_gets_no_descriptor_that_somebody_left_open(void **state)
{
	const int left = dup2(STDERR_FILENO, 77);
	auto_child_end struct child_end end =
		run("test -e /proc/self/fd/77 && echo there; exit 0", NULL, LONG_MSEC);

	(void)state;
	close(left);
	assert_int_equal(left, 77);
	assert_string_equal(secret_reveal(end.output), "");
}

static void
a_child_gets_its_input_and_the_facts_and_is_heard(void **state)
{
	auto_secret struct secret *input = secret_copy("a secret", 8);
	auto_child_end struct child_end end =
		run("cat; echo \" $FACT ${CHILD_TEST-none}\"; echo woe >&2; exit 75", input,
			LONG_MSEC);

	(void)state;
	assert_string_equal(secret_reveal(end.output), "a secret a b none\n");
	assert_string_equal(secret_reveal(end.complaint), "woe\n");
	assert_int_equal(end.exit_code, 75);
	assert_int_equal(end.signal, 0);
	assert_false(end.timed_out);
}

static void
a_child_that_reads_nothing_is_no_failure(void **state)
{
	char large[200000];
	struct secret *input;

	(void)state;
	memset(large, 'x', sizeof(large));
	input = secret_copy(large, sizeof(large));
	auto_child_end struct child_end end = run("exit 0", input, LONG_MSEC);
	assert_int_equal(end.exit_code, 0);
	secret_free(input);
}

static void
what_is_too_much_is_dropped_and_does_not_hold_it_up(void **state)
{
	auto_child_end struct child_end end =
		run("head -c 300000 /dev/zero | tr '\\0' x; echo end >&2", NULL, LONG_MSEC);

	(void)state;
	assert_int_equal(secret_length(end.output), CHILD_OUTPUT_MAX_BYTES);
	assert_string_equal(secret_reveal(end.complaint), "end\n");
}

static void
a_child_that_hangs_is_killed_with_all_that_it_began(void **state)
{
	auto_child_end struct child_end end = run("echo begun; sleep 1000 & wait", NULL, 300);

	(void)state;
	assert_true(end.timed_out);
	assert_int_equal(end.signal, SIGKILL);
	assert_int_equal(end.exit_code, -1);
}

static void
a_child_that_never_stops_writing_is_killed(void **state)
{
	auto_child_end struct child_end end = run("exec yes", NULL, 300);

	(void)state;
	assert_true(end.timed_out);
	assert_int_equal(secret_length(end.output), CHILD_OUTPUT_MAX_BYTES);
}

static void
what_a_child_leaves_behind_is_not_waited_for(void **state)
{
	auto_child_end struct child_end end = run("sleep 1000 & echo $!", NULL, LONG_MSEC);

	(void)state;
	assert_int_equal(end.exit_code, 0);
	assert_false(end.timed_out);
	kill((pid_t)strtol(secret_reveal(end.output), NULL, 10), SIGKILL);
}

static void
a_program_that_is_not_there_is_refused(void **state)
{
	const char *const argv[] = { "/nowhere/program", NULL };
	struct child_end end;
	struct err err;

	(void)state;
	assert_false(child_run(
		&(struct child){ .argv = argv, .timeout_msec = LONG_MSEC }, &end, &err));
	assert_int_equal(err.kind, ERR_REFUSED);
	assert_non_null(strstr(err.text, "/nowhere/program"));
}

static void
base64_is_as_others_write_it(void **state)
{
	auto_secret struct secret *plain = secret_copy("user:pass\xff", 10);
	auto_secret struct secret *text = secret_base64(plain);

	(void)state;
	assert_string_equal(secret_reveal(text), "dXNlcjpwYXNz/w==");
	assert_int_equal(secret_length(text), 16);
}

static void
base64_is_read_back_and_nothing_else_is(void **state)
{
	static const char *const wrong[] = { "dXNlcg", "dXNlcg=", "dXNl cg==", "dXNlcg==\n",
		"*", "=" };
	auto_secret struct secret *text = secret_copy("dXNlcjpwYXNz/w==", 16);
	auto_secret struct secret *plain = secret_unbase64(text);

	(void)state;
	assert_int_equal(secret_length(plain), 10);
	assert_memory_equal(secret_reveal(plain), "user:pass\xff", 11);
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		auto_secret struct secret *bad = secret_copy(wrong[i], strlen(wrong[i]));

		assert_null(secret_unbase64(bad));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_child_gets_no_descriptor_that_somebody_left_open),
		cmocka_unit_test(a_child_gets_its_input_and_the_facts_and_is_heard),
		cmocka_unit_test(a_child_that_reads_nothing_is_no_failure),
		cmocka_unit_test(what_is_too_much_is_dropped_and_does_not_hold_it_up),
		cmocka_unit_test(a_child_that_hangs_is_killed_with_all_that_it_began),
		cmocka_unit_test(a_child_that_never_stops_writing_is_killed),
		cmocka_unit_test(what_a_child_leaves_behind_is_not_waited_for),
		cmocka_unit_test(a_program_that_is_not_there_is_refused),
		cmocka_unit_test(base64_is_as_others_write_it),
		cmocka_unit_test(base64_is_read_back_and_nothing_else_is),
	};
	struct err err;

	setenv("CHILD_TEST", "not inherited", 1);
	signal(SIGPIPE, SIG_IGN);
	if (!secret_start(&err))
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
