#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "store/state.h"

static char root[64], path[96];

static int
fresh_path(void **state)
{
	(void)state;
	snprintf(root, sizeof(root), "/tmp/glrotate-state-XXXXXX");
	if (!mkdtemp(root))
		return 1;
	snprintf(path, sizeof(path), "%s/state", root);
	return 0;
}

static int
remove_path(void **state)
{
	char lock[128];
	(void)state;

	snprintf(lock, sizeof(lock), "%s/lock", path);
	unlink(lock);
	rmdir(path);
	return rmdir(root);
}

static void
a_writer_makes_the_directory_private_whatever_the_umask(void **unused)
{
	auto_state struct state *state = NULL;
	mode_t before = umask(0277);
	struct stat st;
	struct err err;
	bool ok = state_open(path, true, &state, &err);
	(void)unused;

	umask(before);
	assert_true(ok);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_true(state_is_writer(state));
	assert_string_equal(state_path(state), path);
}

static void
a_second_writer_is_told_who_holds_the_lock_until_it_is_let_go(void **unused)
{
	struct state *first = NULL, *second = NULL;
	struct err err;
	char expected[64];
	(void)unused;

	assert_true(state_open(path, true, &first, &err));
	assert_false(state_open(path, true, &second, &err));
	assert_int_equal(err.kind, ERR_BUSY);
	snprintf(expected, sizeof(expected), "another run (process %ld) holds the lock",
		(long)getpid());
	assert_string_equal(err.text, expected);
	state_close(first);
	assert_true(state_open(path, true, &second, &err));
	state_close(second);
}

static void
a_reader_needs_no_lock_and_no_directory(void **unused)
{
	auto_state struct state *absent = NULL, *writer = NULL, *reader = NULL;
	struct err err;
	(void)unused;

	assert_true(state_open(path, false, &absent, &err));
	assert_int_equal(state_dirfd(absent), -1);
	assert_int_equal(access(path, F_OK), -1);
	assert_true(state_open(path, true, &writer, &err));
	assert_true(state_open(path, false, &reader, &err));
	assert_false(state_is_writer(reader));
	assert_true(state_dirfd(reader) >= 0);
}

static void
a_directory_that_others_may_enter_is_refused_and_left_alone(void **unused)
{
	static const mode_t modes[] = { 0750, 0701, 0770, 0777 };
	(void)unused;

	assert_int_equal(mkdir(path, 0700), 0);
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++) {
		struct state *state = NULL;
		struct stat st;
		struct err err;
		assert_int_equal(chmod(path, modes[i]), 0);
		assert_false(state_open(path, true, &state, &err));
		assert_int_equal(err.kind, ERR_STORE);
		assert_false(state_open(path, false, &state, &err));
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 07777, modes[i]);
	}
}

static void
what_is_no_directory_or_has_no_parent_is_refused(void **unused)
{
	struct state *state = NULL;
	char deeper[128];
	struct err err;
	(void)unused;

	snprintf(deeper, sizeof(deeper), "%s/deeper", path);
	assert_false(state_open(deeper, true, &state, &err));
	assert_int_equal(err.kind, ERR_STORE);
	assert_false(state_open("/dev/null", true, &state, &err));
	assert_int_equal(err.kind, ERR_STORE);
}

static void
the_path_is_the_option_then_the_units_first_directory(void **unused)
{
	struct state *state = NULL;
	char list[256];
	struct err err;
	(void)unused;

	snprintf(list, sizeof(list), "%s:/elsewhere", path);
	setenv("STATE_DIRECTORY", list, 1);
	assert_true(state_open(NULL, false, &state, &err));
	assert_string_equal(state_path(state), path);
	state_close(state);
	assert_true(state_open(root, false, &state, &err));
	assert_string_equal(state_path(state), root);
	state_close(state);
	unsetenv("STATE_DIRECTORY");
}

int
main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fresh_path, remove_path)
	const struct CMUnitTest tests[] = {
		TEST(a_writer_makes_the_directory_private_whatever_the_umask),
		TEST(a_second_writer_is_told_who_holds_the_lock_until_it_is_let_go),
		TEST(a_reader_needs_no_lock_and_no_directory),
		TEST(a_directory_that_others_may_enter_is_refused_and_left_alone),
		TEST(what_is_no_directory_or_has_no_parent_is_refused),
		TEST(the_path_is_the_option_then_the_units_first_directory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
